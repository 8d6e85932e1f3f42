"""Regions: touching patches that are each other's most similar grow together, round by round, at once.

Average linkage on the graph of touching groups: two groups are as alike as the patches along their border
are on average. With such a linkage, merging mutual best neighbours gives the agglomerative tree whatever the
order (Murtagh, "A survey of recent advances in hierarchical clustering algorithms", 1983); the limit on a
region's size cuts it before one swallows what differs. Only neighbours are compared, and only once: the cost
grows with N, not with its square. Shapes: N tokens, C channels, E places where two tokens touch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mpm.merging.by_image import Choice, choose_by_image
from mpm.merging.cells import grid_of, token_of_patch, touching_patches
from mpm.merging.context import Context
from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap
from mpm.merging.parameters import Range
from mpm.merging.reasons import Reasons
from mpm.merging.removals import asked_removals
from mpm.merging.rule import rule
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
    asked = asked_removals(context)
    if asked is None:
        return grow(tokens, context, [Limits(threshold, largest)] * len(tokens))
    return grow(tokens, context, [Limits(-np.inf, largest, wanted, wanted) for wanted in asked])


@dataclass(frozen=True)
class Limits:
    """How far the regions of an image grow.

    threshold  so alike are two groups along their border
    largest    patches in a region
    least      so many tokens have to go, however little alike and in whatever regions
    most       no more tokens go than these; None: no such limit
    """

    threshold: float
    largest: int
    least: int = 0
    most: int | None = None

    def phases(self) -> Iterator[Limits]:
        """First as far as the limits say; while too few have gone, past the threshold, then past the size."""
        yield self
        if self.least:
            yield Limits(-np.inf, self.largest, self.least, self.least)
            yield Limits(-np.inf, sys.maxsize, self.least, self.least)


def grow(tokens: Tensor, context: Context, limits: Sequence[Limits]) -> MergeMap:
    """(B, N, C) -> who became one region, by the limits of each image. Raises as rule `regions`."""
    grid = grid_of(context, "regions")
    owner = token_of_patch(context, grid)
    is_whole = not context.maps and context.counts is None

    def choose(units: Tensor, image: int) -> Choice:
        borders = _of_patches(units, grid) if is_whole else _of_tokens(units, owner[image], grid)
        sizes = context.sizes[image, : len(units)].cpu().numpy()
        groups = _grow(borders, sizes, limits[image])
        found = (groups, *_best_neighbours(borders, len(units)))
        return Choice(*(torch.from_numpy(one).to(units.device) for one in found))

    return choose_by_image(tokens, context.counts, choose)


class _Borders(NamedTuple):
    """Where groups touch, one row a pair of groups.

    a, b    (E,) int64: the two groups, by the smallest token of each, a < b
    total   (E,) float64: sum of the cosines of the patches along it
    length  (E,) int64: patches along it
    place   (E,) int64, all different: of equally alike ones the smallest comes first
    """

    a: np.ndarray
    b: np.ndarray
    total: np.ndarray
    length: np.ndarray
    place: np.ndarray

    @property
    def alike(self) -> np.ndarray:
        """(E,) float64: mean cosine of the patches along it."""
        return self.total / self.length

    def take(self, which: np.ndarray) -> _Borders:
        """Those rows only."""
        if which.all():
            return self
        rows = np.flatnonzero(which)
        return _Borders(*(one[rows] for one in self))

    def renamed(self, name_of: np.ndarray) -> _Borders:
        """After groups took new names, (N,): several rows may be of one pair, and ends in any order."""
        return self._replace(a=name_of[self.a], b=name_of[self.b])

    def joined(self, tokens: int) -> _Borders:
        """Rows of one pair made one, the ends in order. tokens: N."""
        a, b = np.minimum(self.a, self.b), np.maximum(self.a, self.b)
        pair = a * tokens + b
        order = (pair * (1 + self.place.max(initial=0)) + self.place).argsort()  # by pair, then by place
        is_first = np.ones(len(pair), bool)
        is_first[1:] = np.diff(pair[order]) > 0
        starts = np.flatnonzero(is_first)
        first = order[starts]
        if len(first) == len(order):
            return self._replace(a=a, b=b)
        total, length = (np.add.reduceat(one[order], starts) for one in (self.total, self.length))
        return _Borders(a[first], b[first], total, length, self.place[first])


def _of_patches(units: Tensor, grid: Grid) -> _Borders:
    """Borders of patches that are all still alone: (N, C)."""
    rows = units.view(grid.rows, grid.cols, -1)
    beside, below = (rows[:, :-1] * rows[:, 1:]).sum(2), (rows[:-1] * rows[1:]).sum(2)
    alike = torch.cat([beside.flatten(), below.flatten()]).double().cpu().numpy()
    a, b, place = _touching(grid.rows, grid.cols)
    return _Borders(a, b, alike, np.ones_like(a), place)


def _of_tokens(units: Tensor, owner: Tensor, grid: Grid) -> _Borders:
    """Borders of tokens (N, C) of which some hold several patches: (patches,), -1 for none."""
    first, second, place = _touching(grid.rows, grid.cols)
    a, b = owner.cpu().numpy()[first], owner.cpu().numpy()[second]
    touching = _Borders(a, b, np.zeros(len(a)), np.ones_like(a), place).take((a != b) & (a >= 0) & (b >= 0))
    borders = touching.joined(len(units))
    a, b = (units.index_select(0, torch.from_numpy(one).to(units.device)) for one in borders[:2])
    return borders._replace(total=(a * b).sum(1).double().cpu().numpy() * borders.length)


@lru_cache(maxsize=64)
def _touching(rows: int, cols: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`touching_patches`, first and second, and the order in which equally alike ones merge: (E,) int64 each.

    On an even picture that is a quadtree's: pairs along a row, pairs of those, then twice as wide.
    """
    first, second = np.ascontiguousarray(touching_patches(rows, cols).numpy().T)
    is_below = np.arange(len(second)) >= rows * (cols - 1)
    position = np.where(is_below, second // cols, second % cols)
    order = np.lexsort((is_below, position & -position))
    return first, second, order.argsort()


def _grow(borders: _Borders, sizes: np.ndarray, limits: Limits) -> np.ndarray:
    """Group of each token, by its smallest token: (N,) int64."""
    if limits.most is not None:
        return _grow_within(borders, sizes, limits)
    group = np.arange(len(sizes))
    borders = borders.take(sizes[borders.a] + sizes[borders.b] <= limits.largest)
    for _ in range(MOST_ROUNDS):
        best, first = _best(borders, len(sizes))
        kept, gone = _mutual(borders, first, limits.threshold)
        if not len(kept):
            break
        name_of, sizes = _merged(kept, gone, sizes)
        group, borders = name_of[group], borders.renamed(name_of)
        # A mean never exceeds its parts: a group without an alike neighbour will not get one.
        ends = best[borders.a], best[borders.b]
        stays = (np.minimum(*ends) >= limits.threshold) & (
            sizes[borders.a] + sizes[borders.b] <= limits.largest
        )
        borders = borders.take(stays & (borders.a != borders.b)).joined(len(sizes))
    return group


def _grow_within(borders: _Borders, sizes: np.ndarray, limits: Limits) -> np.ndarray:
    """The same with so many merges at least and at most, phase by phase."""
    group, tokens = np.arange(len(sizes)), len(sizes)
    for phase in limits.phases():
        for _ in range(len(sizes) if phase.least else MOST_ROUNDS):
            small = borders.take(sizes[borders.a] + sizes[borders.b] <= phase.largest)
            most = max((phase.most or 0) - len(sizes) + tokens, 0)
            kept, gone = _mutual(small, _best(small, len(sizes))[1], phase.threshold, most)
            if not len(kept):
                break
            tokens -= len(kept)
            name_of, sizes = _merged(kept, gone, sizes)
            group, borders = name_of[group], borders.renamed(name_of)
            borders = borders.take(borders.a != borders.b).joined(len(sizes))
    return group


def _merged(kept: np.ndarray, gone: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """New name of each group, and their new sizes: (N,) each."""
    name_of, sizes = np.arange(len(sizes)), sizes.copy()
    name_of[gone] = kept
    sizes[kept] += sizes[gone]
    return name_of, sizes


def _mutual(
    borders: _Borders, first: np.ndarray, threshold: float, most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of groups that are each other's most alike, the `most` most alike of them: kept, gone.

    first: the place of each group's best border, as `_best` finds it.
    """
    pairs = borders.take((first[borders.a] == borders.place) & (first[borders.b] == borders.place))
    pairs = pairs.take(pairs.alike >= threshold)
    chosen = slice(None) if most is None else np.lexsort((pairs.place, -pairs.alike))[:most]
    return pairs.a[chosen], pairs.b[chosen]


def _best(borders: _Borders, tokens: int) -> tuple[np.ndarray, np.ndarray]:
    """How alike each group's most alike neighbour is, -inf without one, and the border's place: (N,) each."""
    alike, best = borders.alike, np.full(tokens, -np.inf)
    for ends in (borders.a, borders.b):
        np.maximum.at(best, ends, alike)
    first = np.full(tokens, np.iinfo(np.int64).max)
    for ends in (borders.a, borders.b):
        highest = np.flatnonzero(alike == best[ends])
        np.minimum.at(first, ends[highest], borders.place[highest])
    return best, first


def _best_neighbours(borders: _Borders, tokens: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each token the neighbour most like it, itself where it has none: (N,) int64, and how much (N,)."""
    best, first = _best(borders, tokens)
    nearest = np.arange(tokens)
    for own, other in ((borders.a, borders.b), (borders.b, borders.a)):
        chosen = np.flatnonzero(first[own] == borders.place)
        nearest[own[chosen]] = other[chosen]
    return nearest, best.astype(np.float32)


@regions.why
def why(stage: MergeStage) -> Reasons:
    """Who grew into a region, and who stayed."""
    order = np.arange(len(stage.index))
    return Reasons.choose(
        len(order),
        ("merged into the region of {partner}, which grew round by round", stage.partner >= 0),
        ("merged: the first of its region, others grew into it", stage.is_shared),
        ("not merged: it touches no other token", stage.nearest == order),
        ("not merged: no neighbour is alike enough with room for it; the most alike is {nearest}", True),
    )
