"""How much of two masks is the same."""

from __future__ import annotations

import cv2
import numpy as np


def agreement(labels: np.ndarray, baseline: np.ndarray) -> float:
    """Share of pixels with the same class in two masks (H, W), in [0, 1], at the size of the second."""
    if labels.shape != baseline.shape:
        size = baseline.shape[1], baseline.shape[0]
        labels = cv2.resize(labels.astype(np.int32), size, interpolation=cv2.INTER_NEAREST_EXACT)
    return float((labels == baseline).mean())
