"""Who is worth choosing."""

from __future__ import annotations

import math
from collections.abc import Sequence


def frontier(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Of (cost, loss) points, those that no other one beats: as good in both, and better in one.

    >>> from mpm.measure.compare.frontier import frontier
    >>> frontier([(3, 0), (2, 1), (2, 2), (1, 1)])
    [True, False, False, True]
    """
    on = [False] * len(points)
    best, last = math.inf, None
    for place in sorted(range(len(points)), key=points.__getitem__):
        loss = points[place][1]
        on[place] = loss < best or points[place] == last
        if loss < best:
            best, last = loss, points[place]
    return on
