"""What queries say of a batch: a class each, and a mask.

    scores of a class = sum over queries of p(class | query) * sigmoid(mask of the query)

as in MaskFormer (Cheng et al., NeurIPS 2021, arXiv 2107.06278) and as EoMT's authors publish it: masks are
resized to the model's input before the sigmoid, scores to the picture behind it. Shapes: B pictures,
Q queries, K classes, h w cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from mpm.segmenters.bands import picture_bands
from mpm.segmenters.geometry import Geometry, picture_size
from mpm.segmenters.scores import Mask, Scores, inside
from mpm.segmenters.upsample import label_type


@dataclass(frozen=True, eq=False)
class QueryScores(Scores):
    """mask_logits (B, Q, h, w), and class_logits (B, Q, K + 1), whose last one is "no object"."""

    mask_logits: Tensor
    class_logits: Tensor

    @cached_property
    def class_shares(self) -> Tensor:
        """(B, Q, K): how probable each class is for each query; what is missing to 1 is "no object"."""
        return self.class_logits.float().softmax(-1)[..., :-1]

    @cached_property
    def logits(self) -> Tensor:
        """(B, K, h, w) scores from 0 on, around 1 where one query is sure: not before a softmax."""
        return torch.einsum("bqk,bqhw->bkhw", self.class_shares, self.mask_logits.float().sigmoid())

    def split(self) -> Sequence[QueryScores]:
        pairs = zip(self.mask_logits.split(1), self.class_logits.split(1), strict=True)
        return [self._of(masks, classes) for masks, classes in pairs]

    def joined(self, others: Sequence[QueryScores]) -> QueryScores:
        both = (self, *others)
        masks = torch.cat([one.mask_logits for one in both])
        return self._of(masks, torch.cat([one.class_logits for one in both]))

    def _of(self, masks: Tensor, classes: Tensor) -> QueryScores:
        return QueryScores(masks, classes)

    def on_input(self, size: tuple[int, int]) -> Tensor:
        masks = F.interpolate(self.mask_logits.float(), size, mode="bilinear", align_corners=False)
        return torch.einsum("qk,qhw->khw", self.class_shares[0], masks[0].sigmoid())

    def mask(self, geometry: Geometry, max_side_px: int | None = None) -> Mask:
        size = picture_size(geometry, max_side_px)
        shares, masks = self.class_shares[0], self.mask_logits[0].float()
        classes = shares.shape[1]
        labels = torch.empty(size, dtype=label_type(classes), device=masks.device)

        def scores(pixels: Tensor) -> Tensor:
            return torch.einsum("qk,qhw->khw", shares, pixels.sigmoid())

        for rows, band in picture_bands(masks, geometry, size, scores, classes):
            labels[rows] = band.argmax(0).to(labels.dtype)
        return Mask(labels.cpu().numpy())

    def confidence(self, geometry: Geometry) -> float | None:
        """Mean over the picture's cells of the highest score, at most 1."""
        mean = float(inside(self.logits[0], geometry).amax(0).clamp(max=1).mean(dtype=torch.float64))
        return mean if mean == mean else None
