"""Peak memory of one call."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import torch


def peak_bytes(call: Callable[[], object], device: torch.device) -> int | None:
    """Bytes at the peak of a call above what was held before it; None where the system does not say.

    On CUDA tensors of PyTorch's allocator, on Linux resident memory of the process. The first call pays for
    one-time buffers: warm up before.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    return _peak_resident_bytes(call) if device.type == "cpu" else None


def _peak_resident_bytes(call: Callable[[], object]) -> int | None:
    try:
        ctypes.CDLL(None).malloc_trim(0)  # what earlier runs freed would hide what this one needs
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from what is resident now
        before = _status_bytes("VmRSS")
        call()
        return max(0, _status_bytes("VmHWM") - before)
    except (AttributeError, OSError, LookupError):
        return None


def _status_bytes(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)
