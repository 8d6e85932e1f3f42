"""From who is nearest to whom to the map of mutual pairs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mpm.merging.merge_map import Evidence, MergeMap, rows_inside


def pair_up(nearest: Tensor, similarity: Tensor | None = None, counts: Tensor | None = None) -> MergeMap:
    """The map that mutual choices define: nearest (B, N) int64, rows at or past counts[b] take no part."""
    order = torch.arange(nearest.shape[1], device=nearest.device).expand_as(nearest)
    inside = rows_inside(nearest, counts)
    mutual = (nearest.gather(1, nearest) == order) & (nearest != order) & inside
    partner = torch.where(mutual, nearest, -1)
    return map_of_partners(partner, inside, _evidence(nearest, similarity))


def map_of_partners(partner: Tensor, inside: Tensor, evidence: Evidence | None = None) -> MergeMap:
    """The map of given pairs: partner (B, N) int64, -1 for none; inside (B, N) bool, rows that take part."""
    order = torch.arange(partner.shape[1], device=partner.device).expand_as(partner)
    keeps_place = ((partner < 0) | (order < partner)) & inside
    place = keeps_place.cumsum(1) - 1
    index = torch.where(keeps_place, place, place.gather(1, partner.clamp(min=0)))
    index = torch.where(inside, index, -1)
    return MergeMap(index, keeps_place.sum(1), partner, evidence)


def best_pairs(pairs: MergeMap, removals: Sequence[int]) -> MergeMap:
    """Of a map of pairs the most alike, at most so many of each image; of equal ones the first."""
    alike = first_similarity(pairs)
    rank = alike.sort(dim=1, descending=True, stable=True).indices.argsort(1)
    wanted = torch.tensor(removals, device=rank.device).unsqueeze(1)
    return _only(pairs, rank < wanted)


def pairs_above(pairs: MergeMap, similarity: float) -> MergeMap:
    """Of a map of pairs those that are at least so similar."""
    return _only(pairs, first_similarity(pairs) >= similarity)


def first_similarity(pairs: MergeMap) -> Tensor:
    """Each pair's similarity at its first token, -infinity everywhere else: (B, N) float32."""
    partner, similarity = _pairs_of(pairs)
    order = torch.arange(partner.shape[1], device=partner.device)
    return torch.where(order < partner, similarity, -torch.inf)


def _only(pairs: MergeMap, chosen: Tensor) -> MergeMap:
    """The map without the pairs whose first token is not among the chosen (B, N) bool."""
    partner, _ = _pairs_of(pairs)
    order = torch.arange(partner.shape[1], device=partner.device)
    first = torch.where((partner >= 0) & (partner < order), partner, order)
    kept = torch.where(chosen.gather(1, first), partner, -1)
    return map_of_partners(kept, pairs.index >= 0, pairs.evidence)


def _pairs_of(pairs: MergeMap) -> tuple[Tensor, Tensor]:
    if pairs.partner is None or pairs.similarity is None:
        raise ValueError("Only a map of pairs with their similarities can be cut down.")
    return pairs.partner, pairs.similarity


def _evidence(nearest: Tensor, similarity: Tensor | None) -> Evidence:
    if similarity is None:
        similarity = torch.full(nearest.shape, torch.nan, dtype=torch.float32, device=nearest.device)
    return Evidence(nearest, similarity)
