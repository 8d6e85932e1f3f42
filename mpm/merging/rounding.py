"""Friendly lengths: the number of tokens that an insertion leaves, rounded up to a multiple.

Runtimes that compile or plan per length (OpenVINO, TensorRT, CUDA graphs, static `torch.compile`) meet few
lengths instead of one a picture. No token is made up and none is masked: those that are least alike simply
stay apart. Shapes: B images, N tokens in.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from mpm.merging.merge_map import Evidence, MergeMap


def rounded_up(found: MergeMap, multiple: int) -> MergeMap:
    """The map with its least similar members left apart, until each image's count is a multiple.

    Of each group all but one may leave: those that joined another, else all but the first. Whoever leaves
    adds one token, and nobody else changes. The order is by `similarity` of the evidence, the lowest first,
    of equal ones (and where nothing is known) the last in raster order first. Where there are too few tokens
    to reach the next multiple, nothing merges. `apart` of the new map says who shared a token and no longer
    does. Each image is rounded for itself; the host does not wait for the device.

    multiple: 1 or more, of patch tokens. Prefix tokens (class, registers) and queries come on top: their
    number is the model's and the same for all pictures, so the lengths that a runtime sees are as few, a
    recipe merges the same whatever stands before the patches, and an unmerged grid of whole multiples keeps
    its length.
    """
    if multiple == 1:
        return found
    before = (found.index >= 0).sum(1)
    wanted = torch.minimum((found.counts + multiple - 1) // multiple * multiple, before)
    leaves = _least_alike(_may_leave(found), found.similarity, wanted - found.counts)
    return _without(found, leaves, before)


def _may_leave(found: MergeMap) -> Tensor:
    """Whose leaving adds one token, all of a group but one: (B, N) bool."""
    index, inside = found.index, found.index >= 0
    seen = index.cummax(1).values
    is_first = inside.clone()
    is_first[:, 1:] &= index[:, 1:] > seen[:, :-1]
    joined = None if found.evidence is None else found.evidence.joined
    if joined is None:
        return inside & ~is_first
    # A rule of somebody's own may say anything: where not just one of a group waited, all but the first go.
    waits = (joined < 0) & inside
    slots = index.clamp(min=0)
    number = torch.zeros_like(index).scatter_add_(1, slots, waits.long()).gather(1, slots)
    return inside & ~torch.where(number == 1, waits, is_first)


def _least_alike(members: Tensor, similarity: Tensor | None, numbers: Tensor) -> Tensor:
    """Of members (B, N) bool so many (B,) with the lowest similarity, of equal ones the last: (B, N) bool."""
    known = torch.zeros(members.shape, device=members.device) if similarity is None else similarity
    order_by = torch.where(members, known.nan_to_num(nan=-torch.inf, neginf=-torch.inf), torch.inf)
    # Turned around, a stable sort takes the last of equal ones first.
    rank = order_by.flip(1).sort(dim=1, stable=True).indices.argsort(1).flip(1)
    return members & (rank < numbers.unsqueeze(1))


def _without(found: MergeMap, leaves: Tensor, before: Tensor) -> MergeMap:
    """The map whose members (B, N) bool left their groups. before: tokens in, (B,)."""
    index, width = found.index, found.index.shape[1]
    order = torch.arange(width, device=index.device).expand_as(index)
    slots = index.clamp(min=0)
    # A group is named after its last member that stays: no leaver's own number is that.
    stays = torch.where(leaves | (index < 0), -1, order)
    name = torch.full_like(index, -1).scatter_reduce_(1, slots, stays, "amax").gather(1, slots)
    groups = torch.where(leaves | (index < 0), order, name)
    made = MergeMap.from_small_groups(groups, before, _evidence(found.evidence, leaves))
    apart = _is_shared(found, width) & ~_is_shared(made, width)
    partner = None if found.partner is None else torch.where(apart, -1, found.partner)
    return replace(made, partner=partner, apart=apart)


def _evidence(evidence: Evidence | None, leaves: Tensor) -> Evidence | None:
    if evidence is None or evidence.joined is None:
        return evidence
    return replace(evidence, joined=torch.where(leaves, -1, evidence.joined))


def _is_shared(merge_map: MergeMap, width: int) -> Tensor:
    """Who shares a token with others: (B, N) bool."""
    sizes = merge_map.group_sizes(width).gather(1, merge_map.index.clamp(min=0))
    return (sizes > 1) & (merge_map.index >= 0)
