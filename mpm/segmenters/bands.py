"""Maps resized twice: from a head's cells to the model's input, and on to the picture, in bands of rows.

Never a stack of whole maps: of a photograph it would weigh gigabytes. Both steps are bilinear as
F.interpolate(mode="bilinear", align_corners=False), up to rounding. Shapes: Q maps, h w cells, H W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mpm.segmenters.geometry import Geometry

BAND_ELEMENTS = 1 << 22
"""Numbers in one band, before and after each step."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Of each row of the result the two rows that it lies between, and how near it is to the second."""

    low: Tensor
    high: Tensor
    share: Tensor

    @classmethod
    def of(cls, count: int, among: int, device: torch.device) -> Rows:
        """`count` rows sampled evenly from `among`."""
        places = (torch.arange(count, dtype=torch.float64, device=device) + 0.5) * (among / count) - 0.5
        places = places.clamp(0, among - 1)
        low = places.floor()
        share = (places - low).float()
        return cls(low.long(), (low.long() + 1).clamp(max=among - 1), share)

    def part(self, rows: slice) -> Rows:
        return Rows(self.low[rows], self.high[rows], self.share[rows])

    def after(self, first: int) -> Rows:
        """The same where the source begins at its row `first`."""
        return Rows(self.low - first, self.high - first, self.share)

    def sample(self, maps: Tensor, width: int) -> Tensor:
        """(Q, h, w) -> (Q, rows, width)."""
        mixed = torch.lerp(maps[:, self.low], maps[:, self.high], self.share[None, :, None])
        if width == maps.shape[2]:
            return mixed
        size = (mixed.shape[1], width)
        return F.interpolate(mixed[None], size, mode="bilinear", align_corners=False)[0]


def picture_bands(
    maps: Tensor,
    geometry: Geometry,
    size: tuple[int, int],
    at_input: Callable[[Tensor], Tensor] = lambda maps: maps,
    channels: int = 0,
) -> Iterator[tuple[slice, Tensor]]:
    """Bands of maps (Q, h, w) on a picture of that height and width: its rows, (Q, rows, width) float32.

    at_input: what happens between the steps, (Q, rows, W) -> (`channels`, rows, W) on the input's pixels.
    """
    (height, width), (content_w, content_h) = size, geometry.content_wh_px
    (left, top), (padded_w, padded_h) = geometry.grid.content_xy_px, geometry.padded_wh_px
    inner = Rows.of(padded_h, maps.shape[1], maps.device)
    outer = Rows.of(height, content_h, maps.device)
    row = max(maps.shape[0], channels) * max(padded_w, width) * max(1, content_h // height)
    for rows in _bands(height, row):
        wanted = outer.part(rows)
        first, last = int(wanted.low[0]), int(wanted.high[-1])
        pixels = inner.part(slice(top + first, top + last + 1)).sample(maps, padded_w)
        pixels = at_input(pixels[..., left : left + content_w])
        yield rows, wanted.after(first).sample(pixels, width)


def _bands(height: int, row_elements: int) -> Iterator[slice]:
    step = max(1, BAND_ELEMENTS // row_elements)
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))
