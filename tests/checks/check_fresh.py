"""The README's commands on a fresh machine: `python tests/checks/check_fresh.py [--tests]`.

Copies the project into an empty folder, makes a virtual environment there and does what "Start" says. Then
kills the page in the middle of a run, with no chance to tidy up, and starts it again: it must work as before.
--tests also runs the second command, the tests. --before installs something first, as on a Raspberry Pi:
--before "torch torchvision --index-url https://download.pytorch.org/whl/cpu". Exit status 1 where a step
fails.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import venv
from pathlib import Path

import httpx
import numpy as np

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

from PIL import Image
from support.page_process import ROOT, PageProcess, segment_data

API = "/gradio_api"
START_LIMIT_S = 300
INTO_THE_RUN_S = 0.2


def copy_project(folder: Path) -> Path:
    """What git would hand over, uncommitted changes included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def readme_commands(folder: Path) -> list[str]:
    """The indented lines of "Start"."""
    start = (
        (folder / "README.md").read_text(encoding="utf-8").partition("## Start\n")[2].partition("\n## ")[0]
    )
    return re.findall(r"^    (\S.*)$", start, re.MULTILINE)


class Fresh:
    """A virtual environment with nothing in it, and a home of its own."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder / "venv", with_pip=True)
        self.bin = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        self.python = str(self.bin / "python")
        self.environment = {**os.environ, "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}"}
        self.environment |= {"VIRTUAL_ENV": str(folder / "venv"), "HOME": str(folder / "home")}
        self.environment.pop("PYTHONPATH", None)
        (folder / "home").mkdir()

    def run(self, command: str, folder: Path) -> None:
        """Raises RuntimeError where the command fails."""
        start = time.perf_counter()
        done = subprocess.run(shlex.split(command), cwd=folder, env=self.environment)
        print(
            f"$ {command}\n  status {done.returncode} after {time.perf_counter() - start:.0f} s", flush=True
        )
        if done.returncode:
            raise RuntimeError(f"this failed: {command}")


def picture() -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG")
    return buffer.getvalue()


def segment(page: PageProcess, at_work: threading.Event) -> bool:
    """Whether the page gives a mask for a picture. at_work: set once it has begun."""
    with httpx.Client(base_url=page.url, timeout=600) as client:
        uploaded = client.post(f"{API}/upload", files={"files": ("noise.jpg", picture())}).json()[0]
        body = segment_data(page.url, {"path": uploaded, "meta": {"_type": "gradio.FileData"}}, "2,5")
        event = client.post(f"{API}/call/segment", json=body).json()["event_id"]
        at_work.set()
        return "event: complete" in client.get(f"{API}/call/segment/{event}").text


def broken_off(page: PageProcess) -> bool:
    """Kill the page while it works on a picture; whether it was really at work."""
    outcome, at_work = [], threading.Event()

    def ask() -> None:
        try:
            outcome.append(segment(page, at_work))
        except (httpx.HTTPError, OSError) as error:
            outcome.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    at_work.wait(60)
    time.sleep(INTO_THE_RUN_S)
    page.process.kill()
    page.process.wait(20)
    asking.join(30)
    return at_work.is_set() and isinstance(outcome[0], httpx.HTTPError)


def serve(fresh: Fresh, folder: Path, scratch: Path, command: str) -> None:
    """Start the page, kill it in mid-run, start it again in the same place, use it, stop it."""
    arguments = shlex.split(command)[2:]
    for kill in (True, False):
        with PageProcess(scratch, *arguments, folder=folder, python=fresh.python) as page:
            print(f"$ {command}\n  ready after {page.wait_ready(START_LIMIT_S):.1f} s", flush=True)
            if kill:
                print(
                    f"  killed in mid-run: {'yes' if broken_off(page) else 'no, it was too fast'}", flush=True
                )
            elif not segment(page, threading.Event()):
                raise RuntimeError("the page gives no mask")
            elif page.stop() != 0 or "Traceback" in page.log:
                raise RuntimeError(f"the page did not end well:\n{page.log}")
    print("  a mask, and exit status 0 when asked to stop", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tests", action="store_true", help="run the tests, too")
    parser.add_argument("--before", help="arguments of a `pip install` that comes first")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "project").mkdir()
        folder = copy_project(Path(scratch) / "project")
        start, tests = readme_commands(folder)
        install, _, run = start.partition(" && ")
        try:
            fresh = Fresh(Path(scratch))
            if arguments.before:
                fresh.run(f"pip install -q {arguments.before}", folder)
            fresh.run(install, folder)
            serve(fresh, folder, Path(scratch) / "served", run)
            for command in tests.split(" && ") if arguments.tests else ():
                fresh.run(command, folder)
        except RuntimeError as error:
            print(error)
            return 1
    print("a fresh machine can do it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
