"""Mutual Pair Merging: two tokens that are each other's nearest neighbour become one.

Source: Ravé, Rasti, Rousseau, "MPM: Mutual Pair Merging for Efficient Vision Transformers",
arXiv 2604.05718. Shapes: B images, N tokens, C channels.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from mpm.merging.context import Context
from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap
from mpm.merging.pairs import best_pairs, pair_up, pairs_above
from mpm.merging.parameters import Range
from mpm.merging.reasons import Reasons
from mpm.merging.removals import asked_removals
from mpm.merging.rule import rule
from mpm.merging.search import check_tokens, find_nearest
from mpm.merging.stage import MergeStage
from mpm.merging.windowed import windowed_pairs


@torch.no_grad()
def mutual_pairs(tokens: Tensor, counts: Tensor | None = None, grid: Grid | None = None) -> MergeMap:
    """Pair tokens that are each other's nearest neighbour; everyone else is kept.

    tokens: (B, N, C) patch tokens of any floating type; the match is done in float32. counts: (B,), rows at
    or past counts[b] take no part (index -1). With b(i) the most similar other token of i (first index wins
    a tie), i and j pair iff i != j, b(i) = j and b(j) = i. A pair keeps the place of its smaller index and
    raster order is kept. The grid is not needed: nothing forces pairs to be neighbours.

    Raises ValueError for wrong shapes or types and for NaN or infinite tokens. Source: arXiv 2604.05718.

    >>> import torch
    >>> import mpm
    >>> tokens = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [0.1, 1.0], [0.6, 0.5]]])
    >>> found = mpm.mutual_pairs(tokens)
    >>> found.partner  # who merged with whom, -1 for nobody
    tensor([[ 2,  3,  0,  1, -1]])
    >>> found.index  # the merged token of each
    tensor([[0, 1, 0, 1, 2]])
    >>> found.merge(tokens).shape
    torch.Size([1, 3, 2])
    """
    counts = check_tokens(tokens, counts)
    nearest, similarity = find_nearest(tokens, counts)
    return pair_up(nearest, similarity, counts)


@rule("mutual", title="Mutual pairs", source="Ravé, Rasti, Rousseau: MPM, arXiv 2604.05718")
def mutual(
    tokens: Tensor,
    context: Context,
    *,
    window: Annotated[int | None, Range(low=1)] = None,
    above: Annotated[float | None, Range(-1, 1)] = None,
) -> MergeMap:
    """Two tokens that are each other's most similar become their mean: no keep rate, no threshold.

    window: partners lie within so many patches (Manhattan): faster on large pictures, and not quite the same.
    above: only pairs whose similarity is at least so much.
    """
    if window is None:
        found = mutual_pairs(tokens, context.counts)
    else:
        found = windowed_pairs(window)(tokens, context.counts, context.grid)
    asked = asked_removals(context)
    if asked is not None:
        return best_pairs(found, asked)
    return found if above is None else pairs_above(found, above)


@mutual.why
def why(stage: MergeStage) -> Reasons:
    """Whom a token chose, and whom that one preferred."""
    order = np.arange(len(stage.nearest))
    alone = (stage.nearest < 0) | (stage.nearest == order)
    chosen_back = stage.nearest[stage.nearest] == order
    return Reasons.choose(
        len(stage.index),
        ("merged with {partner}", stage.partner >= 0),
        ("not merged: it had no other token to choose", alone),
        ("not merged: it and {nearest} chose each other, but are not alike enough", chosen_back),
        ("not merged: its nearest, {nearest}, preferred {rival}", True),
    )
