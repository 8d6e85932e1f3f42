"""A Hugging Face hub on this machine: it answers as well or as badly as a test wants."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

COMMITS = tuple(str(number) * 40 for number in range(1, 6))


def is_large(name: str) -> bool:
    """The hub keeps these apart from git, at a host of its own."""
    return name.endswith((".safetensors", ".bin"))


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def etag_of(name: str, content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() if is_large(name) else git_sha1(content)


@dataclass
class Repo:
    """commits: the files of each by their names, the last is `main`. token: opens a gated or private one."""

    commits: list[dict[str, bytes]]
    gated: bool = False
    private: bool = False
    token: str = "hf_good"

    def find(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        known = {COMMITS[number]: files for number, files in enumerate(self.commits)}
        known["main"] = self.commits[-1]
        sha = COMMITS[len(self.commits) - 1] if revision == "main" else revision
        return (sha, known[revision]) if revision in known else None


@dataclass
class Seen:
    """A request: the path, the range asked for, and whether a token came along."""

    method: str
    path: str
    range: str | None
    token: str | None


class Hub(http.server.ThreadingHTTPServer):
    """stop_after: bytes of the next large file that are sent before the connection breaks.

    hold: instead of breaking, wait there until it is set. status: of every answer instead of any other.
    lies: content sent instead of what is listed, by name. no_digests: as a mirror that lists names only.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.repos: dict[str, Repo] = {}
        self.stop_after: int | None = None
        self.hold: threading.Event | None = None
        self.status: int | None = None
        self.lies: dict[str, bytes] = {}
        self.no_digests = False
        self.seen: list[Seen] = []

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def elsewhere(self) -> str:
        """Where large files are: another host, which must not see tokens."""
        return f"http://localhost:{self.server_port}"

    def add(self, name: str, folder: Path | dict[str, bytes], **more) -> Repo:
        if isinstance(folder, Path):
            folder = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.repos[name] = Repo([folder], **more)
        return self.repos[name]

    def gets(self, ending: str = "") -> list[Seen]:
        """Files that were sent."""
        return [
            one for one in self.seen if one.method == "GET" and "/api/" not in one.path and ending in one.path
        ]


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer()

    def do_POST(self):
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.note()
        if self.server.status:
            return self.say({"error": "broken"}, self.server.status)
        parts = urlsplit(self.path).path.split("/")[2:]
        if self.token != "hf_good":
            return self.say({"error": "no"}, 403 if self.token else 401)
        if parts == ["repos", "create"]:
            asked = json.loads(sent)
            name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            name = name if "/" in name else f"me/{name}"
            if not name.startswith("me/"):
                return self.say({"error": "You don't have the rights"}, 403)
            self.server.repos.setdefault(
                name, Repo([{}], private=asked.get("visibility") == "private" or bool(asked.get("private")))
            )
            return self.say({"url": f"{self.server.origin}/{name}"})
        if parts == ["validate-yaml"]:
            return self.say({"errors": [], "warnings": []})
        if parts[3] == "preupload":
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None}
                for file in json.loads(sent)["files"]
            ]
            return self.say({"files": files})
        return self.commit("/".join(parts[1:3]), sent)

    def commit(self, name: str, sent: bytes):
        repo = self.server.repos[name]
        files = dict(repo.commits[-1])
        for line in map(json.loads, sent.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        repo.commits.append(files)
        sha = COMMITS[len(repo.commits) - 1]
        url = f"{self.server.origin}/{name}/commit/{sha}"
        self.say({"success": True, "commitOid": sha, "commitUrl": url, "hookOutput": ""})

    @property
    def token(self) -> str | None:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None

    def note(self):
        self.server.seen.append(Seen(self.command, self.path, self.headers.get("Range"), self.token))

    def answer(self, body: bool = True):
        self.note()
        hub, parts = self.server, [unquote(part) for part in urlsplit(self.path).path.split("/")[1:]]
        if hub.status:
            return self.say({"error": "broken"}, hub.status)
        if parts[0] == "large":
            return self.send_file(hub.lies.get(parts[2], self.content_of(parts[1])), {"ETag": '"cdn"'}, body)
        api = parts[:2] == ["api", "models"]
        name = "/".join(parts[2:4] if api else parts[:2])
        repo = hub.repos.get(name)
        if repo is None or (repo.private and self.token != repo.token):
            return self.refuse("RepoNotFound", 404 if self.token else 401)
        found = repo.find(parts[5] if api else parts[3])
        if found is None:
            return self.refuse("RevisionNotFound", 404)
        if api:
            return self.tell(parts[4], name, *found)
        if repo.gated and self.token != repo.token:
            return self.refuse("GatedRepo", 403 if self.token else 401)
        return self.resolve(parts[4], *found, body)

    def resolve(self, file: str, sha: str, files: dict[str, bytes], body: bool):
        if file not in files:
            return self.refuse("EntryNotFound", 404, {"X-Repo-Commit": sha})
        content = files[file]
        headers = {"X-Repo-Commit": sha, "ETag": f'"{etag_of(file, content)}"'}
        if not is_large(file):
            return self.send_file(self.server.lies.get(file, content), headers, body)
        headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(len(content))}
        headers["Location"] = f"{self.server.elsewhere}/large/{etag_of(file, content)}/{file}"
        return self.say({}, 302, headers, body)

    def tell(self, what: str, name: str, sha: str, files: dict[str, bytes]):
        if what == "tree":
            rows = [
                {"type": "file", "path": file, "size": len(content), "oid": git_sha1(content)}
                for file, content in files.items()
            ]
            return self.say(rows)
        blobs = "blobs" in parse_qs(urlsplit(self.path).query) and not self.server.no_digests
        siblings = [self.sibling(file, content, blobs) for file, content in files.items()]
        return self.say({"id": name, "modelId": name, "sha": sha, "siblings": siblings, "tags": []})

    @staticmethod
    def sibling(file: str, content: bytes, blobs: bool) -> dict:
        told = {"rfilename": file}
        if blobs:
            told |= {"size": len(content), "blobId": git_sha1(content)}
            if is_large(file):
                sha256 = etag_of(file, content)
                told["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 130}
        return told

    def content_of(self, digest: str) -> bytes:
        every = (files for repo in self.server.repos.values() for files in repo.commits)
        return next(c for files in every for n, c in files.items() if etag_of(n, c) == digest)

    def send_file(self, content: bytes, headers: dict[str, str], body: bool):
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if start and start >= len(content):
            return self.say({}, 416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.send_body(content, start)

    def send_body(self, content: bytes, start: int):
        hub = self.server
        stop = hub.stop_after if self.path.startswith("/large/") else None
        try:
            if stop is None:
                return self.wfile.write(content[start:])
            hub.stop_after = None
            self.wfile.write(content[start:stop])
            self.wfile.flush()
            if hub.hold:
                hub.hold.wait()
        except OSError:
            pass  # the other side was killed
        self.close_connection = True

    def refuse(self, code: str, status: int, headers: dict[str, str] | None = None):
        self.say({"error": code}, status, {"X-Error-Code": code, "X-Error-Message": code, **(headers or {})})

    def say(self, what, status: int = 200, headers: dict[str, str] | None = None, body: bool = True):
        content = json.dumps(what).encode()
        self.send_response(status)
        for key, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_):
        """Quiet."""


@contextmanager
def running_hub(monkeypatch, folder: Path):
    """A fake hub that the hub's library takes for the true one, with caches inside a folder."""
    from huggingface_hub import constants, file_download

    hub = Hub()
    template = hub.origin + "/{repo_id}/resolve/{revision}/{filename}"
    changed = {
        "ENDPOINT": hub.origin,
        "HUGGINGFACE_CO_URL_TEMPLATE": template,
        "HF_HUB_OFFLINE": False,
        "HF_HUB_CACHE": str(folder / "hub"),
        "HF_TOKEN_PATH": str(folder / "token"),
        "DOWNLOAD_CHUNK_SIZE": 65_536,
    }
    for name, value in changed.items():
        for module in (constants, file_download):  # older ones have copies
            if module is constants or hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    monkeypatch.setenv("MPM_CACHE", str(folder / "mpm"))
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield hub
    hub.shutdown()
    hub.server_close()
