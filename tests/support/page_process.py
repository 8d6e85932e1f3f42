"""The page as a process of its own, for tests and checks that start, watch, stop and kill it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def segment_data(url: str, image: object, schedule: object) -> dict:
    """The body of a call of the endpoint; its other parameters as the page describes their defaults."""
    given = {"image": image, "schedule": schedule}
    return {"data": [given.get(name, default) for name, default in _segment_parameters(url)]}


@lru_cache(maxsize=4)
def _segment_parameters(url: str) -> list[tuple[str, object]]:
    with urllib.request.urlopen(f"{url}/gradio_api/info", timeout=30) as response:
        described = json.load(response)["named_endpoints"]["/segment"]["parameters"]
    return [(parameter["parameter_name"], parameter.get("parameter_default")) for parameter in described]


class PageProcess:
    """`python app.py` in `folder`; its log and its uploads lie in `scratch`. A context manager."""

    def __init__(
        self,
        scratch: Path,
        *arguments: str,
        folder: Path = ROOT,
        python: str = sys.executable,
        own_uploads: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """own_uploads: let the page make its folder for uploads itself, below the folder `scratch`.

        variables: of its environment, besides ours.
        """
        self.scratch, self.uploads, self.log_file = scratch, scratch / "gradio", scratch / "log.txt"
        scratch.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {**os.environ, "GRADIO_TEMP_DIR": str(self.uploads), "TMPDIR": str(scratch)}
        environment |= variables or {}
        if own_uploads:
            del environment["GRADIO_TEMP_DIR"]
        with self.log_file.open("w") as output:
            self.process = subprocess.Popen(
                [python, "app.py", "--device", "cpu", "--port", str(self.port), *arguments],
                cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def __enter__(self) -> PageProcess:
        return self

    def __exit__(self, *_error) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def runs(self) -> list[dict]:
        """The log's lines about runs so far."""
        lines = (line for line in self.log.splitlines() if line.startswith('{"time"'))
        return [json.loads(line) for line in lines if line.endswith("}")]

    def get(self, path: str) -> tuple[int, str]:
        """HTTP status and body; status 0 when nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as response:
                return response.status, response.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError as error:
            return 0, str(error)

    def health(self) -> dict:
        status, body = self.get("/health")
        return {"http": status, **(json.loads(body) if status in (200, 503) else {})}

    def wait_ready(self, limit_s: float = 120) -> float:
        """Seconds until the model was ready. RuntimeError when it ended or took too long."""
        start = time.monotonic()
        while time.monotonic() - start < limit_s:
            if self.process.poll() is not None:
                raise RuntimeError(f"the page ended with status {self.process.returncode}:\n{self.log}")
            health = self.health()
            if health["http"] == 200:
                return time.monotonic() - start
            if health.get("status") == "failed":
                raise RuntimeError(f"The model could not be loaded:\n{self.log}")
            time.sleep(0.2)
        raise RuntimeError(f"the page was not ready within {limit_s:.0f} s:\n{self.log}")

    def stop(self, limit_s: float = 20) -> int:
        """Ask it to stop; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(limit_s)

    def resident_bytes(self) -> int:
        """Resident memory, children included."""
        own = psutil.Process(self.process.pid)
        return sum(process.memory_info().rss for process in [own, *own.children(recursive=True)])

    def upload_bytes(self) -> int:
        """What lies in its folder for uploads."""
        return sum(path.stat().st_size for path in self.uploads.rglob("*") if path.is_file())
