"""Merges as data: an integer map old token -> merged token, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
"""Types that may number groups."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a rule looked at, over the old tokens of an insertion. Nothing of it changes the map.

    nearest     (B, N) int64: the other token that was looked at, the most similar one; itself where none was
    similarity  (B, N) float32: cosine similarity to `nearest`
    joined      (B, N) int64: the token that it joined, -1 for none; left out, partners or group mates say so

    >>> import torch
    >>> import mpm
    >>> evidence = mpm.mutual_pairs(torch.tensor([[[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]]])).evidence
    >>> evidence.nearest
    tensor([[2, 2, 0]])
    >>> evidence.similarity.shape
    torch.Size([1, 3])
    """

    nearest: Tensor
    similarity: Tensor
    joined: Tensor | None = None


@dataclass(frozen=True, eq=False)
class MergeMap:
    """Which old token became which merged token, for a batch.

    index     (B, N) int64: old token -> merged token; -1 for rows that take no part (padding)
    counts    (B,) int64: merged tokens of each image
    partner   (B, N) int64: the other token of a pair, -1 for none; only of maps in which all groups are pairs
    evidence  what the rule looked at, where it says so
    composed  True when the map spans several insertions: merging is then undefined
    apart     (B, N) bool: tokens that the rule merged and rounding left apart, see `rounded_up`; None: nobody

    Shapes and types are checked when a map is made, and on CPU the values too (on an accelerator that would
    stall the device). Raises ValueError.

    >>> import torch
    >>> import mpm
    >>> found = mpm.MergeMap.from_groups(torch.tensor([[0, 1, 0, 2]]))
    >>> found.index
    tensor([[0, 1, 0, 2]])
    >>> tokens = torch.tensor([[[1.0], [5.0], [3.0], [7.0]]])
    >>> merged = found.merge(tokens)
    >>> merged.flatten().tolist()
    [2.0, 5.0, 7.0]
    >>> found.reconstruct(merged).flatten().tolist()
    [2.0, 5.0, 2.0, 7.0]
    """

    index: Tensor
    counts: Tensor
    partner: Tensor | None = None
    evidence: Evidence | None = None
    composed: bool = False
    apart: Tensor | None = None

    def __post_init__(self) -> None:
        if self.index.ndim != 2 or self.index.dtype != torch.int64:
            raise ValueError(f"Index must be (B, N) int64, but got {_describe(self.index)}.")
        if self.counts.shape != self.index.shape[:1] or self.counts.dtype != torch.int64:
            raise ValueError(f"Counts must be (B,) int64, but got {_describe(self.counts)}.")
        for name in ("partner", "nearest", "similarity", "apart"):
            value = getattr(self, name)
            if value is not None and value.shape != self.index.shape:
                raise ValueError(f"{name} must be shaped like index, but got {_describe(value)}.")
        if self.index.device.type == "cpu" and self.index.numel():
            self._check_values()

    @classmethod
    def from_groups(
        cls, groups: Tensor, counts: Tensor | None = None, evidence: Evidence | None = None
    ) -> MergeMap:
        """The map in which equal numbers become one token, at the place of the smallest member.

        groups: (B, N) integers, any numbers, compared within an image; raster order is kept. counts: (B,)
        int64, rows at or past counts[b] take no part (index -1). Raises ValueError for other shapes or types.

        >>> import torch
        >>> import mpm
        >>> mpm.MergeMap.from_groups(torch.tensor([[7, 3, 7, 9]])).index
        tensor([[0, 1, 0, 2]])
        """
        if groups.ndim != 2 or groups.dtype not in INTEGERS:
            raise ValueError(f"Groups must be (B, N) integers, but got {_describe(groups)}.")
        return cls._from_first(_first_of_each_group(groups), counts, evidence)

    @classmethod
    def from_small_groups(
        cls, groups: Tensor, counts: Tensor | None = None, evidence: Evidence | None = None
    ) -> MergeMap:
        """The same for groups (B, N) int64 with numbers of 0 to N - 1 only: nothing needs to be sorted."""
        order = torch.arange(groups.shape[1], device=groups.device).expand_as(groups)
        first = torch.zeros_like(groups).scatter_reduce_(1, groups, order, "amin", include_self=False)
        return cls._from_first(first.gather(1, groups), counts, evidence)

    @classmethod
    def _from_first(cls, first: Tensor, counts: Tensor | None, evidence: Evidence | None) -> MergeMap:
        """first: (B, N) int64, the smallest member of each token's group."""
        keeps_place = first == torch.arange(first.shape[1], device=first.device)
        if counts is not None:
            inside = rows_inside(first, counts)
            keeps_place &= inside
        index = (keeps_place.cumsum(1) - 1).gather(1, first)
        if counts is not None:
            index = torch.where(inside, index, -1)
        return cls(index, keeps_place.sum(1), evidence=evidence)

    @property
    def nearest(self) -> Tensor | None:
        """(B, N) int64 of the evidence, None where there is none."""
        return None if self.evidence is None else self.evidence.nearest

    @property
    def similarity(self) -> Tensor | None:
        """(B, N) float32 of the evidence, None where there is none."""
        return None if self.evidence is None else self.evidence.similarity

    def _check_values(self) -> None:
        if bool((self.index < -1).any()) or bool((self.index.amax(1) >= self.counts.clamp(min=1)).any()):
            raise ValueError("Index must hold merged tokens 0 to counts - 1, or -1 for rows without a part.")

    def merge(self, tokens: Tensor, width: int | None = None, sizes: Tensor | None = None) -> Tensor:
        """Means of merged tokens, raster order kept: (B, N, C) -> (B, M, C), M = counts.max().

        Rows past an image's count are zero. Means are plain, or with `sizes` (B, N) weighted by how many
        patches each token stands for. They are taken in float32 (float64 for float64 tokens) and come
        back in the tokens' type. Who knows M already gives it as `width`, so that the host need not wait for
        the device to say. Raises ValueError for a composed map: the mean of a composed group is not
        the mean of means.

        >>> import torch
        >>> import mpm
        >>> pair = mpm.MergeMap.from_groups(torch.tensor([[0, 0]]))
        >>> tokens = torch.tensor([[[0.0], [4.0]]])
        >>> pair.merge(tokens).item()
        2.0
        >>> pair.merge(tokens, sizes=torch.tensor([[1, 3]])).item()
        3.0
        """
        if self.composed:
            raise ValueError("A composed map cannot merge: the mean of a group is not the mean of means.")
        self._check_rows(tokens, self.index.shape[1], "N")
        width = self._width() if width is None else width
        wide = tokens.to(torch.promote_types(tokens.dtype, torch.float32))
        if sizes is not None and sizes.shape != self.index.shape:
            raise ValueError(f"Sizes must be {tuple(self.index.shape)}, but got {tuple(sizes.shape)}.")
        if self.partner is None:
            merged = self._mean_of_groups(wide, width, sizes)
        else:
            merged = self._mean_of_pairs(self.partner, wide, width, sizes)
        return merged.to(tokens.dtype)

    def reconstruct(self, merged: Tensor) -> Tensor:
        """One gather back to the old tokens: (B, M, C) -> (B, N, C), zeros where a row took no part."""
        self._check_rows(merged, None, "M")
        restored = _take(merged, self.index.clamp(min=0))
        return restored * (self.index >= 0).unsqueeze(-1) if self._may_have_padding() else restored

    def compose(self, later: MergeMap) -> MergeMap:
        """The map from this map's old tokens to `later`'s merged tokens. It cannot merge.

        Raises ValueError for maps of batches that differ in size.

        >>> import torch
        >>> import mpm
        >>> first = mpm.MergeMap.from_groups(torch.tensor([[0, 0, 1, 2]]))
        >>> later = mpm.MergeMap.from_groups(torch.tensor([[0, 1, 0]]))
        >>> first.compose(later).index
        tensor([[0, 0, 1, 0]])
        """
        if later.index.shape[0] != self.index.shape[0]:
            raise ValueError(
                f"Maps of {self.index.shape[0]} and {later.index.shape[0]} images cannot be composed."
            )
        index = later.index.gather(1, self.index.clamp(min=0))
        return MergeMap(torch.where(self.index < 0, self.index, index), later.counts, composed=True)

    def group_sizes(self, width: int | None = None) -> Tensor:
        """Old tokens in each merged token: (B, M) int64, 0 past an image's count.

        >>> import torch
        >>> import mpm
        >>> mpm.MergeMap.from_groups(torch.tensor([[0, 1, 0, 2]])).group_sizes()
        tensor([[2, 1, 1]])
        """
        width = self._width() if width is None else width
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

    def _mean_of_pairs(self, partner: Tensor, tokens: Tensor, width: int, sizes: Tensor | None) -> Tensor:
        own = self.representatives(width)
        mate = partner.gather(1, own)
        mate = torch.where(mate < 0, own, mate)
        if sizes is None:
            # Halves before the sum: exact for a token with itself, and no overflow near the type's limit.
            merged = torch.add(0.5 * _take(tokens, own), _take(tokens, mate), alpha=0.5)
        else:
            weight = sizes.gather(1, own).to(tokens.dtype).unsqueeze(-1)
            share = weight / (weight + sizes.gather(1, mate).unsqueeze(-1)).clamp(min=1)
            merged = share * _take(tokens, own) + (1 - share) * _take(tokens, mate)
        if not self._may_have_padding() and self.index.shape[0] == 1:
            return merged
        inside = torch.arange(width, device=tokens.device) < self.counts.unsqueeze(1)
        return torch.where(inside.unsqueeze(-1), merged, 0)

    def _mean_of_groups(self, tokens: Tensor, width: int, sizes: Tensor | None) -> Tensor:
        if sizes is None:
            return self._sum_of_groups(tokens, width) / self.group_sizes(width).clamp(min=1).unsqueeze(-1)
        weights = sizes.to(tokens.dtype).unsqueeze(-1)
        total = _take(self._sum_of_groups(weights, width), self.index.clamp(min=0))
        # Shares before the sum: a token alone has a share of exactly 1.
        return self._sum_of_groups(weights / total.clamp(min=1) * tokens, width)

    def _sum_of_groups(self, tokens: Tensor, width: int) -> Tensor:
        """(B, N, C) -> (B, M, C)."""
        batch, _, channels = tokens.shape
        slots = torch.where(self.index < 0, width, self.index).unsqueeze(-1).expand_as(tokens)
        return tokens.new_zeros(batch, width + 1, channels).scatter_add_(1, slots, tokens)[:, :width]

    def _may_have_padding(self) -> bool:
        return self.index.device.type != "cpu" or bool((self.index < 0).any())

    def _check_rows(self, tokens: Tensor, rows: int | None, letter: str) -> None:
        batch = self.index.shape[0]
        if tokens.ndim != 3 or tokens.shape[0] != batch or (rows is not None and tokens.shape[1] != rows):
            expected = f"({batch}, {rows if rows is not None else letter}, C)"
            raise ValueError(f"Tokens must be {expected}, but got {tuple(tokens.shape)}.")


def rows_inside(like: Tensor, counts: Tensor | None) -> Tensor:
    """(B, N) bool: which rows take part, for (B, N) of any type and counts (B,) or None for all."""
    if counts is None:
        return torch.ones(like.shape, dtype=torch.bool, device=like.device)
    return torch.arange(like.shape[1], device=like.device) < counts.unsqueeze(1)


def _first_of_each_group(groups: Tensor) -> Tensor:
    """(B, N) int64: the smallest old token with the same number."""
    # A stable sort keeps the old order among equal numbers, so padding never comes before a real token.
    ordered, order = groups.sort(dim=1, stable=True)
    starts = torch.ones_like(groups, dtype=torch.bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    run = torch.where(starts, torch.arange(groups.shape[1], device=groups.device), 0).cummax(1).values
    return torch.empty_like(order).scatter_(1, order, order.gather(1, run))


def _take(tokens: Tensor, index: Tensor) -> Tensor:
    """Rows of each image: (B, N, C), (B, K) -> (B, K, C)."""
    if tokens.shape[0] == 1:  # index_select copies whole rows: several times faster than gather on CPU
        return tokens[0].index_select(0, index[0]).unsqueeze(0)
    return tokens.gather(1, index.unsqueeze(-1).expand(-1, -1, tokens.shape[2]))


def _describe(value: Tensor) -> str:
    return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
