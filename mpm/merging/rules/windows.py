"""Windows: four patches that form a square and are alike become one token. Cheap: no search at all.

Source: Norouzi et al., "ALGM: Adaptive Local-then-Global Token Merging", CVPR 2024, its local step; written
from the paper. Here every image decides for itself, and any grid will do. Shapes: N tokens, K windows.
"""

from __future__ import annotations

from itertools import combinations
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
from mpm.merging.removals import asked_removals, most_alike
from mpm.merging.rule import rule
from mpm.merging.stage import MergeStage

PAIRS = tuple(combinations(range(4), 2))
PLACES = torch.tensor([4 * first + second for first, second in PAIRS])
"""Of the six pairs in a window's 4 x 4 table."""


@rule("windows", title="Windows (ALGM)", source="Norouzi et al.: ALGM, CVPR 2024, its local step")
def windows(tokens: Tensor, context: Context, threshold: Annotated[float, Range(-1, 1)] = 0.95) -> MergeMap:
    """Four patches that form a square become one where they are alike: no search, so it costs little.

    threshold: the mean of a window's six similarities is at least so much. Windows do not overlap; one whose
    patches have merged before stays as it is, and so do the odd edges of the grid.
    """
    grid, asked = grid_of(context, "windows"), asked_removals(context)
    members = single_windows(context, grid)
    return choose_by_image(
        tokens,
        context.counts,
        lambda units, image: _choose(
            units, members[image], threshold, None if asked is None else asked[image]
        ),
    )


def _choose(units: Tensor, members: Tensor, threshold: float, wanted: int | None) -> Choice:
    """One image (N, C), its windows (K, 4). wanted: so many tokens go, whatever the threshold says."""
    groups, nearest, similarity, _ = nothing_merges(units)
    if not len(members):
        return Choice(groups, nearest, similarity)
    four = units.index_select(0, members.flatten()).view(-1, 4, units.shape[1])
    table = four @ four.mT
    cosines = table.flatten(1).index_select(1, PLACES.to(table.device))
    groups = groups.clone()
    if wanted is None:
        _merge(groups, members[cosines.mean(1) >= threshold])
    else:
        _merge_exactly(groups, members, cosines, wanted)
    table.diagonal(dim1=1, dim2=2).fill_(-torch.inf)
    best, mate = table.max(2)
    nearest, similarity = nearest.clone(), similarity.clone()
    nearest[members], similarity[members] = members.gather(1, mate), best
    return Choice(groups, nearest, similarity)


def _merge_exactly(groups: Tensor, members: Tensor, cosines: Tensor, wanted: int) -> None:
    """Whole windows while three tokens or more are to go, then a part of the next one."""
    whole, rest = divmod(wanted, 3)
    order = most_alike(cosines.mean(1), whole + 1)
    _merge(groups, members[order[:whole]])
    if rest and whole < len(order):
        last = order[whole]
        _merge(groups, members[last][_most_alike_of(cosines[last], rest + 1)].unsqueeze(0))


def _merge(groups: Tensor, members: Tensor) -> None:
    groups[members] = members[:, :1].expand_as(members)


def _most_alike_of(cosines: Tensor, size: int) -> list[int]:
    """Which two or three of a window have the highest mean similarity: of equal ones the first."""
    values = dict(zip(PAIRS, cosines.tolist(), strict=True))
    parties = combinations(range(4), size)
    return list(max(parties, key=lambda party: sum(values[pair] for pair in combinations(party, 2))))


@windows.why
def why(stage: MergeStage) -> Reasons:
    """What the window of a token was like."""
    order = np.arange(len(stage.index))
    return Reasons.choose(
        len(order),
        ("merged with {partner}: the patches of their window are alike", stage.partner >= 0),
        ("merged with others of its window, which are alike", stage.is_shared),
        ("not merged: no window of four single patches holds it", stage.nearest == order),
        ("not merged: the four of its window are not alike enough", True),
    )
