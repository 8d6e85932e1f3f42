"""Bipartite matching: every second token may join the one of the others that is most like it.

Source: Bolya et al., "Token Merging: Your ViT But Faster", ICLR 2023, for the two halves and the fixed share;
Norouzi et al., "ALGM", CVPR 2024, for the threshold. Written from the papers. Shapes: B images, N tokens.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from mpm.errors import InputError
from mpm.merging.context import Context
from mpm.merging.exact_float32 import exact_float32
from mpm.merging.merge_map import Evidence, MergeMap
from mpm.merging.parameters import Range
from mpm.merging.reasons import Reasons
from mpm.merging.rule import rule
from mpm.merging.rules.mutual import mutual_pairs
from mpm.merging.search import check_tokens, normalise
from mpm.merging.stage import MergeStage


@rule("bipartite", title="Bipartite (ToMe)", source="Bolya et al.: ToMe, ICLR 2023")
def bipartite(
    tokens: Tensor,
    context: Context,
    share: Annotated[float | None, Range(0, 0.5)] = None,
    *,
    std: Annotated[float | None, Range(-5, 5)] = None,
) -> MergeMap:
    """Tokens in even places join their most similar one in an odd place, the most similar first.

    share: of the tokens, so many join. std: those join whose similarity is at least the mean of this image's
    best ones plus so many standard deviations. Neither: as many as there are mutual pairs, for comparison.
    """
    if share is not None and std is not None:
        raise InputError("rule bipartite takes share or std, not both")
    counts = check_tokens(tokens, context.counts)
    lengths = [tokens.shape[1]] * len(tokens) if counts is None else counts.tolist()
    as_many = _removed(mutual_pairs(tokens, counts), lengths) if share is None and std is None else None
    images = [
        _join(tokens[image, :length], share, std, None if as_many is None else as_many[image])
        for image, length in enumerate(lengths)
    ]
    groups, nearest, similarity, joined = (
        torch.stack([_padded(one, tokens.shape[1]) for one in parts]) for parts in zip(*images, strict=True)
    )
    return MergeMap.from_groups(groups, counts, Evidence(nearest, similarity, joined))


def _removed(pairs: MergeMap, lengths: list[int]) -> list[int]:
    return [length - kept for length, kept in zip(lengths, pairs.counts.tolist(), strict=True)]


def _join(
    tokens: Tensor, share: float | None, std: float | None, as_many: int | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One image (N, C): groups, nearest, similarity and whom each joined, all (N,)."""
    order = torch.arange(len(tokens), device=tokens.device)
    with exact_float32(tokens.device):
        units = normalise(tokens)
        if len(tokens) < 2:
            return order, order, torch.full_like(units[:, 0], -torch.inf), torch.full_like(order, -1)
        table = units[0::2] @ units[1::2].T
    best, found = table.max(1)  # of equal values the first
    joins = _chosen(best, len(tokens), share, std, as_many)
    target = 2 * found + 1
    groups, joined = order.clone(), torch.full_like(order, -1)
    groups[0::2] = torch.where(joins, target, order[0::2])
    joined[0::2] = torch.where(joins, target, -1)
    nearest, similarity = torch.empty_like(order), torch.empty_like(units[:, 0])
    nearest[0::2], similarity[0::2] = target, best
    back, source = table.max(0)
    nearest[1::2], similarity[1::2] = 2 * source, back
    return groups, nearest, similarity, joined


def _chosen(best: Tensor, rows: int, share: float | None, std: float | None, as_many: int | None) -> Tensor:
    """Which sources join: (ceil(N / 2),) bool."""
    if std is not None:
        return best >= best.mean() + std * best.std(correction=0)
    # A share of an odd number of tokens may ask for more than there are destinations to tell apart.
    number = min(int(share * rows) if share is not None else as_many or 0, rows // 2)
    first = best.sort(descending=True, stable=True).indices[:number]
    return torch.zeros_like(best, dtype=torch.bool).index_fill(0, first, True)


def _padded(values: Tensor, rows: int) -> Tensor:
    return torch.nn.functional.pad(values, (0, rows - len(values)))


@bipartite.why
def why(stage: MergeStage) -> Reasons:
    """Sources join or are not alike enough; destinations wait."""
    order = np.arange(len(stage.index))
    taken = np.zeros(len(order), bool)
    taken[stage.partner[stage.partner >= 0]] = True
    return Reasons.choose(
        len(order),
        ("joined {partner}, the most similar one in an odd place", stage.partner >= 0),
        ("joined by others: an odd place, which waits for them", taken),
        ("not merged: it had no other token to choose", stage.nearest == order),
        ("not merged: an odd place, which no other token joined", order % 2 == 1),
        ("not merged: others were more alike than this one and its nearest, {nearest}", True),
    )
