"""Do the requirements resolve, with wheels only, on all machines we name?

Asks `uv pip compile`, which installs nothing and, unlike pip's own `--platform`, judges markers by the
target. Where there is no uv, it is put into a temporary environment. Prints a table; exit status 1 where one
fails.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PI, PC = "aarch64-manylinux_2_28", "x86_64-manylinux_2_28"


@dataclass(frozen=True)
class Target:
    """A machine, and the torch it must do with ("" for today's newest)."""

    what: str
    platform: str
    python: str
    torch: str = ""
    space: bool = False


TARGETS = (
    Target("Raspberry Pi 5, Debian 12", PI, "3.11"),
    Target("Raspberry Pi 5, Debian 13", PI, "3.13"),
    *(Target("Space, ZeroGPU", PC, "3.12", torch) for torch in ("2.8", "2.9", "2.10", "2.11")),
    Target("Space, as it installs", PC, "3.12", space=True),
    Target("Space, oldest Python", PC, "3.10", space=True),
    *(Target("PC, newest", PC, python) for python in ("3.10", "3.11", "3.12", "3.13")),
    Target("Mac", "aarch64-apple-darwin", "3.13"),
    Target("Windows", "x86_64-pc-windows-msvc", "3.13"),
)


def find_uv(scratch: Path) -> list[str]:
    found = shutil.which("uv")
    if found:
        return [found]
    venv.create(scratch / "venv", with_pip=True)
    python = scratch / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "uv"], check=True)
    return [str(python), "-m", "uv"]


def resolve(uv: list[str], target: Target, scratch: Path) -> dict[str, str] | str:
    """Versions by package, or why there are none."""
    limits = scratch / "limits.txt"
    torch = f"torch=={target.torch}.*\n" if target.torch else ""
    limits.write_text((ROOT / "pre-requirements.txt").read_text() if target.space else torch)
    command = [*uv, "pip", "compile", "-q", "--no-header", "--no-annotate", "--only-binary", ":all:"]
    command += ["--python-platform", target.platform, "--python-version", target.python]
    command += ["--constraint", str(limits), str(ROOT / "requirements.txt")]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return " ".join(done.stderr.split())[:300]
    return dict(re.findall(r"^([\w.-]+)==(\S+)", done.stdout, re.MULTILINE))


def main() -> int:
    failures = []
    print(
        f"{'machine':26}{'Python':8}{'torch':9}{'vision':9}{'gradio':9}{'OpenCV':11}{'packages':>9}{'CUDA':>6}"
    )
    with tempfile.TemporaryDirectory() as scratch:
        uv = find_uv(Path(scratch))
        for target in TARGETS:
            found = resolve(uv, target, Path(scratch))
            head = f"{target.what:26}{target.python:8}"
            if isinstance(found, str):
                failures.append(target)
                print(f"{head}FAILED: {found}", flush=True)
                continue
            cuda = sum(name.startswith(("nvidia-", "cuda-", "triton")) for name in found)
            print(
                f"{head}{found['torch']:9}{found['torchvision']:9}{found['gradio']:9}"
                f"{found['opencv-python']:11}{len(found):9}{cuda:6}",
                flush=True,
            )
    print(f"{len(TARGETS) - len(failures)} of {len(TARGETS)} resolve")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
