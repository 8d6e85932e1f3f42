"""Which token holds which patch: for rules that look at places. Shapes: B images, N tokens."""

from __future__ import annotations

from functools import lru_cache, reduce

import torch
from torch import Tensor

from mpm.errors import InputError
from mpm.merging.context import Context
from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap, rows_inside


def grid_of(context: Context, rule: str) -> Grid:
    """The patch grid. Raises InputError, naming the rule, where there is none."""
    if context.grid is None:
        raise InputError(f"Rule {rule} needs the patch grid, which is known in a run only")
    return context.grid


def token_of_patch(context: Context, grid: Grid) -> Tensor:
    """The token that holds each patch of the grid: (B, patches) int64, -1 where none does.

    Raises ValueError where tokens and grid do not fit.
    """
    if context.maps:
        owner = reduce(MergeMap.compose, context.maps).index
    else:
        rows = context.tokens.shape[1]
        owner = torch.arange(rows, device=context.tokens.device).expand(len(context.tokens), rows)
        if context.counts is not None:
            owner = torch.where(rows_inside(owner, context.counts), owner, -1)
    if owner.shape[1] != grid.size:
        raise ValueError(f"The grid has {grid.size} patches, but there are {owner.shape[1]} tokens.")
    return owner


def single_windows(context: Context, grid: Grid) -> list[Tensor]:
    """Of each image the 2 x 2 windows whose patches are four tokens of their own: (K, 4) int64 tokens.

    Windows do not overlap and come in raster order, as the four of each do. Odd edges have none.
    """
    cells = _window_cells(grid.rows, grid.cols).to(context.tokens.device)
    owner = token_of_patch(context, grid)
    if not context.maps and context.counts is None:
        return [cells] * len(owner)  # token t is patch t
    owner = owner[:, cells]
    single = owner >= 0
    if context.maps:
        sizes = context.sizes.unsqueeze(1).expand(-1, len(cells), -1)
        single &= sizes.gather(2, owner.clamp(min=0)) == 1
    return [own[whole] for own, whole in zip(owner, single.all(2), strict=True)]


@lru_cache(maxsize=64)
def _window_cells(rows: int, cols: int) -> Tensor:
    """Patches of every complete window of a grid: (K, 4) int64."""
    patches = torch.arange(rows * cols).view(rows, cols)[: rows // 2 * 2, : cols // 2 * 2]
    windows = patches.reshape(rows // 2, 2, cols // 2, 2)
    return windows.transpose(1, 2).reshape(-1, 4)


def touching_tokens(owner: Tensor, grid: Grid) -> Tensor:
    """Pairs of tokens that hold patches side by side or one above the other: (patches,) -> (K, 2) int64.

    Each pair once, the smaller token first, in raster order.
    """
    pairs = owner[touching_patches(grid.rows, grid.cols).to(owner.device)].sort(1).values
    pairs = pairs[(pairs[:, 0] >= 0) & (pairs[:, 0] != pairs[:, 1])]
    width = grid.size
    once = (pairs[:, 0] * width + pairs[:, 1]).unique()
    return torch.stack([once // width, once % width], 1)


@lru_cache(maxsize=64)
def touching_patches(rows: int, cols: int) -> Tensor:
    """Every two patches side by side, then every two one above the other: (E, 2) int64, in raster order."""
    patches = torch.arange(rows * cols).view(rows, cols)
    first = torch.cat([patches[:, :-1].flatten(), patches[:-1].flatten()])
    second = torch.cat([patches[:, 1:].flatten(), patches[1:].flatten()])
    return torch.stack([first, second], 1)
