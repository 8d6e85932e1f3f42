"""Segments of a panoptic mask: things counted apart, and what is no thing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Segment:
    """A segment: its class, how sure the model is of that in [0, 1], and whether it can be counted."""

    label: int
    score: float
    is_thing: bool


@dataclass(frozen=True, eq=False)
class Segments:
    """ids (H, W) int16: the place of each pixel's segment in `table`, -1 for pixels of none."""

    ids: np.ndarray
    table: tuple[Segment, ...]

    def outlines(self) -> np.ndarray:
        """(H, W) bool: the pixels of things that border on another segment, or on none."""
        ids = self.ids
        border = np.zeros(ids.shape, bool)
        for axis in (0, 1):
            first, second = (slice(None),) * axis + (slice(1, None),), (slice(None),) * axis + (slice(-1),)
            differs = ids[first] != ids[second]
            border[first] |= differs
            border[second] |= differs
        is_thing = np.array([*(segment.is_thing for segment in self.table), False])
        return border & is_thing[ids]

    @property
    def things(self) -> int:
        """How many of the segments are things."""
        return sum(segment.is_thing for segment in self.table)
