"""What a data set calls its classes, and how it draws them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

IGNORED = 255
"""The customary label of pixels that count for nothing."""

Colour = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class LabelSet:
    """What a data set calls its classes, and how it draws them.

    class_names   in label order: pixels of class k have the label k
    palette       (classes, 3) uint8 RGB
    ignore_index  the label of pixels that count for nothing; None where there is none

    Raises ValueError for a palette of another shape or type.

    >>> import mpm
    >>> pets = mpm.LabelSet.of("pets", 255, {"cat": (255, 120, 0), "dog": (20, 40, 190)})
    >>> pets.class_names
    ('cat', 'dog')
    >>> pets.palette[1].tolist()
    [20, 40, 190]
    """

    name: str
    class_names: tuple[str, ...]
    palette: np.ndarray
    ignore_index: int | None = None

    def __post_init__(self) -> None:
        expected = (len(self.class_names), 3)
        if self.palette.shape != expected or self.palette.dtype != np.uint8:
            raise ValueError(
                f"Palette must be {expected} uint8, but got {self.palette.shape} {self.palette.dtype}."
            )

    @classmethod
    def of(cls, name: str, ignore_index: int | None, classes: dict[str, Colour]) -> LabelSet:
        """From a table of class names and their RGB colours, in label order."""
        return cls(name, tuple(classes), np.array(list(classes.values()), np.uint8), ignore_index)
