"""Class names and colours of each data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class LabelSet:
    """Classes in label order; `palette` is (classes, 3) uint8 RGB; `ignore_index` marks unlabelled pixels."""

    name: str
    class_names: tuple[str, ...]
    palette: np.ndarray
    ignore_index: int | None = None

    def __post_init__(self) -> None:
        expected = (len(self.class_names), 3)
        if self.palette.shape != expected or self.palette.dtype != np.uint8:
            raise ValueError(
                f"palette must be {expected} uint8, but got {self.palette.shape} {self.palette.dtype}"
            )


def _label_set(name: str, ignore_index: int | None, classes: dict[str, tuple[int, int, int]]) -> LabelSet:
    return LabelSet(name, tuple(classes), np.array(list(classes.values()), np.uint8), ignore_index)


# CamVid's eleven classes; colours follow Cityscapes' well-known ones, which stay apart on a photograph.
STREETS = _label_set(
    "streets",
    11,
    {
        "sky": (70, 130, 180),
        "building": (110, 110, 110),
        "pole": (222, 196, 160),
        "road": (128, 64, 128),
        "pavement": (244, 35, 232),
        "tree": (107, 142, 35),
        "sign": (250, 210, 0),
        "fence": (102, 102, 196),
        "car": (20, 40, 190),
        "pedestrian": (220, 20, 60),
        "bicyclist": (255, 120, 0),
    },
)
