"""A host on this machine that serves one file, as well or as badly as a test wants."""

from __future__ import annotations

import hashlib
import http.server
import threading
import time
from contextlib import contextmanager

from mpm.zoo.download import RemoteFile

CONTENT = bytes(range(256)) * 12_000  # three chunks
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Host(http.server.ThreadingHTTPServer):
    """Serves one file, with ranges, at an address of its own; it can stop short, dawdle or send elsewhere."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.content, self.version = CONTENT, '"one"'
        self.stop_after, self.pause_s, self.location, self.says_length = None, 0.0, "", True
        self.ranges: list[str | None] = []

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def file(self, **known) -> RemoteFile:
        return RemoteFile(f"{self.origin}/weights.pth", **known)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        host, asked = self.server, self.headers.get("Range")
        host.ranges.append(asked)
        if host.location and self.path == "/weights.pth":
            self.send_response(302)
            self.send_header("Location", host.location)
            self.end_headers()
            return
        start = int(asked[6:-1]) if asked and self.headers.get("If-Range") == host.version else 0
        if start and start >= len(host.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(host.content) - 1}/{len(host.content)}")
        if host.version:
            self.send_header("ETag", host.version)
        if host.says_length:
            self.send_header("Content-Length", str(len(host.content) - start))
        self.end_headers()
        self.send(host.content[start : host.stop_after])

    def send(self, content: bytes):
        for at in range(0, len(content), 65_536):
            try:
                self.wfile.write(content[at : at + 65_536])
            except OSError:
                return  # the other side was killed
            time.sleep(self.server.pause_s)

    def log_message(self, *_):
        """Quiet."""


@contextmanager
def running():
    host = Host()
    thread = threading.Thread(target=host.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield host
    host.shutdown()
    host.server_close()
