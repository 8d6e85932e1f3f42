"""ZeroGPU of Hugging Face Spaces, when the page runs there; elsewhere everything passes through unchanged.

On ZeroGPU the main process has no GPU: the package `spaces` pretends one in the main thread only, and runs
functions marked with `spaces.GPU` in forked workers that have one for up to a minute. So models of the main
process stay on the CPU, and what is to run on the GPU is a pure function of plain values (they are pickled)
that loads its own model and returns CPU arrays. Locks and threads of the main process mean nothing in there.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from app.engine.steps import made_later
from mpm.errors import InputError

if TYPE_CHECKING:
    from mpm.segmenters.segmentation_run import SegmentationRun
    from mpm.segmenters.segmenter import Segmenter

Function = TypeVar("Function", bound=Callable)

DURATION_S = 60
"""The hub's default: a longer one uses up a visitor's quota faster and waits longer for a GPU."""


def on_zerogpu() -> bool:
    """Whether this is a ZeroGPU Space."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def prepare() -> bool:
    """Import `spaces` before torch, Gradio and CUDA, and register what runs on the GPU. True on ZeroGPU.

    A ZeroGPU Space that has registered nothing when its page is launched is declared broken.
    """
    if not on_zerogpu():
        return False
    _registered()
    return True


def main_device(wanted: str) -> str:
    """The device for models of the main process: on ZeroGPU it has a CPU only, whatever torch says there."""
    return "cpu" if on_zerogpu() else wanted


def gpu(function: Function, duration_s: int = DURATION_S) -> Function:
    """`function`, run on a GPU of its own on ZeroGPU; itself elsewhere. Wrap before the page is launched."""
    if not on_zerogpu():
        return function
    return importlib.import_module("spaces").GPU(duration=duration_s)(function)


@dataclass(frozen=True)
class Job:
    """One picture through several recipes of one model; rgb (H, W, 3) uint8. Everything can be pickled."""

    model: str
    rgb: np.ndarray
    recipes: tuple[str, ...]
    max_patches: int
    max_label_px: int | None = None


def run_job(job: Job) -> list[SegmentationRun]:
    """The runs of a job, on ZeroGPU's GPU or, elsewhere, on this process's best device.

    Their arrays are on the CPU. Raises InputError as `mpm.segmenters.sweep` does.
    """
    answer = _registered()(job)
    if isinstance(answer, str):
        raise InputError(answer)
    return answer


def runs_of(segmenter: Segmenter, job: Job) -> Iterator[SegmentationRun]:
    """The runs of a job by this process's model, one by one; on ZeroGPU all at once, see `run_job`."""
    if on_zerogpu():
        return (run for runs in made_later(lambda: run_job(job)) for run in runs)
    from mpm.segmenters.sweep import sweep

    return sweep(segmenter, job.rgb, job.recipes, max_patches=job.max_patches, max_label_px=job.max_label_px)


@lru_cache(maxsize=1)
def _registered() -> Callable[[Job], list[SegmentationRun] | str]:
    return gpu(_work)


def _work(job: Job) -> list[SegmentationRun] | str:
    """In the worker: the runs, or the sentence of an InputError, which `spaces` would reduce to its name."""
    from mpm.segmenters.sweep import sweep

    limits: dict[str, Any] = {"max_patches": job.max_patches, "max_label_px": job.max_label_px}
    try:
        return list(sweep(_worker_model(job.model), job.rgb, job.recipes, **limits))
    except InputError as error:
        return str(error)


@lru_cache(maxsize=2)
def _worker_model(name: str) -> Segmenter:
    """A worker serves many calls, each of its own process."""
    from mpm.devices import pick_device
    from mpm.zoo.checkpoints import load_segmenter

    return load_segmenter(name, pick_device("auto"))
