"""One picture through one recipe: what a person gets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mpm.clock import Timing
from mpm.encoders.run import traces
from mpm.merging.grid import Grid
from mpm.merging.recipe import Recipe
from mpm.merging.schedule import Schedule
from mpm.merging.trace import MergeTrace
from mpm.segmenters.geometry import Geometry
from mpm.segmenters.run import Outcome
from mpm.segmenters.scores import Mask
from mpm.segmenters.segments import Segments

TINY_PX = 32
"""Shorter sides below are told of: about two patches of what the camera saw."""


@dataclass(frozen=True, eq=False)
class SegmentationRun:
    """One image through one recipe.

    labels  (H, W) integers, the image's own size
    logits  (classes, h, w) float32 on CPU, on the head's grid: one cell a patch, or several
    recipe  what was run; its text is the run's name
    notes   sentences for the person, e.g. that the image was scaled down
    confidence  how sure the mask is, in [0, 1]; see `mpm.segmenters.confidence`
    segments    where the model tells things apart: the mask's segments

    >>> import mpm
    >>> from mpm.streets import render_street
    >>> segmenter = mpm.load_segmenter("streets-vit-tiny")
    >>> run = segmenter.segment(render_street(7).image, "2,5", resolution=96)
    >>> run.labels.shape  # of the picture itself
    (360, 480)
    >>> run.trace.token_counts[0] == run.grid.size == 6 * 8
    True
    >>> str(run.recipe)
    '2,5'
    >>> run.timing.total > 0
    True
    """

    labels: np.ndarray
    logits: np.ndarray
    recipe: Recipe
    trace: MergeTrace
    geometry: Geometry
    timing: Timing
    notes: tuple[str, ...] = ()
    confidence: float | None = None
    segments: Segments | None = None

    @property
    def schedule(self) -> Schedule:
        """Where tokens merged, whatever the rule."""
        return self.recipe.schedule

    @property
    def grid(self) -> Grid:
        """The patches, and where they lie in the picture."""
        return self.geometry.grid


def make_run(
    recipe: Recipe, found: Outcome, mask: Mask, geometry: Geometry, timing: Timing
) -> SegmentationRun:
    """The run of one picture, from what was found."""
    return SegmentationRun(
        labels=mask.labels,
        logits=found.logits[0].float().cpu().numpy(),
        recipe=recipe,
        trace=traces(found.states, geometry.grid)[0],
        geometry=geometry,
        timing=timing,
        notes=notes_on(geometry),
        confidence=found.scores.confidence(geometry),
        segments=mask.segments,
    )


def notes_on(geometry: Geometry) -> tuple[str, ...]:
    """What a person should know about how the picture was fitted."""
    fitted = _tiny(geometry) if not geometry.scaled_down else _limited(geometry)
    return (*fitted, *_outside(geometry))


def _outside(geometry: Geometry) -> tuple[str, ...]:
    """More than what fills the last row and column."""
    grid = geometry.grid
    rows, cols = grid.inside()
    beside = grid.size - (rows.stop - rows.start) * (cols.stop - cols.start)
    if not beside:
        return ()
    return (
        f"This model pads pictures to a square: {beside} of {grid.size} patches lie outside of the picture, "
        "and are counted where they merge.",
    )


def _tiny(geometry: Geometry) -> tuple[str, ...]:
    (width, height), (content_w, content_h) = geometry.image_wh_px, geometry.content_wh_px
    fitted = f"{content_w} x {content_h}, so there is little in it to tell apart."
    if min(width, height) < TINY_PX:
        done = "enlarged" if content_w * content_h > width * height else "scaled down"
        return (f"This image has only {width} x {height} pixels: it was {done} to {fitted}",)
    if min(content_w, content_h) < geometry.grid.patch_px:
        return (f"This image is very thin: it was scaled down to {fitted}",)
    return ()


def _limited(geometry: Geometry) -> tuple[str, ...]:
    (width, height), grid = geometry.content_wh_px, geometry.grid
    size = f"{width} x {height} pixels, {grid.size} patches"
    if width * height > math.prod(geometry.image_wh_px):
        return (f"This image was scaled up to {size}: the limit allows no more.",)
    return (f"This image was scaled down to {size}, to fit the limit.",)
