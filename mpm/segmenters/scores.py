"""What a head says of a batch of pictures, and how it becomes a mask of the user's pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mpm.segmenters.confidence import mask_confidence
from mpm.segmenters.geometry import Geometry
from mpm.segmenters.segments import Segments
from mpm.segmenters.upsample import upsample_labels


@dataclass(frozen=True, eq=False)
class Mask:
    """labels (H, W) integers of a picture's pixels; segments where the model tells things apart."""

    labels: np.ndarray
    segments: Segments | None = None


class Scores(ABC):
    """Scores of B pictures, on a grid of the head's own: h w cells, K classes."""

    @property
    @abstractmethod
    def logits(self) -> Tensor:
        """(B, K, h, w): a pixel's class has the highest. The cells divide the model's input evenly."""

    @abstractmethod
    def split(self) -> Sequence[Scores]:
        """Those of each picture, B = 1."""

    @abstractmethod
    def joined(self, others: Sequence[Any]) -> Scores:
        """Those of these pictures and of others, which are of the same kind."""

    @abstractmethod
    def on_input(self, size: tuple[int, int]) -> Tensor:
        """Scores of the pixels of one model input of that height and width: (K, H, W) float32."""

    @abstractmethod
    def mask(self, geometry: Geometry, max_side_px: int | None = None) -> Mask:
        """The mask of one picture, of the picture's own size or of a copy with sides of at most that."""

    def confidence(self, geometry: Geometry) -> float | None:
        """How sure one picture's mask is, in [0, 1]; see `mpm.segmenters.confidence`."""
        return mask_confidence(inside(self.logits[0], geometry).float().cpu().numpy())


def inside(maps: Tensor, geometry: Geometry) -> Tensor:
    """The cells of maps (K, h, w) that touch the picture: of a padded square they may be few."""
    rows, cols = geometry.grid.inside((maps.shape[1], maps.shape[2]))
    return maps[:, rows, cols]


@dataclass(frozen=True, eq=False)
class GridScores(Scores):
    """Logits on the patch grid or finer, upsampled bilinearly."""

    grid_logits: Tensor

    @property
    def logits(self) -> Tensor:
        return self.grid_logits

    def split(self) -> Sequence[GridScores]:
        return [GridScores(one) for one in self.grid_logits.split(1)]

    def joined(self, others: Sequence[GridScores]) -> GridScores:
        return GridScores(torch.cat([self.grid_logits, *(other.grid_logits for other in others)]))

    def on_input(self, size: tuple[int, int]) -> Tensor:
        return F.interpolate(self.grid_logits.float(), size, mode="bilinear", align_corners=False)[0]

    def mask(self, geometry: Geometry, max_side_px: int | None = None) -> Mask:
        return Mask(upsample_labels(self.grid_logits, geometry, max_side_px).cpu().numpy())
