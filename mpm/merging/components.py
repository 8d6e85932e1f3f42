"""Connected components of a graph (NumPy only)."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np


def components(edges: np.ndarray, count: int) -> np.ndarray:
    """The smallest node that each node is connected with: edges (K, 2) int64 -> (count,) int64."""
    root = np.arange(count)
    while True:
        first, second = root[edges[:, 0]], root[edges[:, 1]]
        if np.array_equal(first, second):
            return root
        # Every root hangs itself below the smallest root beside it; then paths are made short.
        np.minimum.at(root, np.maximum(first, second), np.minimum(first, second))
        while not np.array_equal(root, root[root]):
            root = root[root]


def components_after(edges: np.ndarray, count: int, removals: int) -> np.ndarray:
    """The same with just so many of the first edges that `removals` nodes are gone, or with all of them.

    An edge takes one node away or none, so the number is met exactly: Kruskal's forest, stopped early.
    """

    def gone(taken: int) -> int:
        return int((components(edges[:taken], count) != np.arange(count)).sum())

    # Fewer edges than nodes to lose never do.
    taken = bisect_left(range(len(edges)), removals, lo=min(removals, len(edges)), key=gone)
    return components(edges[:taken], count)
