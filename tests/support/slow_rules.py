"""What the tests of all rules share: one call of a rule, and slow, obvious arithmetic."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch

import mpm
from mpm.merging.insertion import apply_rule
from mpm.merging.recipe import Recipe


def found(tokens: torch.Tensor, text: str, counts: torch.Tensor | None = None, **more) -> mpm.MergeMap:
    """The map of a rule such as "windows(0.9)" on tokens (B, N, C)."""
    call = Recipe.parse(f"{text}@0").at(0)
    return apply_rule(call, mpm.Context(tokens, counts=counts, **more))


def cosines(tokens: torch.Tensor) -> np.ndarray:
    """(N, C) -> (N, N) float32, each similarity from the definition."""
    rows = [row.double().numpy() for row in tokens]
    units = [row / max(np.sqrt(np.dot(row, row)), 1e-12) for row in rows]
    return np.array([[np.float32(np.dot(one, two)) for two in units] for one in units])


def slow_pairs(table: np.ndarray) -> list[tuple[int, int]]:
    """Those that are each other's most similar, of (N, N) similarities; of equal ones the first."""
    nearest = []
    for one in range(len(table)):
        others = [other for other in range(len(table)) if other != one]
        nearest.append(max(others, key=lambda other: (table[one, other], -other), default=one))
    return [(one, other) for one, other in enumerate(nearest) if one < other and nearest[other] == one]


def index_of(groups: list) -> list[int]:
    """Equal names -> the same number, in the order of their first members."""
    names = list(dict.fromkeys(groups))
    return [names.index(name) for name in groups]


def slow_components(edges: list[tuple[int, int]], count: int) -> list[int]:
    """A name for each node: nodes that hang together share one."""
    names = list(range(count))
    for first, second in edges:
        old, new = max(names[first], names[second]), min(names[first], names[second])
        names = [new if name == old else name for name in names]
    return names


def slow_windows(rows: int, cols: int) -> list[list[int]]:
    """Patches of every complete 2 x 2 window, in raster order."""
    corners = [(row, col) for row in range(0, rows - 1, 2) for col in range(0, cols - 1, 2)]
    return [
        [(row + down) * cols + col + right for down in (0, 1) for right in (0, 1)] for row, col in corners
    ]


def mean_cosine(table: np.ndarray, members: list[int]) -> float:
    values = [float(table[one, two]) for one, two in combinations(members, 2)]
    return sum(values) / len(values)


def picture_tokens(rows: int, cols: int, seed: int = 0, batch: int = 1, noise: float = 0.3) -> torch.Tensor:
    """(B, rows * cols, 8) tokens of which neighbours are alike."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(batch, 8, max(2, rows // 3), max(2, cols // 3), generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (rows, cols), mode="bilinear")
    return smooth.flatten(2).mT + noise * torch.randn(batch, rows * cols, 8, generator=generator)


def tied_tokens(rows: int, seed: int = 0) -> torch.Tensor:
    """(1, N, 3) axes: similarities of exactly 0 and 1, ties everywhere."""
    return torch.eye(3)[torch.randint(0, 3, (1, rows), generator=torch.Generator().manual_seed(seed))]


def after_pairs(tokens: torch.Tensor, grid: mpm.Grid, removals=None) -> tuple[torch.Tensor, dict]:
    """Tokens of the grid after mutual pairs merged, with what a context then knows."""
    pairs = found(tokens, "mutual", removals=removals)
    later = mpm.Grid(grid.rows, grid.cols, grid.patch_px, positions=pairs.representatives())
    return pairs.merge(tokens), {"maps": (pairs,), "grid": later, "counts": pairs.counts}
