"""Tiny photos and label images, in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

H, W = 6, 8


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def photo(value: int = 0) -> np.ndarray:
    return np.full((H, W, 3), value, np.uint8)


def stored(*values: int) -> np.ndarray:
    """(H, W) labels with these values at its beginning, the last one everywhere after."""
    padded = [*values, *[values[-1]] * (H * W - len(values))]
    return np.array(padded, np.uint8).reshape(H, W)


def first_labels(dataset, count: int) -> list[int]:
    return dataset[0][1].ravel()[:count].tolist()
