"""Classes of no known data set: those that a file names itself, and those that nobody names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mpm.data.labels.label_set import LabelSet


def own_classes(names: Sequence[str], palette: np.ndarray | None = None) -> LabelSet:
    """A label set of these names, each made unlike the others; without a palette its colours are made up."""
    # A second "other" would hide the first wherever a table goes by names.
    unlike: dict[str, None] = {}
    for number, name in enumerate(names, 1):
        unlike[f"{name} ({number})" if name in unlike else name] = None
    return LabelSet("own", tuple(unlike), generated_palette(len(names)) if palette is None else palette)


def numbered_classes(count: int) -> LabelSet:
    """A label set of `count` classes of which nobody says what they are: "class 1", "class 2", ..."""
    names = tuple(f"class {number}" for number in range(1, count + 1))
    return LabelSet("unknown", names, generated_palette(count))


def generated_palette(count: int) -> np.ndarray:
    """(count, 3) uint8: the colours of Pascal VOC without its black; no two of 16 million are alike.

    Every third bit of a class's number goes to the same channel, the lowest bits highest.
    """
    numbers = np.arange(1, count + 1)
    palette = np.zeros((count, 3), np.int64)
    for bit in range(24):
        palette[:, bit % 3] |= (numbers >> bit & 1) << (7 - bit // 3)
    return palette.astype(np.uint8)
