"""One picture through many schedules, each distinct prefix of blocks run once.

Two schedules share their run up to the first block at which only one of them merges. The state on the input
of that block is kept, and the second run starts there. Results are bit for bit those of separate runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mpm.clock import PartClock, Timing
from mpm.encoders.vit import TokenState, step, traces
from mpm.merging.pairing import Merger, mutual_pairs
from mpm.merging.schedule import Schedule
from mpm.segmenters.geometry import Geometry
from mpm.segmenters.segmenter import MAX_PATCHES, SegmentationRun, Segmenter, notes_on, start_state
from mpm.segmenters.upsample import upsample_labels

Fork = tuple[int, tuple[int, ...]]
"""A block, and the insertions made before it."""


@dataclass(frozen=True, eq=False)
class _Kept:
    """A shared state, and the seconds it took to get there, by part."""

    state: TokenState
    parts: dict[str, float]


def sweep(
    segmenter: Segmenter,
    image: Any,
    schedules: Sequence[Any],
    resolution: int | None = None,
    merger: Merger = mutual_pairs,
    max_patches: int = MAX_PATCHES,
    max_label_px: int | None = None,
) -> Iterator[SegmentationRun]:
    """Yield the run of every schedule, in the order given, as soon as it is done.

    Arguments as `Segmenter.segment`; with `max_label_px`, labels are those of a copy of the picture whose
    longer side is at most that. Timings are sums over shared parts and marked as estimated. Close the
    iterator to stop early. Raises InputError for a bad image, schedule or resolution.
    """
    wanted = [Schedule.parse(schedule).check(segmenter.depth) for schedule in schedules]
    with torch.inference_mode():
        clock = PartClock(segmenter.device)
        with clock.part("preprocess"):
            pixels, geometry = segmenter.preprocess(image, resolution, max_patches)
        with clock.part("embed"):
            start = _Kept(start_state(segmenter, pixels), clock.parts)
    shared: dict[Fork, _Kept] = {(0, ()): start}
    for done, schedule in enumerate(wanted):
        # Inference mode must not stay on in the caller between two yields.
        with torch.inference_mode():
            run = _run(segmenter, schedule, wanted[done + 1 :], shared, geometry, merger, max_label_px)
        yield run


def fork_of(first: Schedule, second: Schedule) -> Fork:
    """The first block at which only one of two schedules merges, and the insertions they share before it."""
    apart = min(set(first.blocks) ^ set(second.blocks), default=0)
    return apart, tuple(block for block in first.blocks if block < apart)


def _run(
    segmenter: Segmenter,
    schedule: Schedule,
    later: Sequence[Schedule],
    shared: dict[Fork, _Kept],
    geometry: Geometry,
    merger: Merger,
    max_label_px: int | None,
) -> SegmentationRun:
    own_forks = {(block, _before(schedule, block)) for block in range(segmenter.depth)}
    start = max(own_forks & shared.keys())
    kept = shared[start]
    clock = PartClock(segmenter.device)
    clock.parts.update(kept.parts)
    forks = {fork_of(schedule, other) for other in later}
    state = kept.state
    for number in range(start[0], segmenter.depth):
        if (number, state.blocks) in forks:
            shared[number, state.blocks] = _Kept(state, dict(clock.parts))
        state = step(segmenter.encoder, state, number, geometry.grid, schedule, merger, clock)
    return _finish(segmenter, state, schedule, geometry, clock, max_label_px)


def _before(schedule: Schedule, block: int) -> tuple[int, ...]:
    return tuple(own for own in schedule.blocks if own < block)


def _finish(
    segmenter: Segmenter,
    state: TokenState,
    schedule: Schedule,
    geometry: Geometry,
    clock: PartClock,
    max_label_px: int | None,
) -> SegmentationRun:
    logits: Tensor = segmenter.finish(state, geometry.grid, clock)
    with clock.part("upsample"):
        labels = upsample_labels(logits, geometry, max_label_px).cpu().numpy()
    timing = Timing(sum(clock.parts.values()), dict(clock.parts), estimated=True)
    trace = traces([state], geometry.grid)[0]
    scores = logits[0].float().cpu().numpy()
    return SegmentationRun(labels, scores, schedule, trace, geometry, timing, notes_on(geometry))
