"""Energy: only tokens that are like many others may merge, so that what is rare stays.

Source: Tran et al., PiToMe, "Accelerating Transformers with Spectrum-Preserving Token Merging", NeurIPS
2024; written from the paper. Shapes: N tokens, C channels.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from mpm.merging import search
from mpm.merging.by_image import Choice, choose_by_image, image_lengths, nothing_merges
from mpm.merging.context import Context
from mpm.merging.merge_map import MergeMap
from mpm.merging.parameters import Range
from mpm.merging.reasons import Reasons
from mpm.merging.removals import asked_removals, most_alike, removals_or_pairs
from mpm.merging.row_best import row_best
from mpm.merging.rule import rule
from mpm.merging.search import check_tokens
from mpm.merging.stage import MergeStage

FIRST_MARGIN = 0.75
"""The margin on the input of block 0. It falls to 0 with the depth."""


@rule("energy", title="Energy (PiToMe)", source="Tran et al.: PiToMe, NeurIPS 2024")
def energy(
    tokens: Tensor, context: Context, share: Annotated[float | None, Range(0, 0.5)] = None
) -> MergeMap:
    """Tokens that are like many others join one of their kind; those that are like few stay.

    share: of the tokens, so many join; left out, as many as there are mutual pairs. Twice as many have the
    highest energy, a token's mean ELU(similarity - margin) over all others; taken in turns they form two
    halves, and each of the first half joins its most similar one of the second. The margin is 0.75 on the
    input of block 0 and falls evenly to 0 behind the last block.
    """
    margin = FIRST_MARGIN * (1 - context.block / context.depth)
    if share is None or asked_removals(context) is not None:
        numbers = removals_or_pairs(tokens, context)
    else:
        lengths = image_lengths(tokens, check_tokens(tokens, context.counts))
        numbers = tuple(int(share * length) for length in lengths)
    return choose_by_image(tokens, context.counts, lambda units, image: _join(units, numbers[image], margin))


def energies(units: Tensor, margin: float) -> Tensor:
    """Mean ELU(similarity - margin) of each token over all others: (N, C) -> (N,). Memory O(N x tile)."""
    rows = len(units)
    # Wide sums are the same in any order, so that equal energies tie. Apple's GPUs have none.
    wide = torch.float32 if units.device.type == "mps" else torch.float64
    step = max(1, search.TILE_ELEMENTS // max(rows, 1))
    sums = []
    for start in range(0, rows, step):
        tile = torch.nn.functional.elu_((units[start : start + step] @ units.T).sub_(margin))
        tile.diagonal(offset=start).zero_()
        sums.append(tile.sum(1, dtype=wide))
    return torch.cat(sums) / max(rows - 1, 1)


def _join(units: Tensor, number: int, margin: float) -> Choice:
    """One image (N, C): so many tokens join, at most half."""
    groups, nearest, similarity, _ = nothing_merges(units)
    joined = torch.full_like(groups, -1)
    number = min(number, len(units) // 2)
    if not number:
        return Choice(groups, nearest, similarity, joined)
    mergeable = most_alike(energies(units, margin), 2 * number)
    sources, targets = mergeable[0::2].sort().values, mergeable[1::2].sort().values
    table = units[sources] @ units[targets].T
    groups, nearest, similarity = groups.clone(), nearest.clone(), similarity.clone()
    best, found = row_best(table)
    nearest[sources], similarity[sources] = targets[found], best
    back, source = table.max(0)
    nearest[targets], similarity[targets] = sources[source], back
    groups[sources] = joined[sources] = targets[found]
    return Choice(groups, nearest, similarity, joined)


@energy.why
def why(stage: MergeStage) -> Reasons:
    """High energy joins or waits, low energy is protected."""
    order = np.arange(len(stage.index))
    taken = np.zeros(len(order), bool)
    taken[stage.partner[stage.partner >= 0]] = True
    return Reasons.choose(
        len(order),
        ("joined {partner}: like many others, it took the most similar one that waited", stage.partner >= 0),
        ("joined by others: it is like many others, and waited for them", taken),
        ("not merged: it is like too few others, and so is protected", stage.nearest == order),
        ("not merged: it waited for others to join, but none did", True),
    )
