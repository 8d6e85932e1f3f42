"""Tokens of a stage, kept for whoever asks for one patch after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from cachetools import LRUCache

from app.engine.pictures import Picture

if TYPE_CHECKING:
    from mpm.segmenters.segmenter import Segmenter

CACHE_BYTES = 256 * 2**20


class StageFeatures:
    """Those of late, as many as there is room for. For the device's thread only."""

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        self._kept: LRUCache = LRUCache(cache_bytes, getsizeof=lambda array: array.nbytes)

    def of(
        self, segmenter: Segmenter, picture: Picture, recipe: str, stage: int, max_patches: int
    ) -> np.ndarray:
        """As `mpm.segmenters.features.stage_features` gives them."""
        from mpm.segmenters.features import stage_features

        key = picture.digest, recipe, stage
        found = self._kept.get(key)
        if found is None:
            found = stage_features(segmenter, picture.rgb, recipe, stage, max_patches=max_patches)
            if found.nbytes <= self._kept.maxsize:
                self._kept[key] = found
        return found

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
