"""What the page can say about the machine that serves it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

UNKNOWN = "unknown CPU"


def device_name() -> str:
    """Processor or board, cores that this process may use, and memory: one line."""
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory_gib = psutil.virtual_memory().total / 2**30
    return f"{processor_name()}, {cores} core{'s' if cores > 1 else ''}, {memory_gib:.0f} GiB"


def processor_name(root: Path = Path("/")) -> str:
    """The board's name where the system tells it (a Raspberry Pi), else the processor's."""
    return _board(root) or _cpuinfo(root) or platform.processor() or UNKNOWN


def _board(root: Path) -> str:
    try:
        text = (root / "proc/device-tree/model").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.strip("\0 \n")


def _cpuinfo(root: Path) -> str:
    try:
        lines = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return " ".join(names[0].split()) if names else ""
