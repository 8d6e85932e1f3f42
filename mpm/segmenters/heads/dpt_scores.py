"""Scores of a DPT head: upsampled twice, as its publisher does.

First to the model's input, twice as fine with the corners' centres kept (align_corners=True), which is the
last layer of the published network; then to the picture (align_corners=False), which is its post-processing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mpm.segmenters.geometry import Geometry
from mpm.segmenters.scores import Mask, Scores
from mpm.segmenters.upsample import best_of_maps, label_type, place_labels, resized_maps

WINDOW_CELLS = 8
"""Side of the blocks of cells within which classes are compared before any is upsampled."""
REACH_CELLS = 4
"""Side of the block of cells that one pixel is made of by two interpolations, and one for rounding."""


@dataclass(frozen=True, eq=False)
class DptScores(Scores):
    """Logits (B, K, h, w) before the network's last doubling; they spread over the model's input evenly."""

    half_logits: Tensor

    @property
    def logits(self) -> Tensor:
        return self.half_logits

    def split(self) -> Sequence[DptScores]:
        return [DptScores(one) for one in self.half_logits.split(1)]

    def joined(self, others: Sequence[DptScores]) -> DptScores:
        return DptScores(torch.cat([self.half_logits, *(other.half_logits for other in others)]))

    def on_input(self, size: tuple[int, int]) -> Tensor:
        maps = twice_as_fine(self.half_logits[:1].float())
        # A grid of an odd number of patches leaves the network with more cells than its input has pixels.
        fits = maps.shape[2:] == torch.Size(size)
        return (maps if fits else F.interpolate(maps, size, mode="bilinear", align_corners=False))[0]

    def mask(self, geometry: Geometry, max_side_px: int | None = None) -> Mask:
        """A few class maps are upsampled at a time, and of classes only those that can win somewhere."""
        return Mask(_labels(self.half_logits[0].float(), geometry, max_side_px).cpu().numpy())


def twice_as_fine(maps: Tensor) -> Tensor:
    """(B, K, h, w) -> (B, K, 2 h, 2 w) with the corners' centres kept: how a DPT grows its maps."""
    return F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=True)


@torch.no_grad()
def _labels(logits: Tensor, geometry: Geometry, max_side_px: int | None) -> Tensor:
    """(K, h, w) -> (H, W) of the picture."""
    place = place_labels(geometry, max_side_px)
    grid = geometry.grid
    factor = place.factor(2 * logits.shape[1] / grid.rows, 2 * logits.shape[2] / grid.cols)
    classes = contenders(logits)

    def maps(some: slice) -> Tensor:
        return resized_maps(twice_as_fine(logits[None, classes[some]])[0], place.size, factor)

    best = best_of_maps(len(classes), place.size, logits.device, maps)[place.top :, place.left :]
    numbers = classes.to(label_type(len(logits)))
    return numbers.index_select(0, best.flatten().int()).view(best.shape)


def contenders(logits: Tensor) -> Tensor:
    """Classes that can win at some pixel: (K, h, w) -> (few,) int64, rising.

    In a block of cells no class gets above its own highest cell, and the best is nowhere below the highest of
    all lowest cells. Blocks overlap so that all cells behind a pixel lie in one of them.
    """
    side = [min(WINDOW_CELLS + REACH_CELLS - 1, cells) for cells in logits.shape[1:]]
    highest = F.max_pool2d(logits, side, WINDOW_CELLS, ceil_mode=True)
    lowest = -F.max_pool2d(-logits, side, WINDOW_CELLS, ceil_mode=True)
    scale = float(logits.abs().max())
    if not math.isfinite(scale):
        return torch.arange(len(logits), device=logits.device)
    doubt = scale * 2.0**-17  # more than two steps of rounding can move a value
    return (highest >= lowest.amax(0) - doubt).flatten(1).any(1).nonzero().flatten()
