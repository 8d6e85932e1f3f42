"""Rounds: mutual pairs, again and again within one insertion, until none is alike enough.

With means weighted by size this is agglomerative clustering by nearest-neighbour pairs (Murtagh, "A survey of
recent advances in hierarchical clustering algorithms", 1983). Shapes: B images, N tokens, C channels.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from mpm.merging.by_image import image_lengths
from mpm.merging.context import Context
from mpm.merging.merge_map import Evidence, MergeMap
from mpm.merging.pairs import best_pairs, first_similarity, pair_up, pairs_above
from mpm.merging.parameters import Range
from mpm.merging.reasons import Reasons
from mpm.merging.removals import asked_removals
from mpm.merging.rule import rule
from mpm.merging.search import check_tokens, find_nearest
from mpm.merging.stage import MergeStage


@rule("rounds", title="Rounds of mutual pairs", source="this project; Murtagh 1983 for the clustering")
def rounds(
    tokens: Tensor, context: Context, threshold: Annotated[float | None, Range(-1, 1)] = None
) -> MergeMap:
    """Mutual pairs merge again and again, until no pair is alike enough.

    threshold: a pair merges if its similarity is at least so much; left out, the mean similarity of the pairs
    of the first round. Between the rounds tokens are means weighted by the patches they stand for.
    """
    asked = asked_removals(context)
    counts = check_tokens(tokens, context.counts)
    order = torch.arange(tokens.shape[1], device=tokens.device)
    groups, nearest = order.repeat(len(tokens), 1), order.repeat(len(tokens), 1)
    similarity = torch.full(nearest.shape, -torch.inf, dtype=torch.float32, device=tokens.device)
    for image, length in enumerate(image_lengths(tokens, counts)):
        own = tokens[image : image + 1, :length]
        sizes = context.sizes[image : image + 1, :length]
        found, first = _cluster(own, sizes, threshold, None if asked is None else asked[image])
        groups[image, :length] = found
        nearest[image, :length], similarity[image, :length] = first.nearest[0], first.similarity[0]
    return MergeMap.from_small_groups(groups, counts, Evidence(nearest, similarity))


def _cluster(
    tokens: Tensor, sizes: Tensor, threshold: float | None, wanted: int | None
) -> tuple[Tensor, Evidence]:
    """One image (1, N, C): the cluster of each token (N,), and what the first round saw."""
    tokens = tokens.to(torch.promote_types(tokens.dtype, torch.float32))
    groups = torch.arange(tokens.shape[1], device=tokens.device)
    first: Evidence | None = None
    while True:
        nearest, similarity = find_nearest(tokens, None)
        first = first or Evidence(nearest, similarity)
        pairs = pair_up(nearest, similarity)
        if wanted is not None:
            pairs = best_pairs(pairs, [wanted])
            wanted -= tokens.shape[1] - int(pairs.counts)
        else:
            threshold = _mean_of_pairs(pairs) if threshold is None else threshold
            pairs = pairs_above(pairs, threshold)
        groups = pairs.index[0, groups]
        if wanted == 0 or int(pairs.counts) == tokens.shape[1]:
            return groups, first
        tokens = pairs.merge(tokens, sizes=sizes)
        sizes = torch.zeros_like(sizes[:, : tokens.shape[1]]).scatter_add_(1, pairs.index, sizes)


def _mean_of_pairs(pairs: MergeMap) -> float:
    """The mean similarity of the pairs, but no more than the best one's, however it is rounded."""
    alike = [value for value in first_similarity(pairs)[0].tolist() if value > -math.inf]
    return min(fmean(alike), max(alike)) if alike else 0.0


@rounds.why
def why(stage: MergeStage) -> Reasons:
    """Whether a cluster grew around it."""
    order = np.arange(len(stage.index))
    return Reasons.choose(
        len(order),
        ("merged with {partner}, in one round or over several", stage.partner >= 0),
        ("merged: others joined it, in one round or over several", stage.is_shared),
        ("not merged: it had no other token to choose", stage.nearest == order),
        ("not merged: in no round did it form a pair that is alike enough; its nearest was {nearest}", True),
    )
