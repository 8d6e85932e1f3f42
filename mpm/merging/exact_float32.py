"""Products in true float32: no autocast and no TF32, whatever the process is set to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """No autocast and no TF32 inside: a bfloat16 similarity changes about 9 % of the choices."""
    with torch.autocast(device.type, enabled=False):
        if device.type != "cuda":
            yield
            return
        with _EXACT_MATMUL:
            yield


class _ExactMatmul:
    """TF32 is off while any thread is inside, and as it was before once the last one has left.

    The switch is the whole process', so this is, too: threads that each kept and restored it for themselves
    would turn TF32 on while another still matches, or leave it off for good.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before: object = None

    def __enter__(self) -> None:
        matmul = torch.backends.cuda.matmul
        name, exact = _precision_switch(matmul)
        with self._lock:
            if not self._inside:
                self._before = getattr(matmul, name)
                setattr(matmul, name, exact)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        matmul = torch.backends.cuda.matmul
        with self._lock:
            self._inside -= 1
            if not self._inside:
                setattr(matmul, _precision_switch(matmul)[0], self._before)


def _precision_switch(matmul: object) -> tuple[str, object]:
    """Name and exact value of torch's switch for TF32: torch 2.9 renamed it."""
    return ("fp32_precision", "ieee") if hasattr(matmul, "fp32_precision") else ("allow_tf32", False)


_EXACT_MATMUL = _ExactMatmul()
