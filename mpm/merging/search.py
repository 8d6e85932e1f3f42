"""The search for each token's most similar other, by cosine similarity in exact float32.

Shapes: B images, N tokens, C channels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mpm.errors import InputError
from mpm.merging.exact_float32 import exact_float32
from mpm.merging.row_best import row_best

Search = Callable[[Tensor, int], tuple[Tensor, Tensor]]
"""Unit-length rows (N, C) of an image, its number in the batch -> b(i) (N,) int64, similarity (N,)."""

TILE_ELEMENTS = 1 << 22
"""Similarities held at a time: 16 MB. Larger tiles make no faster products, smaller ones slower."""


def check_tokens(tokens: Tensor, counts: Tensor | None) -> Tensor | None:
    """The counts, where tokens and counts are what a merger takes. Raises ValueError."""
    if tokens.ndim != 3 or not tokens.is_floating_point():
        kind = str(tokens.dtype).removeprefix("torch.")
        raise ValueError(f"Tokens must be (B, N, C) floating point, but got {tuple(tokens.shape)} {kind}.")
    if tokens.shape[1] == 0 or tokens.shape[2] == 0:
        raise ValueError(
            f"Tokens must be (B, N, C) with N and C of at least 1, but got {tuple(tokens.shape)}."
        )
    if counts is None:
        return None
    if counts.shape != tokens.shape[:1] or counts.dtype != torch.int64:
        raise ValueError(
            f"Counts must be ({tokens.shape[0]},) int64, but got {tuple(counts.shape)} {counts.dtype}."
        )
    if counts.device.type == "cpu" and bool(((counts < 0) | (counts > tokens.shape[1])).any()):
        raise ValueError(f"Counts must be 0 to {tokens.shape[1]}, but got {counts.tolist()}.")
    return counts


def find_nearest(tokens: Tensor, counts: Tensor | None) -> tuple[Tensor, Tensor]:
    """b(i) and its similarity for every image: (B, N) int64, (B, N) float32."""
    with exact_float32(tokens.device):
        if tokens.device.type == "cpu":
            return nearest_one_by_one(tokens, counts)
        return _nearest_together(tokens, counts)


def nearest_one_by_one(
    tokens: Tensor, counts: Tensor | None, search: Search | None = None
) -> tuple[Tensor, Tensor]:
    """Images are searched each over its own rows only: a batch-mate cannot change a single bit.

    search: another way to search an image than over all its rows.
    """
    batch, rows, _ = tokens.shape
    lengths = [rows] * batch if counts is None else counts.tolist()
    nearest = torch.arange(rows, device=tokens.device).repeat(batch, 1)
    similarity = torch.full((batch, rows), -torch.inf, dtype=torch.float32, device=tokens.device)
    for image, length in enumerate(lengths):
        units = normalise(tokens[image, :length])
        if length > 1:
            found = best_other(units) if search is None else search(units, image)
            nearest[image, :length], similarity[image, :length] = found
    return nearest, similarity


def _nearest_together(tokens: Tensor, counts: Tensor | None) -> tuple[Tensor, Tensor]:
    """All images at once, as accelerators like it: a few launches a tile, the host waits once."""
    batch, rows, _ = tokens.shape
    order = torch.arange(rows, device=tokens.device)
    outside = None if counts is None else (order >= counts.unsqueeze(1)).unsqueeze(1)
    if outside is not None:
        tokens = tokens.masked_fill(outside.mT, 0)
    units = normalise(tokens)
    step = max(1, 16 * TILE_ELEMENTS // (batch * rows))
    best = []
    for start in range(0, rows, step):
        tile = units[:, start : start + step] @ units.mT
        tile.diagonal(offset=start, dim1=1, dim2=2).fill_(-torch.inf)
        best.append((tile if outside is None else tile.masked_fill_(outside, -torch.inf)).max(2))
    values, indices = (torch.cat(parts, 1) for parts in zip(*best, strict=True))
    # Where there is nobody else, a token is its own nearest.
    return torch.where(values == -torch.inf, order, indices), values


def normalise(tokens: Tensor) -> Tensor:
    """Rows of unit length in float32: (..., N, C) -> (..., N, C); a zero row stays zero.

    Raises InputError for NaN or infinite tokens.
    """
    tokens = tokens.float()
    norms = torch.linalg.vector_norm(tokens, dim=-1, keepdim=True)
    # NaN and infinity reach the norms, so one small sum asks all tokens at once.
    if not bool(torch.isfinite(norms.sum())):
        if not bool(torch.isfinite(tokens).all()):
            raise InputError("Tokens must be finite, but got NaN or infinity")
        # Finite but huge, their squares overflow: bring the largest entry of a row to 1 first.
        tokens = tokens / tokens.abs().amax(-1, keepdim=True).clamp(min=1)
        norms = torch.linalg.vector_norm(tokens, dim=-1, keepdim=True)
    return tokens / norms.clamp(min=1e-12)


def best_other(units: Tensor) -> tuple[Tensor, Tensor]:
    """Best other row by dot product: (N, C) -> (N,) int64, (N,) float32. Memory O(N x tile)."""
    rows = units.shape[0]
    step = max(1, TILE_ELEMENTS // rows)
    best = [_search_tile(units, start, min(start + step, rows)) for start in range(0, rows, step)]
    values, indices = zip(*best, strict=True)
    return torch.cat(indices), torch.cat(values)


def _search_tile(units: Tensor, start: int, stop: int) -> tuple[Tensor, Tensor]:
    tile = units[start:stop] @ units.T
    tile.diagonal(offset=start).fill_(-torch.inf)
    return row_best(tile)
