"""A device-aware clock for runs and their parts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

PARTS = ("preprocess", "embed", "blocks", "match", "merge", "reconstruct", "decode", "upsample")
"""The parts of a run, in order."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one run: in total, and by part when the run was profiled.

    parts      by the names of `mpm.clock.PARTS`, in their order; empty without `profile=True`
    estimated  the total is a sum over parts of several runs (a sweep), not one run on the clock

    >>> import mpm
    >>> timing = mpm.Timing(0.25, {"blocks": 0.2, "upsample": 0.05})
    >>> print(f"{1000 * timing.total:.0f} ms, {timing.parts['blocks'] / timing.total:.0%} in the blocks")
    250 ms, 80% in the blocks
    """

    total: float
    parts: dict[str, float] = field(default_factory=dict)
    estimated: bool = False


class Clock:
    """Times a whole run. Part clocks would synchronise the device, so this one ignores parts."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.parts: dict[str, float] = {}
        self.started = self.now()

    def now(self) -> float:
        """Seconds on a monotonic clock, after all work queued on the device has ended."""
        synchronise(self.device)
        return time.perf_counter()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        yield

    def stop(self) -> Timing:
        return Timing(self.now() - self.started, dict(self.parts))


class PartClock(Clock):
    """Times each part too, waiting for the device at every boundary."""

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        start = self.now()
        yield
        self.parts[name] = self.parts.get(name, 0.0) + self.now() - start


def synchronise(device: torch.device) -> None:
    """Wait for an accelerator; nothing to do on CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
