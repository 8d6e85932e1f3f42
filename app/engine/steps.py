"""What a sweep yields: runs, and in between how the waiting for the device goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from mpm.segmenters.segmentation_run import SegmentationRun

Result = TypeVar("Result")


@dataclass(frozen=True)
class Waiting:
    """Others are served first. ahead: visitors; about_s: a guess from the latest turns."""

    ahead: int
    about_s: float


def runs_only(steps: Iterable[SegmentationRun | Waiting]) -> Iterator[SegmentationRun]:
    """The runs among what a sweep yields."""
    return (step for step in steps if not isinstance(step, Waiting))


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    start = time.monotonic()
    return work(), time.monotonic() - start


def made_later(make: Callable[[], Result]) -> Iterator[Result]:
    """What `make` gives, made when it is asked for."""
    yield make()
