"""A faster search for large images: partners no further than a few patches. An option, off by default."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from mpm.merging.exact_float32 import exact_float32
from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap
from mpm.merging.pairs import pair_up
from mpm.merging.row_best import row_best
from mpm.merging.search import check_tokens, nearest_one_by_one

MIN_TILE_PATCHES = 16
"""Side of the squares of patches that are searched at a time, at least."""


@dataclass(frozen=True)
class WindowedPairs:
    """A merger like `mutual_pairs`, but b(i) is the most similar other token within `radius` patches.

    Distances are Manhattan, between representatives. The work grows with N x radius^2, not N^2. Pairs are
    mostly neighbours anyway, but not always: results differ from the exact search; `mpm bench` with
    "mutual(window=4)@2,5" says how much.
    """

    radius: int

    def __post_init__(self) -> None:
        if isinstance(self.radius, bool) or not isinstance(self.radius, int) or self.radius < 1:
            raise ValueError(f"Radius must be at least 1 patch, but got {self.radius!r}.")

    @torch.no_grad()
    def __call__(self, tokens: Tensor, counts: Tensor | None = None, grid: Grid | None = None) -> MergeMap:
        """(B, N, C) -> MergeMap. A token with nobody in reach is its own nearest, similarity -inf.

        Raises ValueError as `mutual_pairs` does, and where the grid is missing or does not fit the tokens.
        """
        counts = check_tokens(tokens, counts)
        if grid is None:
            raise ValueError("The windowed search needs the grid of the tokens, but got None.")
        positions = _positions(tokens, grid)
        with exact_float32(tokens.device):
            nearest, similarity = nearest_one_by_one(
                tokens,
                counts,
                lambda units, image: _search(units, positions[image, : len(units)], grid, self.radius),
            )
        return pair_up(nearest, similarity, counts)


def windowed_pairs(radius: int) -> WindowedPairs:
    """The merger whose partners lie within `radius` patches: `segment(image, merger=windowed_pairs(4))`."""
    return WindowedPairs(radius)


def _positions(tokens: Tensor, grid: Grid) -> Tensor:
    """Patch index of each token's representative: (B, N) int64."""
    batch, rows = tokens.shape[:2]
    if grid.positions is None:
        if rows != grid.size:
            raise ValueError(f"The grid has {grid.size} patches, but there are {rows} tokens.")
        return torch.arange(rows, device=tokens.device).expand(batch, rows)
    if grid.positions.shape != (batch, rows):
        raise ValueError(f"grid.positions must be ({batch}, {rows}), but got {tuple(grid.positions.shape)}.")
    return grid.positions


def _search(units: Tensor, positions: Tensor, grid: Grid, radius: int) -> tuple[Tensor, Tensor]:
    """Best other row in reach by dot product: (N, C), (N,) -> (N,) int64, (N,) float32."""
    nearest = torch.arange(len(units), device=units.device)
    similarity = torch.full((len(units),), -torch.inf, dtype=torch.float32, device=units.device)
    # Small whole numbers are exact in float32, and faster there.
    row, col = (positions // grid.cols).float(), (positions % grid.cols).float()
    for own, near in _tiles(row, col, grid, radius):
        products = units.index_select(0, own) @ units.index_select(0, near).T
        distance = (row[own, None] - row[near]).abs() + (col[own, None] - col[near]).abs()
        products.masked_fill_((distance > radius) | (own[:, None] == near), -torch.inf)
        values, indices = row_best(products)  # near is sorted: of equal values the first index
        nearest[own] = torch.where(values == -torch.inf, own, near[indices])
        similarity[own] = values
    return nearest, similarity


def _tiles(row: Tensor, col: Tensor, grid: Grid, radius: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Squares of the grid: the tokens in one, and all that they can reach, sorted."""
    side = max(MIN_TILE_PATCHES, 2 * radius)
    for top in range(0, grid.rows, side):
        band = ((row >= top - radius) & (row < top + side + radius)).nonzero().flatten()
        band_row, band_col = row[band], col[band]
        own_rows = (band_row >= top) & (band_row < top + side)
        for left in range(0, grid.cols, side):
            near = (band_col >= left - radius) & (band_col < left + side + radius)
            own = own_rows & (band_col >= left) & (band_col < left + side)
            if own.any():
                yield band[own], band[near]
