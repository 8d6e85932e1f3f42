"""Who pairs with whom: mutual nearest neighbours by cosine similarity.

Source of the method: Ravé, Rasti, Rousseau, "MPM: Mutual Pair Merging for Efficient Vision Transformers",
arXiv 2604.05718. Shapes: B images, N tokens, C channels.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap

Merger = Callable[[Tensor, "Tensor | None", "Grid | None"], MergeMap]
"""tokens (B, N, C), counts (B,) or None, grid -> MergeMap. `mutual_pairs` is the default everywhere."""

Search = Callable[[Tensor, int], tuple[Tensor, Tensor]]
"""Unit-length rows (N, C) of an image, its number in the batch -> b(i) (N,) int64, similarity (N,)."""

TILE_ELEMENTS = 1 << 22
"""Similarities held at a time: 16 MB. Larger tiles make no faster products, smaller ones slower."""


@torch.no_grad()
def mutual_pairs(tokens: Tensor, counts: Tensor | None = None, grid: Grid | None = None) -> MergeMap:
    """Pair tokens that are each other's nearest neighbour; everyone else is kept.

    tokens: (B, N, C) patch tokens of any floating type; the match is done in float32. counts: (B,), rows at
    or past counts[b] take no part (index -1). With b(i) the most similar other token of i (first index wins
    a tie), i and j pair iff i != j, b(i) = j and b(j) = i. A pair keeps the place of its smaller index and
    raster order is kept. The grid is not needed: nothing forces pairs to be neighbours.

    Raises ValueError for wrong shapes or types and for NaN or infinite tokens.
    """
    counts = check_tokens(tokens, counts)
    nearest, similarity = _nearest(tokens, counts)
    return pair_up(nearest, similarity, counts)


@torch.no_grad()
def random_pairs(
    tokens: Tensor, counts: Tensor | None = None, grid: Grid | None = None, *, seed: int = 0
) -> MergeMap:
    """The control: as many pairs as `mutual_pairs` finds, drawn at random. Shows what choosing well is worth.

    The same seed and token count give the same pairs, alone or in a batch. `nearest` and `similarity` are
    those of the search. Raises as `mutual_pairs` does.
    """
    found = mutual_pairs(tokens, counts, grid)
    partner = torch.full_like(found.index, -1)
    for image in range(tokens.shape[0]):
        rows = int((found.index[image] >= 0).sum())
        pairs = rows - int(found.counts[image])
        drawn = np.random.default_rng((seed, rows)).permutation(rows)[: 2 * pairs].reshape(2, pairs)
        first, second = torch.from_numpy(drawn).to(tokens.device)
        partner[image, first], partner[image, second] = second, first
    return _map_from_partners(partner, found.index >= 0, found.nearest, found.similarity)


def pair_up(nearest: Tensor, similarity: Tensor | None = None, counts: Tensor | None = None) -> MergeMap:
    """The map that mutual choices define: nearest (B, N) int64, rows at or past counts[b] take no part."""
    order = torch.arange(nearest.shape[1], device=nearest.device).expand_as(nearest)
    inside = order < counts.unsqueeze(1) if counts is not None else torch.ones_like(nearest, dtype=torch.bool)
    mutual = (nearest.gather(1, nearest) == order) & (nearest != order) & inside
    partner = torch.where(mutual, nearest, -1)
    return _map_from_partners(partner, inside, nearest, similarity)


def _map_from_partners(
    partner: Tensor, inside: Tensor, nearest: Tensor | None, similarity: Tensor | None
) -> MergeMap:
    order = torch.arange(partner.shape[1], device=partner.device).expand_as(partner)
    keeps_place = ((partner < 0) | (order < partner)) & inside
    place = keeps_place.cumsum(1) - 1
    index = torch.where(keeps_place, place, place.gather(1, partner.clamp(min=0)))
    index = torch.where(inside, index, -1)
    return MergeMap(index, keeps_place.sum(1), partner, nearest, similarity)


def check_tokens(tokens: Tensor, counts: Tensor | None) -> Tensor | None:
    """The counts, where tokens and counts are what a merger takes. Raises ValueError."""
    if tokens.ndim != 3 or not tokens.is_floating_point():
        kind = str(tokens.dtype).removeprefix("torch.")
        raise ValueError(f"tokens must be (B, N, C) floating point, but got {tuple(tokens.shape)} {kind}")
    if tokens.shape[1] == 0 or tokens.shape[2] == 0:
        raise ValueError(
            f"tokens must be (B, N, C) with N and C of at least 1, but got {tuple(tokens.shape)}"
        )
    if counts is None:
        return None
    if counts.shape != tokens.shape[:1] or counts.dtype != torch.int64:
        raise ValueError(
            f"counts must be ({tokens.shape[0]},) int64, but got {tuple(counts.shape)} {counts.dtype}"
        )
    if counts.device.type == "cpu" and bool(((counts < 0) | (counts > tokens.shape[1])).any()):
        raise ValueError(f"counts must be 0 to {tokens.shape[1]}, but got {counts.tolist()}")
    return counts


def _nearest(tokens: Tensor, counts: Tensor | None) -> tuple[Tensor, Tensor]:
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
    similarity = torch.full((batch, rows), -torch.inf, device=tokens.device)
    for image, length in enumerate(lengths):
        units = normalise(tokens[image, :length])
        if length > 1:
            found = _search(units) if search is None else search(units, image)
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

    Raises ValueError for NaN or infinite tokens.
    """
    tokens = tokens.float()
    norms = torch.linalg.vector_norm(tokens, dim=-1, keepdim=True)
    # NaN and infinity reach the norms, so one small sum asks all tokens at once.
    if not bool(torch.isfinite(norms.sum())):
        if not bool(torch.isfinite(tokens).all()):
            raise ValueError("tokens must be finite, but got NaN or infinity")
        # Finite but huge, their squares overflow: bring the largest entry of a row to 1 first.
        tokens = tokens / tokens.abs().amax(-1, keepdim=True).clamp(min=1)
        norms = torch.linalg.vector_norm(tokens, dim=-1, keepdim=True)
    return tokens / norms.clamp(min=1e-12)


def _search(units: Tensor) -> tuple[Tensor, Tensor]:
    """Best other row by dot product: (N, C) -> (N,) int64, (N,) float32. Memory O(N x tile)."""
    rows = units.shape[0]
    step = max(1, TILE_ELEMENTS // rows)
    best = [_search_tile(units, start, min(start + step, rows)) for start in range(0, rows, step)]
    values, indices = zip(*best, strict=True)
    return torch.cat(indices), torch.cat(values)


def _search_tile(units: Tensor, start: int, stop: int) -> tuple[Tensor, Tensor]:
    tile = units[start:stop] @ units.T
    tile.diagonal(offset=start).fill_(-torch.inf)
    return tile.max(dim=1)  # of equal values the first index


@contextmanager
def exact_float32(device: torch.device):
    """No autocast and no TF32 inside: a bfloat16 similarity changes about 9 % of the choices."""
    with torch.autocast(device.type, enabled=False):
        if device.type != "cuda":
            yield
            return
        with _EXACT_MATMUL:
            yield


class _ExactMatmul:
    """TF32 is off while any thread is inside, and as it was before once the last one has left.

    The switch is the whole process', so this is, too: threads that each kept and restored it for themselves
    would turn TF32 on while another still matches, or leave it off for good.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before: object = None

    def __enter__(self) -> None:
        matmul = torch.backends.cuda.matmul
        name, exact = _precision_switch(matmul)
        with self._lock:
            if not self._inside:
                self._before = getattr(matmul, name)
                setattr(matmul, name, exact)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        matmul = torch.backends.cuda.matmul
        with self._lock:
            self._inside -= 1
            if not self._inside:
                setattr(matmul, _precision_switch(matmul)[0], self._before)


def _precision_switch(matmul: object) -> tuple[str, object]:
    """Name and exact value of torch's switch for TF32: torch 2.9 renamed it."""
    return ("fp32_precision", "ieee") if hasattr(matmul, "fp32_precision") else ("allow_tf32", False)


_EXACT_MATMUL = _ExactMatmul()
