"""From who is nearest to whom to the map of mutual pairs."""

from __future__ import annotations

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


def _evidence(nearest: Tensor, similarity: Tensor | None) -> Evidence:
    if similarity is None:
        similarity = torch.full(nearest.shape, torch.nan, dtype=torch.float32, device=nearest.device)
    return Evidence(nearest, similarity)
