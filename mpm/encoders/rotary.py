"""Rows of a rotary table at places between the patches, for tokens that stand for several.

A row holds sines, then cosines, of angles that are linear in the place, whichever of timm's tables it is of.
So the rows of neighbouring patches tell what a step turns by, and a place between patches needs no more.
Exact where a step turns by less than half a circle. On a grid with less than a third of the rows or columns
that a table was made for, its quickest angles turn by more: there the shorter way round is taken, which meets
every patch as well.

Shapes: B images, N patches, M tokens left, D angles of a row.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap


def steps(table: Tensor, grid: Grid) -> Tensor:
    """Angles by which a step down and a step to the right turn: (..., N, 2 D) -> (..., 2, D) float32."""
    down, right = grid.cols if grid.rows > 1 else 0, 1 if grid.cols > 1 else 0
    first, *others = (table[..., patch, :].float().chunk(2, -1) for patch in (0, down, right))
    return torch.stack([_between(*first, *other) for other in others], -2)


def _between(sin: Tensor, cos: Tensor, later_sin: Tensor, later_cos: Tensor) -> Tensor:
    """The angle from one to the other, within half a circle."""
    return torch.atan2(later_sin * cos - later_cos * sin, later_cos * cos + later_sin * sin)


def moved(rows: Tensor, away: Tensor, turns: Tensor) -> Tensor:
    """Rows (..., M, 2 D) of places that lie (..., M, 2) further down and right; of none, the very same.

    turns: (..., 2, D), what a step turns by.
    """
    # No matrix product: TF32 and autocast would round angles.
    angles = away[..., :1] * turns[..., :1, :] + away[..., 1:] * turns[..., 1:, :]
    (sines, cosines), (sin, cos) = rows.float().chunk(2, -1), (angles.sin(), angles.cos())
    return torch.cat([sines * cos + cosines * sin, cosines * cos - sines * sin], -1).to(rows.dtype)


def offsets(grid: Grid, whole: MergeMap, positions: Tensor) -> Tensor:
    """From each token's representative to the mean of its patches, in patches: (B, M, 2) rows and columns.

    Zero where that mean lies in none of the patches: half way between two that are far apart is neither.
    whole: from patches to tokens; positions: (B, M), the representatives.
    """
    patch = torch.arange(grid.size, device=positions.device)
    places = torch.stack([patch // grid.cols, patch % grid.cols], 1).float()
    members = whole.index.unsqueeze(-1).expand(-1, -1, 2)
    # Sums of whole numbers: exact in any order, so alike alone and in a batch, on any device.
    sums = places.new_zeros(*positions.shape, 2).scatter_add_(1, members, places.expand(members.shape))
    sizes = whole.group_sizes(positions.shape[1]).clamp(min=1)
    means = sums / sizes.unsqueeze(-1)
    inside = ((places - means.gather(1, members)).abs() <= 0.5).all(-1)
    covered = places.new_zeros(positions.shape).scatter_add_(1, whole.index, inside.float()) > 0
    return torch.where(covered.unsqueeze(-1), means - places[positions], 0)
