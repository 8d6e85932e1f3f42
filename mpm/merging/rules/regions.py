"""Regions: touching patches that are each other's most similar grow together, round by round, at once.

Average linkage on the graph of touching groups: two groups are as alike as the patches along their border
are on average. With such a linkage, merging mutual best neighbours gives the agglomerative tree whatever the
order (Murtagh, "A survey of recent advances in hierarchical clustering algorithms", 1983); the limit on a
region's size cuts it before one swallows what differs. Only neighbours are compared, and only once: the cost
grows with N, not with its square. Shapes: N tokens, C channels, E places where two tokens touch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, reduce
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
from mpm.merging.search import check_tokens, normalise
from mpm.merging.stage import MergeStage

MOST_ROUNDS = 32
"""A slope of similarities could ask for one round a patch. Real pictures need about ten."""


@rule("regions", title="Growing regions", source="this project; the linkage after Murtagh, 1983")
def regions(
    tokens: Tensor,
    context: Context,
    threshold: Annotated[float, Range(-1, 1)] = 0.95,
    largest: Annotated[int, Range(low=2)] = 4,
) -> MergeMap:
    """Touching tokens that are each other's most similar neighbour become one, again and again.

    threshold: so alike must two groups be along their border, on average. largest: a region stands for so
    many patches at most.
    """
    counts = check_tokens(tokens, context.counts)
    if context.grid is None:
        raise InputError("rule regions needs the patch grid, which is there in a run only")
    lengths = [tokens.shape[1]] * len(tokens) if counts is None else counts.tolist()
    groups = torch.arange(tokens.shape[1]).repeat(len(tokens), 1)
    nearest, similarity = groups.clone(), torch.full(groups.shape, -torch.inf)
    for image, length in enumerate(lengths):
        borders = _borders(tokens[image, :length], context, image)
        sizes = context.sizes[image, :length].cpu().numpy()
        wanted = None if context.removals is None else context.removals[image]
        own = _grow(borders, sizes, threshold, largest, wanted)
        groups[image, :length] = torch.from_numpy(own)
        found = _best_neighbours(borders, length)
        nearest[image, :length], similarity[image, :length] = map(torch.from_numpy, found)
    groups, nearest, similarity = (one.to(tokens.device) for one in (groups, nearest, similarity))
    return MergeMap.from_groups(groups, counts, Evidence(nearest, similarity))


@dataclass(frozen=True)
class _Borders:
    """Where groups touch, one row a pair of groups or several, a < b.

    a, b    (E,) int64: the two groups, by the smallest token of each
    alike   (E,) float64: mean cosine of the patches along it
    length  (E,) int64: patches along it
    place   (E,) int64: of equally alike ones the smallest place comes first
    """

    a: np.ndarray
    b: np.ndarray
    alike: np.ndarray
    length: np.ndarray
    place: np.ndarray

    def take(self, which: np.ndarray) -> _Borders:
        return _Borders(*(one[which] for one in (self.a, self.b, self.alike, self.length, self.place)))

    def between(self, group_of: np.ndarray, possible: np.ndarray) -> _Borders:
        """The possible ones after groups took new names, those between the same two made one."""
        a, b = group_of[self.a[possible]], group_of[self.b[possible]]
        key = np.minimum(a, b) * len(group_of) + np.maximum(a, b)
        order = key.argsort(kind="stable")
        key, length = key[order], self.length[possible][order]
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        if not len(starts):
            return self.take(starts)
        total = np.add.reduceat(self.alike[possible][order] * length, starts)
        length = np.add.reduceat(length, starts)
        place = np.minimum.reduceat(self.place[possible][order], starts)
        a, b = np.divmod(key[starts], len(group_of))
        return _Borders(a, b, total / length, length, place)


def _borders(tokens: Tensor, context: Context, image: int) -> _Borders:
    """Of one image's tokens (N, C)."""
    assert context.grid is not None
    first, second = _touching(context.grid.rows, context.grid.cols)
    if context.maps:
        token_of = reduce(MergeMap.compose, context.maps).index[image].cpu().numpy()
        first, second = token_of[first], token_of[second]
    rows = torch.from_numpy(np.stack([first, second])).to(tokens.device)
    with exact_float32(tokens.device):
        units = normalise(tokens)
        alike = (units.index_select(0, rows[0]) * units.index_select(0, rows[1])).sum(1)
    each = np.arange(len(first))
    borders = _Borders(first, second, alike.double().cpu().numpy(), np.ones_like(each), each)
    return borders.between(np.arange(len(tokens)), first != second) if context.maps else borders


@lru_cache(maxsize=32)
def _touching(rows: int, cols: int) -> tuple[np.ndarray, np.ndarray]:
    """Every two patches side by side: (E,) int64 each, in the order in which equally alike ones merge.

    On an even picture that is a quadtree's: pairs along a row, pairs of those, then twice as wide.
    """
    patches = np.arange(rows * cols).reshape(rows, cols)
    first = np.concatenate([patches[:, :-1].ravel(), patches[:-1].ravel()])
    second = np.concatenate([patches[:, 1:].ravel(), patches[1:].ravel()])
    step = second - first
    is_below = step == cols if cols > 1 else np.ones(len(first), bool)
    position = np.where(is_below, second // max(cols, 1), second % max(cols, 1))
    order = np.lexsort((is_below, position & -position))
    return first[order], second[order]


def _grow(
    borders: _Borders, sizes: np.ndarray, threshold: float, largest: int, wanted: int | None
) -> np.ndarray:
    """Group of each token, by its smallest token: (N,) int64. wanted: merges to make, whatever it takes."""
    sizes, group = sizes.copy(), np.arange(len(sizes))
    rounds = 0
    while wanted is None and rounds < MOST_ROUNDS or wanted:
        rounds += 1
        fits = sizes[borders.a] + sizes[borders.b] <= largest
        possible = fits if wanted else fits & (borders.alike >= threshold)
        if wanted and not possible.any():
            possible = np.ones_like(fits)  # so many were asked for: the limit gives way
        kept, gone = _mutual(borders.take(possible), len(sizes), wanted)
        if not len(kept):
            break
        wanted = None if wanted is None else wanted - len(kept)
        sizes[kept] += sizes[gone]
        renamed = np.arange(len(sizes))
        renamed[gone] = kept
        group = renamed[group]
        borders = borders.between(renamed, (renamed[borders.a] != renamed[borders.b]) & (fits | bool(wanted)))
    return group


def _mutual(borders: _Borders, tokens: int, most: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of groups each of which is the other's most alike, the `most` most alike of them: kept, gone."""
    order = np.lexsort((borders.place, -borders.alike))
    a, b, rank = borders.a[order], borders.b[order], np.arange(len(order))
    first = np.full(tokens, len(order))
    # The last to write wins: written backwards, the best border of each group stays.
    for ends in (a, b):
        own = np.full(tokens, len(order))
        own[ends[::-1]] = rank[::-1]
        first = np.minimum(first, own)
    chosen = np.flatnonzero((first[a] == rank) & (first[b] == rank))[:most]
    return a[chosen], b[chosen]


def _best_neighbours(borders: _Borders, tokens: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each token the neighbour most like it, itself where it has none: (N,) int64, and how much (N,)."""
    order = borders.alike.argsort(kind="stable")
    nearest, similarity = np.arange(tokens), np.full(tokens, -np.inf, np.float32)
    own = np.stack([borders.a[order], borders.b[order]], 1).ravel()
    other = np.stack([borders.b[order], borders.a[order]], 1).ravel()
    nearest[own], similarity[own] = other, borders.alike[order].repeat(2)
    return nearest, similarity


@regions.why
def why(stage: MergeStage) -> Reasons:
    """Who grew into a region, and who stayed."""
    merged = stage.partner >= 0
    taken = np.zeros(len(stage.index), bool)
    taken[stage.partner[merged]] = True
    return Reasons.choose(
        len(stage.index),
        ("grew into the region of {partner}", merged),
        ("the first of its region: others grew into it", taken),
        ("not merged: it touches no other token", stage.nearest == np.arange(len(stage.index))),
        ("not merged: no neighbour was alike enough and small enough; nearest, {nearest}", True),
    )
