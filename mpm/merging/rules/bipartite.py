"""Bipartite matching: every second token may join the one of the others that is most like it.

Source: Bolya et al., "Token Merging: Your ViT But Faster", ICLR 2023, for the halves and the fixed number;
Norouzi et al., "ALGM", CVPR 2024, for the threshold. Written from the papers. Shapes: B images, N tokens.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from mpm.errors import InputError
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


@rule("bipartite", title="Bipartite (ToMe)", source="Bolya et al.: ToMe, ICLR 2023")
def bipartite(
    tokens: Tensor,
    context: Context,
    share: Annotated[float | None, Range(0, 0.5)] = None,
    *,
    std: Annotated[float | None, Range(-5, 5)] = None,
    count: Annotated[int | None, Range(low=0)] = None,
    above: Annotated[float | None, Range(-1, 1)] = None,
    keys: bool = False,
) -> MergeMap:
    """Tokens in even places join their most similar one in an odd place, the most similar first.

    share: of the tokens, so many join. count: so many join, at most half. above: those join whose similarity
    is at least so much; std: at least the mean of this image's best ones plus so many standard deviations.
    None of them: as many as there are mutual pairs, for comparison. keys: alike are those whose keys in the
    block's attention are, averaged over the heads.
    """
    limits = {"share": share, "std": std, "count": count, "above": above}
    given = [name for name, value in limits.items() if value is not None]
    if len(given) > 1:
        raise InputError(
            f"Rule bipartite takes one of share, std, count and above, but got {' and '.join(given)}"
        )
    if asked_removals(context) is None and given and given[0] in ("std", "above"):
        numbers = None
    else:
        numbers = _numbers(tokens, context, share, count)
    return choose_by_image(
        context.keys().mean(1) if keys else tokens,
        context.counts,
        lambda units, image: _join(units, numbers[image] if numbers else None, std, above),
    )


def _numbers(tokens: Tensor, context: Context, share: float | None, count: int | None) -> tuple[int, ...]:
    """How many tokens of each image join."""
    if asked_removals(context) is not None or (share is None and count is None):
        return removals_or_pairs(tokens, context)
    lengths = image_lengths(tokens, check_tokens(tokens, context.counts))
    if share is not None:
        return tuple(int(share * length) for length in lengths)
    return tuple(min(count or 0, length // 2) for length in lengths)


def _join(units: Tensor, number: int | None, std: float | None, above: float | None) -> Choice:
    """One image (N, C). number: so many join; None: those that are alike enough."""
    choice = nothing_merges(units)
    if len(units) < 2:
        return choice._replace(joined=torch.full_like(choice.groups, -1))
    table = units[0::2] @ units[1::2].T
    best, found = row_best(table)
    joins = _alike_enough(best, std, above) if number is None else _first_few(best, number)
    target = 2 * found + 1
    groups, joined = choice.groups.clone(), torch.full_like(choice.groups, -1)
    groups[0::2] = torch.where(joins, target, groups[0::2])
    joined[0::2] = torch.where(joins, target, -1)
    return Choice(groups, *_evidence(choice, target, best), joined)


def _evidence(choice: Choice, target: Tensor, best: Tensor) -> tuple[Tensor, Tensor]:
    """Sources looked for the best; of those that chose it, a destination names the most similar one.

    To look for the very best would cost a third of the search, and the rule has no use for it.
    """
    source = choice.nearest[0::2]
    similarity = choice.similarity.scatter_reduce(0, target, best, "amax")
    highest = best == similarity[target]
    similarity[0::2] = best
    # A destination that nobody chose stays its own nearest.
    held = torch.where(highest, source, len(choice.nearest))
    nearest = choice.nearest.scatter_reduce(0, target, held, "amin", include_self=False)
    nearest[0::2] = target
    return nearest, similarity


def _alike_enough(best: Tensor, std: float | None, above: float | None) -> Tensor:
    """Which sources join: (ceil(N / 2),) bool."""
    if std is None:
        return best >= (1 if above is None else above)
    return best >= best.mean() + std * best.std(correction=0)


def _first_few(best: Tensor, number: int) -> Tensor:
    return torch.zeros_like(best, dtype=torch.bool).index_fill(0, most_alike(best, number), True)


@bipartite.why
def why(stage: MergeStage) -> Reasons:
    """Sources join or are not alike enough; destinations wait."""
    order = np.arange(len(stage.index))
    taken = np.zeros(len(order), bool)
    taken[stage.partner[stage.partner >= 0]] = True
    is_measured = any(word in stage.rule for word in ("std=", "above="))
    return Reasons.choose(
        len(order),
        ("joined {partner}, the most similar one in an odd place", stage.partner >= 0),
        ("joined by others: an odd place, which waits for them", taken),
        ("not merged: an odd place, which no other token joined", order % 2 == 1),
        ("not merged: it had no other token to choose", stage.nearest == order),
        ("not merged: it and its nearest, {nearest}, are not alike enough", is_measured),
        ("not merged: others were more alike than this one and its nearest, {nearest}", True),
    )
