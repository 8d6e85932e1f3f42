"""How many tokens an image is to lose, for rules that can be told. Shapes: B images, N tokens, C channels."""

from __future__ import annotations

import torch
from torch import Tensor

from mpm.merging.context import Context
from mpm.merging.merge_map import rows_inside
from mpm.merging.search import check_tokens, find_nearest


def asked_removals(context: Context) -> tuple[int, ...] | None:
    """The context's removals, None where it asks for none. Raises ValueError where they do not fit."""
    asked, batch = context.removals, len(context.tokens)
    if asked is not None and (len(asked) != batch or min(asked, default=0) < 0):
        raise ValueError(f"Removals must be {batch} numbers of at least 0, but got {asked}.")
    return asked


def removals_or_pairs(tokens: Tensor, context: Context) -> tuple[int, ...]:
    """As many as are asked for, else as many as there are mutual pairs among these tokens (B, N, C)."""
    asked = asked_removals(context)
    if asked is not None:
        return asked
    counts = check_tokens(tokens, context.counts)
    nearest, _ = find_nearest(tokens, counts)
    order = torch.arange(tokens.shape[1], device=tokens.device)
    mutual = (nearest.gather(1, nearest) == order) & (nearest != order) & rows_inside(nearest, counts)
    return tuple((mutual.sum(1) // 2).tolist())


def most_alike(values: Tensor, number: int) -> Tensor:
    """Places of the highest of (K,) values, at most so many; of equal ones the first."""
    return values.sort(descending=True, stable=True).indices[:number]
