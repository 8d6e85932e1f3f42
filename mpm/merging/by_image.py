"""Rules that look at one image at a time, so that batch-mates cannot change a bit.

Shapes: B images, N tokens, C channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from mpm.merging.exact_float32 import exact_float32
from mpm.merging.merge_map import Evidence, MergeMap
from mpm.merging.search import check_tokens, normalise


class Choice(NamedTuple):
    """What a rule chose in one image, all (N,).

    groups      0 to N - 1: tokens with equal ones become one
    nearest, similarity, joined  as in `Evidence`
    """

    groups: Tensor
    nearest: Tensor
    similarity: Tensor
    joined: Tensor | None = None


def nothing_merges(units: Tensor) -> Choice:
    """Each token (N, C) for itself: also what a rule begins with."""
    order = torch.arange(len(units), device=units.device)
    similarity = torch.full((len(units),), -torch.inf, device=units.device, dtype=torch.float32)
    return Choice(order, order, similarity)


def choose_by_image(
    tokens: Tensor, counts: Tensor | None, choose: Callable[[Tensor, int], Choice]
) -> MergeMap:
    """Ask `choose` for each image: its tokens at unit length (N, C) in exact float32, its number.

    Raises ValueError as `mutual_pairs` does.
    """
    counts = check_tokens(tokens, counts)
    rows = tokens.shape[1]
    lengths = image_lengths(tokens, counts)
    with exact_float32(tokens.device):
        chosen = [choose(normalise(tokens[image, :length]), image) for image, length in enumerate(lengths)]
    groups, nearest, similarity, joined = (_stacked(parts, rows) for parts in zip(*chosen, strict=True))
    if groups is None or nearest is None or similarity is None:
        raise ValueError("A choice needs its groups, nearest and similarity.")
    return MergeMap.from_small_groups(groups, counts, Evidence(nearest, similarity, joined))


def image_lengths(tokens: Tensor, counts: Tensor | None) -> list[int]:
    """Tokens of each image, padding left out."""
    return [tokens.shape[1]] * len(tokens) if counts is None else counts.tolist()


def _stacked(parts: tuple[Tensor | None, ...], rows: int) -> Tensor | None:
    """(B, N) from one (n,) an image; None where an image has none."""
    there = [part for part in parts if part is not None]
    if len(there) < len(parts):
        return None
    if len(there) == 1 and len(there[0]) == rows:
        return there[0].unsqueeze(0)
    return torch.stack([torch.nn.functional.pad(one, (0, rows - len(one))) for one in there])
