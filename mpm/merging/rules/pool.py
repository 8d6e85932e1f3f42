"""The blind control of windows: squares of four patches become one, whatever they show."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from mpm.merging.by_image import Choice, choose_by_image, nothing_merges
from mpm.merging.cells import grid_of, single_windows
from mpm.merging.context import Context
from mpm.merging.merge_map import MergeMap
from mpm.merging.parameters import Range
from mpm.merging.reasons import Reasons
from mpm.merging.removals import asked_removals
from mpm.merging.rule import rule
from mpm.merging.stage import MergeStage


@rule("pool", title="Pooling", source="the blind control: this project")
def pool(tokens: Tensor, context: Context, *, seed: Annotated[int, Range(low=0)] = 0) -> MergeMap:
    """Every square of four patches becomes one, whatever it shows: what looking at the picture is worth.

    Only squares whose patches have not merged before. seed: draws the squares where only some are to merge.
    """
    grid, asked = grid_of(context, "pool"), asked_removals(context)
    members = single_windows(context, grid)

    def choose(units: Tensor, image: int) -> Choice:
        choice = nothing_merges(units)
        wanted = 3 * len(members[image]) if asked is None else asked[image]
        return choice._replace(groups=_pooled(choice.groups, members[image], wanted, seed))

    return choose_by_image(tokens, context.counts, choose)


def _pooled(order: Tensor, members: Tensor, wanted: int, seed: int) -> Tensor:
    """Groups (N,) in which so many tokens are gone: whole windows (K, 4), then the first of another one."""
    drawn = np.random.default_rng((seed, len(members))).permutation(len(members))
    windows = members[torch.from_numpy(drawn).to(members.device)]
    # A token goes if it is not the first of its window: those of the first windows go.
    leavers, firsts = windows[:, 1:].flatten(), windows[:, :1].expand(-1, 3).flatten()
    groups = order.clone()
    groups[leavers[:wanted]] = firsts[:wanted]
    return groups


@pool.why
def why(stage: MergeStage) -> Reasons:
    """The square, or none."""
    return Reasons.choose(
        len(stage.index),
        ("merged with {partner}: they share a square of four, whatever it shows", stage.partner >= 0),
        ("merged with the others of its square, whatever they show", stage.is_shared),
        ("not merged: it has no square of four single patches, or that one was not drawn", True),
    )
