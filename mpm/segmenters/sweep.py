"""One picture through many recipes, each distinct prefix of blocks run once.

Two recipes share their run up to the first block at which they differ. The state on the input of that block
is kept, and the second run starts there. Results are bit for bit those of separate runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from mpm.clock import PartClock, Timing
from mpm.encoders.base import TokenState
from mpm.merging.recipe import Recipe
from mpm.merging.rule_call import Merger, RuleCall
from mpm.segmenters.geometry import Geometry
from mpm.segmenters.segmentation_run import SegmentationRun, make_run
from mpm.segmenters.segmenter import MAX_PATCHES, Segmenter

Prefix = tuple[int, tuple[tuple[int, RuleCall], ...], tuple[int, ...]]
"""A block, the insertions made before it, and how they were made."""


@dataclass(frozen=True, eq=False)
class _Kept:
    """A shared state, and the seconds it took to get there, by part."""

    state: TokenState
    parts: dict[str, float]


@dataclass(frozen=True, eq=False)
class _Start:
    """A picture at one input size, embedded, and the states that several recipes go on from."""

    geometry: Geometry
    shared: dict[Prefix, _Kept]


def sweep(
    segmenter: Segmenter,
    image: Any,
    schedules: Sequence[Any],
    resolution: int | None = None,
    merger: Merger | None = None,
    max_patches: int = MAX_PATCHES,
    max_label_px: int | None = None,
) -> Iterator[SegmentationRun]:
    """Yield the run of every recipe, in the order given, as soon as it is done.

    Arguments as `Segmenter.segment`; with `max_label_px`, labels are those of a copy of the picture whose
    longer side is at most that. Timings are sums over shared parts and marked as estimated. Close the
    iterator to stop early. Raises InputError for a bad image, recipe or resolution.
    """
    wanted = [segmenter.read_recipe(schedule, merger) for schedule in schedules]
    starts: dict[int | None, _Start] = {}
    for done, recipe in enumerate(wanted):
        # Inference mode must not stay on in the caller between two yields.
        with torch.inference_mode():
            size = recipe.resolution_px
            if size not in starts:
                starts[size] = _embedded(segmenter, image, size or resolution, max_patches)
            later = [other for other in wanted[done + 1 :] if other.resolution_px == size]
            run = _run(segmenter, recipe, later, starts[size], max_label_px)
        yield run


def fork_of(first: Recipe, second: Recipe) -> Prefix:
    """What two recipes share: the first block at which they differ, and how they got there."""
    differ = set(first.insertions) ^ set(second.insertions)
    if _how(first) != _how(second):
        differ = set(first.insertions) | set(second.insertions)
    return _prefix(first, min((block for block, _ in differ), default=0))


def _prefix(recipe: Recipe, block: int) -> Prefix:
    before = tuple(own for own in recipe.insertions if own[0] < block)
    if any(call.looks_ahead for _, call in before):  # what merged so far hung on what was still to come
        return block, recipe.insertions, (*_how(recipe), recipe.decode_merged)
    # Until something has merged, the options that say how are all one.
    return block, before, _how(recipe) if before else ()


def _how(recipe: Recipe) -> tuple[int, ...]:
    """The options that tell in the encoder."""
    return recipe.weighted, recipe.sizes, recipe.residual, recipe.after_attention, recipe.round_to


def _embedded(segmenter: Segmenter, image: Any, resolution: int | None, max_patches: int) -> _Start:
    clock = PartClock(segmenter.device)
    with clock.part("preprocess"):
        pixels, geometry = segmenter.preprocess(image, resolution, max_patches)
    with clock.part("embed"):
        state = segmenter.runner.embed(pixels, geometry.grid)
    return _Start(geometry, {(0, (), ()): _Kept(state, clock.parts)})


def _run(
    segmenter: Segmenter, recipe: Recipe, later: Sequence[Recipe], start: _Start, max_label_px: int | None
) -> SegmentationRun:
    known = [_prefix(recipe, block) for block in range(segmenter.depth)]
    kept = start.shared[max((one for one in known if one in start.shared), key=lambda one: one[0])]
    clock = PartClock(segmenter.device)
    clock.parts.update(kept.parts)
    forks = {fork_of(recipe, other) for other in later}

    def keep(state: TokenState) -> None:
        prefix = _prefix(recipe, state.block)
        if prefix in forks:
            start.shared[prefix] = _Kept(state, dict(clock.parts))

    found = segmenter.run(kept.state, recipe, clock, seen=keep)
    with clock.part("upsample"):
        mask = found.scores.mask(start.geometry, max_label_px)
    timing = Timing(sum(clock.parts.values()), dict(clock.parts), estimated=True)
    return make_run(recipe, found, mask, start.geometry, timing)
