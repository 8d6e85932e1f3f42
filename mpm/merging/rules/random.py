"""The control: pairs drawn at random. Shows what choosing well is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from mpm.merging.context import Context
from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap
from mpm.merging.pairs import map_of_partners
from mpm.merging.parameters import Range
from mpm.merging.reasons import Reasons
from mpm.merging.removals import asked_removals
from mpm.merging.rule import rule
from mpm.merging.rules.mutual import mutual_pairs
from mpm.merging.stage import MergeStage


@torch.no_grad()
def random_pairs(
    tokens: Tensor,
    counts: Tensor | None = None,
    grid: Grid | None = None,
    *,
    seed: int = 0,
    removals: Sequence[int] | None = None,
) -> MergeMap:
    """The control: as many pairs as `mutual_pairs` finds, drawn at random. Shows what choosing well is worth.

    The same seed and token count give the same pairs, alone or in a batch. removals: so many pairs of each
    image instead. `nearest` and `similarity` are those of the search. Raises as `mutual_pairs` does.

    >>> import torch
    >>> import mpm
    >>> tokens = torch.rand(1, 16, 8)
    >>> drawn, found = mpm.random_pairs(tokens, seed=1), mpm.mutual_pairs(tokens)
    >>> torch.equal(drawn.counts, found.counts)
    True
    """
    found = mutual_pairs(tokens, counts, grid)
    partner = torch.full_like(found.index, -1)
    for image in range(tokens.shape[0]):
        rows = int((found.index[image] >= 0).sum())
        pairs = rows - int(found.counts[image]) if removals is None else min(removals[image], rows // 2)
        drawn = np.random.default_rng((seed, rows)).permutation(rows)[: 2 * pairs].reshape(2, pairs)
        first, second = torch.from_numpy(drawn).to(tokens.device)
        partner[image, first], partner[image, second] = second, first
    return map_of_partners(partner, found.index >= 0, found.evidence)


@rule("random", title="Random pairs", source="the control: this project")
def random(tokens: Tensor, context: Context, *, seed: Annotated[int, Range(low=0)] = 0) -> MergeMap:
    """As many pairs as mutual pairs would be, drawn at random: what choosing well is worth."""
    removals = asked_removals(context)
    return random_pairs(tokens, context.counts, context.grid, seed=seed, removals=removals)


@random.why
def why(stage: MergeStage) -> Reasons:
    """The draw."""
    return Reasons.choose(
        len(stage.index),
        ("merged with {partner}, drawn at random", stage.partner >= 0),
        ("not merged: it was not drawn", True),
    )
