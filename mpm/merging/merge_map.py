"""Merges as data: an integer map old token -> merged token, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class MergeMap:
    """Which old token became which merged token, for a batch.

    index       (B, N) int64: old token -> merged token; -1 for rows that take no part (padding)
    counts      (B,) int64: merged tokens of each image
    partner     (B, N) int64: the other token of a pair, -1 for none; absent from composed and custom maps
    nearest     (B, N) int64: b(i), the most similar other token (i itself when there is no other)
    similarity  (B, N) float32: cosine similarity to `nearest`
    composed    True when the map spans several insertions: merging is then undefined

    Shapes and types are checked when a map is made, and on CPU the values too (on an accelerator that would
    stall the device).
    """

    index: Tensor
    counts: Tensor
    partner: Tensor | None = None
    nearest: Tensor | None = None
    similarity: Tensor | None = None
    composed: bool = False

    def __post_init__(self) -> None:
        if self.index.ndim != 2 or self.index.dtype != torch.int64:
            raise ValueError(f"index must be (B, N) int64, but got {_describe(self.index)}")
        if self.counts.shape != self.index.shape[:1] or self.counts.dtype != torch.int64:
            raise ValueError(f"counts must be (B,) int64, but got {_describe(self.counts)}")
        for name in ("partner", "nearest", "similarity"):
            value = getattr(self, name)
            if value is not None and value.shape != self.index.shape:
                raise ValueError(f"{name} must be shaped like index, but got {_describe(value)}")
        if self.index.device.type == "cpu" and self.index.numel():
            self._check_values()

    def _check_values(self) -> None:
        if bool((self.index < -1).any()) or bool((self.index.amax(1) >= self.counts.clamp(min=1)).any()):
            raise ValueError("index must hold merged tokens 0 to counts - 1, or -1 for rows without a part")

    def merge(self, tokens: Tensor, width: int | None = None) -> Tensor:
        """Plain means of merged tokens, raster order kept: (B, N, C) -> (B, M, C), M = counts.max().

        Rows past an image's count are zero. Means are taken in float32 (float64 for float64 tokens) and come
        back in the tokens' type. Who knows M already gives it as `width`, so that the host need not wait for
        the device to say. Raises ValueError for a composed map: the mean of a composed group is not
        the mean of means.
        """
        if self.composed:
            raise ValueError("a composed map cannot merge: the mean of a group is not the mean of means")
        self._check_rows(tokens, self.index.shape[1], "N")
        width = self._width() if width is None else width
        wide = tokens.to(torch.promote_types(tokens.dtype, torch.float32))
        merged = (
            self._mean_of_groups(wide, width) if self.partner is None else self._mean_of_pairs(wide, width)
        )
        return merged.to(tokens.dtype)

    def reconstruct(self, merged: Tensor) -> Tensor:
        """One gather back to the old tokens: (B, M, C) -> (B, N, C), zeros where a row took no part."""
        self._check_rows(merged, None, "M")
        restored = _take(merged, self.index.clamp(min=0))
        return restored * (self.index >= 0).unsqueeze(-1) if self._may_have_padding() else restored

    def compose(self, later: MergeMap) -> MergeMap:
        """The map from this map's old tokens to `later`'s merged tokens. It cannot merge."""
        if later.index.shape[0] != self.index.shape[0]:
            raise ValueError(
                f"maps of {self.index.shape[0]} and {later.index.shape[0]} images cannot be composed"
            )
        index = later.index.gather(1, self.index.clamp(min=0))
        return MergeMap(torch.where(self.index < 0, self.index, index), later.counts, composed=True)

    def group_sizes(self) -> Tensor:
        """Old tokens in each merged token: (B, M) int64, 0 past an image's count."""
        width = self._width()
        sizes = self.index.new_zeros(self.index.shape[0], width + 1)
        # Rows without a part are counted in an extra last column, cut off below.
        slots = torch.where(self.index < 0, width, self.index)
        return sizes.scatter_add_(1, slots, torch.ones_like(slots))[:, :width]

    def representatives(self, width: int | None = None) -> Tensor:
        """Smallest old token of each merged token: (B, M) int64, 0 past an image's count."""
        width = self._width() if width is None else width
        order = torch.arange(self.index.shape[1], device=self.index.device).expand_as(self.index)
        first = self.index.new_zeros(self.index.shape[0], width + 1)
        if self.partner is None:
            slots = torch.where(self.index < 0, width, self.index)
            return first.scatter_reduce_(1, slots, order, "amin", include_self=False)[:, :width]
        # One token a group: nobody writes where another does, save into the extra column.
        smallest = ((self.partner < 0) | (order < self.partner)) & (self.index >= 0)
        return first.scatter_(1, torch.where(smallest, self.index, width), order)[:, :width]

    def _width(self) -> int:
        return int(self.counts.max()) if self.counts.numel() else 0

    def _mean_of_pairs(self, tokens: Tensor, width: int) -> Tensor:
        own = self.representatives(width)
        mate = self.partner.gather(1, own)
        mate = torch.where(mate < 0, own, mate)
        # Halves before the sum: exact for a token with itself, and no overflow near the type's limit.
        merged = torch.add(0.5 * _take(tokens, own), _take(tokens, mate), alpha=0.5)
        if not self._may_have_padding() and self.index.shape[0] == 1:
            return merged
        inside = torch.arange(width, device=tokens.device) < self.counts.unsqueeze(1)
        return torch.where(inside.unsqueeze(-1), merged, 0)

    def _mean_of_groups(self, tokens: Tensor, width: int) -> Tensor:
        batch, _, channels = tokens.shape
        slots = torch.where(self.index < 0, width, self.index).unsqueeze(-1).expand_as(tokens)
        sums = tokens.new_zeros(batch, width + 1, channels).scatter_add_(1, slots, tokens)[:, :width]
        return sums / self.group_sizes().clamp(min=1).unsqueeze(-1)

    def _may_have_padding(self) -> bool:
        return self.index.device.type != "cpu" or bool((self.index < 0).any())

    def _check_rows(self, tokens: Tensor, rows: int | None, letter: str) -> None:
        batch = self.index.shape[0]
        if tokens.ndim != 3 or tokens.shape[0] != batch or (rows is not None and tokens.shape[1] != rows):
            expected = f"({batch}, {rows if rows is not None else letter}, C)"
            raise ValueError(f"tokens must be {expected}, but got {tuple(tokens.shape)}")


def _take(tokens: Tensor, index: Tensor) -> Tensor:
    """Rows of each image: (B, N, C), (B, K) -> (B, K, C)."""
    if tokens.shape[0] == 1:  # index_select copies whole rows: several times faster than gather on CPU
        return tokens[0].index_select(0, index[0]).unsqueeze(0)
    return tokens.gather(1, index.unsqueeze(-1).expand(-1, -1, tokens.shape[2]))


def _describe(value: Tensor) -> str:
    return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
