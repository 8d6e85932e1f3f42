"""From queries to segments: the panoptic mask as EoMT's authors publish it.

Queries that name a class with a probability above 0.8 compete: a pixel goes to the one with the highest
probability times sigmoid(mask). A query's segment is those of its pixels where its own mask is above 0.5; one
that keeps no more than 0.8 of its mask's area is dropped. Pixels without a segment are "no object".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mpm.segmenters.bands import picture_bands
from mpm.segmenters.geometry import Geometry, picture_size
from mpm.segmenters.query_scores import QueryScores
from mpm.segmenters.scores import Mask
from mpm.segmenters.segments import Segment, Segments
from mpm.segmenters.upsample import label_type

SURE = 0.8
IN_MASK = 0.5
KEPT_AREA = 0.8


@dataclass(frozen=True, eq=False)
class _Claims:
    """Which of the competing queries each pixel (H, W) goes to, -1 for none that masks it; areas in pixels.

    won    where it has the highest score; masked: where its own mask is above one half; kept: both
    """

    owner: Tensor
    won: Tensor
    masked: Tensor
    kept: Tensor


@dataclass(frozen=True, eq=False)
class PanopticScores(QueryScores):
    """Scores whose mask has segments. things: the classes that can be counted.

    Labels are classes; pixels without a segment have the label K, "no object".
    """

    things: tuple[int, ...] = ()

    def _of(self, masks: Tensor, classes: Tensor) -> PanopticScores:
        return PanopticScores(masks, classes, self.things)

    def mask(self, geometry: Geometry, max_side_px: int | None = None) -> Mask:
        size = picture_size(geometry, max_side_px)
        probabilities, named = self.class_logits[0].float().softmax(-1).max(-1)
        nothing = self.class_shares.shape[2]
        sure = ((named != nothing) & (probabilities > SURE)).nonzero().flatten()
        claims = _claims(self.mask_logits[0, sure].float(), probabilities[sure], geometry, size)
        valid = (claims.kept > 0) & (claims.won > KEPT_AREA * claims.masked)
        return self._drawn(claims, valid.cpu(), named[sure].cpu(), probabilities[sure].cpu(), nothing)

    def _drawn(self, claims: _Claims, valid: Tensor, named: Tensor, sureness: Tensor, nothing: int) -> Mask:
        """Labels and segments. Background of one class is one segment, however many queries name it."""
        places = np.full(len(valid) + 1, -1, np.int16)  # the last one serves the owner -1
        classes = np.full(len(valid) + 1, nothing)
        table: list[Segment] = []
        background: dict[int, int] = {}
        for query in valid.nonzero().flatten().tolist():
            label = int(named[query])
            is_thing = label in self.things
            place = len(table) if is_thing else background.setdefault(label, len(table))
            if place == len(table):
                table.append(Segment(label, round(float(sureness[query]), 6), is_thing))
            places[query], classes[query] = place, label
        owner = claims.owner.cpu().numpy()
        kind = np.uint8 if label_type(nothing + 1) == torch.uint8 else np.int16
        return Mask(classes.astype(kind)[owner], Segments(places[owner], tuple(table)))


def _claims(masks: Tensor, sureness: Tensor, geometry: Geometry, size: tuple[int, int]) -> _Claims:
    """masks (Q, h, w) logits of the competing queries, sureness (Q,)."""
    count = len(masks)
    owner = torch.full(size, -1, dtype=torch.int16, device=masks.device)
    won, masked, kept = (torch.zeros(count, dtype=torch.int64, device=masks.device) for _ in range(3))
    if not count:
        return _Claims(owner, won, masked, kept)
    for rows, band in picture_bands(masks, geometry, size):
        inside = band.sigmoid_()
        best = (sureness[:, None, None] * inside).argmax(0)
        holds = inside.gather(0, best[None])[0] >= IN_MASK
        won += best.flatten().bincount(minlength=count)
        masked += (inside >= IN_MASK).sum((1, 2))
        kept += best[holds].bincount(minlength=count)
        owner[rows] = torch.where(holds, best, -1).to(owner.dtype)
    return _Claims(owner, won, masked, kept)
