"""Short texts beside the points of a figure, none on another."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Box = tuple[float, float, float, float]
"""left, bottom, right, top"""

RADII = (1.0, 1.6, 2.3, 3.1, 4.0, 5.0, 6.0)
ANGLES = tuple(math.radians(angle) for angle in (45, 135, 315, 225, 0, 180, 90, 270, 20, 70, 110, 160))


def place_labels(
    points: np.ndarray, sizes: Sequence[tuple[float, float]], inside: Box, marker: float
) -> list[tuple[float, float]]:
    """Centres of labels, all in the unit of `points` (n, 2): each near its point, off the others.

    sizes: width and height of each label. inside: where labels may be. marker: a point's half width. Greedy:
    the nearest free place, or, where none is free, the one that covers least.
    """
    taken: list[Box] = [_box(x, y, 2 * marker, 2 * marker) for x, y in points]
    found = []
    for (x, y), (width, height) in zip(points, sizes, strict=True):
        places = [
            (
                x + radius * (marker + width / 2) * math.cos(angle),
                y + radius * (marker + height / 2) * math.sin(angle),
            )
            for radius in RADII
            for angle in ANGLES
        ]
        boxes = [_box(*place, width, height) for place in places]
        cost = [_covered(box, taken) + _outside(box, inside) for box in boxes]
        best = int(np.argmin(cost))  # of equal ones the nearest
        found.append(places[best])
        taken.append(boxes[best])
    return found


def _box(x: float, y: float, width: float, height: float) -> Box:
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _covered(box: Box, others: Sequence[Box]) -> float:
    """Area that a box shares with others."""
    return sum(
        max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
        * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
        for other in others
    )


def _outside(box: Box, inside: Box) -> float:
    area = (box[2] - box[0]) * (box[3] - box[1])
    return 1000 * (area - _covered(box, [inside]))
