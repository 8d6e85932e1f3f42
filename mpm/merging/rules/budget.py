"""Budget: as much as a wish needs, where the picture allows it best, by what this device takes.

Before every insertion the rule knows what is left of the time that was wished for, and what blocks take over
fewer tokens. It lets regions grow while they are alike enough, the most alike first, and stops as soon as the
wish is met; where too little is alike it merges what is the least unlike, spread evenly over the insertions
that are left. Nothing is learned: the same picture, wish and costs give the same merges.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from mpm.errors import InputError
from mpm.merging.by_image import image_lengths
from mpm.merging.context import Context
from mpm.merging.costs import Costs
from mpm.merging.merge_map import MergeMap
from mpm.merging.parameters import Range
from mpm.merging.reasons import Reasons
from mpm.merging.removals import asked_removals
from mpm.merging.rule import rule
from mpm.merging.rules.regions import Limits, grow
from mpm.merging.rules.regions import why as why_regions
from mpm.merging.search import check_tokens
from mpm.merging.stage import MergeStage

SIDE = (4, 8, 16, 32)
"""Most patches of a region, by how many insertions went before."""
STEPS = 32
"""An even share of the tokens is one of so many: a little noise in the costs changes nothing."""
MOST_SHARE = 0.5
"""Of the tokens, at one insertion."""
RESERVE = 0.15
"""Of the wished time: a merged run takes so much more than its parts alone, as its caches are colder."""

Course = tuple[int, ...]
"""The number of tokens that each insertion of the recipe leaves, or that those before this one left."""


@rule("budget", title="Budget (adaptive)", source="this project", looks_ahead=("speed", "ms"))
def budget(
    tokens: Tensor,
    context: Context,
    speed: Annotated[float | None, Range(1, 100)] = None,
    *,
    ms: Annotated[float | None, Range(0.1, 1e6)] = None,
    threshold: Annotated[float, Range(-1, 1)] = 0.95,
) -> MergeMap:
    """Regions grow until a wish is met: so many times as fast, or so many milliseconds, on this device.

    speed: at least so many times as fast as without merging. ms: at most so many milliseconds, picture to
    mask. Neither: whatever is alike enough. threshold: so alike are two groups that may always become one.
    """
    if speed is not None and ms is not None:
        raise InputError("Rule budget takes speed or ms, not both")
    counts, asked = check_tokens(tokens, context.counts), asked_removals(context)
    largest = SIDE[min(len(context.maps), len(SIDE) - 1)]
    if asked is not None:
        return grow(tokens, context, [Limits(-np.inf, largest, wanted, wanted) for wanted in asked])
    if speed is None and ms is None:
        return grow(tokens, context, [Limits(threshold, largest)] * len(tokens))
    plan = _Plan.of(context, speed, ms)
    found = plan.removals(image_lengths(tokens, counts))
    if all(most == 0 for _, most in found):
        return nobody(tokens, counts)
    return grow(tokens, context, [Limits(threshold, largest, least, most) for least, most in found])


def nobody(tokens: Tensor, counts: Tensor | None) -> MergeMap:
    """The map in which each token stays for itself. Nothing was looked at, so there is no evidence."""
    order = torch.arange(tokens.shape[1], device=tokens.device)
    return MergeMap.from_groups(order.repeat(len(tokens), 1), counts)


@dataclass(frozen=True)
class _Plan:
    """What has to happen for a wish, by what the device takes.

    Other rules of the recipe are counted on for nothing: what they took is known, what they will take is not.

    plain_s   seconds of the run without merging
    budget_s  seconds that the whole run may take
    speed, ms the wish itself, one of them
    """

    context: Context
    costs: Costs
    plain_s: float
    budget_s: float
    speed: float | None
    ms: float | None

    @classmethod
    def of(cls, context: Context, speed: float | None, ms: float | None) -> _Plan:
        """Raises InputError outside of a segmenter's run."""
        if context.costs is None or context.grid is None or context.block not in context.own_blocks:
            raise InputError("Rule budget knows what a device takes in a segmenter's run only")
        costs, patches = context.costs(), context.grid.size
        plain_s = costs.run([(context.depth, patches)], patches, patches, ())
        wish_s = plain_s / speed if speed is not None else (ms or 0.0) / 1000
        budget_s = wish_s if plain_s <= wish_s else (1 - RESERVE) * wish_s
        return cls(context, costs, plain_s, budget_s, speed, ms)

    def removals(self, lengths: list[int]) -> list[tuple[int, int]]:
        """Of images with so many tokens: how many have to go here at least, and at most.

        Raises InputError at the rule's first insertion for a wish that cannot be met.
        """
        left = [one.counts.tolist() for one in self.context.maps]
        courses = [tuple(counts[image] for counts in left) for image in range(len(lengths))]
        if self.context.block == self.context.own_blocks[0]:
            for before, tokens in zip(courses, lengths, strict=True):
                self._check(before, tokens)
        return [self._removals(before, tokens) for before, tokens in zip(courses, lengths, strict=True)]

    def _removals(self, before: Course, tokens: int) -> tuple[int, int]:
        if self._is_met(self.evenly(before, tokens, 0.0)):
            return 0, 0
        shares = [MOST_SHARE * step / STEPS for step in range(STEPS + 1)]
        # Among those that search at all, more merging is never slower: halving finds the first that will do.
        found = bisect_left(shares, True, key=lambda share: self._is_met(self.evenly(before, tokens, share)))
        share = shares[min(found, STEPS)]
        most = tokens - self._enough(before, tokens)
        return min(tokens - _left(tokens, share), most), most

    def _check(self, before: Course, tokens: int) -> None:
        best = self.evenly(before, tokens, MOST_SHARE)
        if self._is_met(best) or self._is_met(self.evenly(before, tokens, 0.0)):
            return
        # Rounded such that it can be wished for; whoever merges nothing is as fast as without merging.
        best_s = min(self.seconds(best) / (1 - RESERVE), self.plain_s)
        if self.speed is not None:
            wish, can = (
                f"{self.speed:g} times as fast",
                f"{math.floor(10 * self.plain_s / best_s) / 10:g} times",
            )
        else:
            wish, can = f"{self.ms:g} ms", f"{math.ceil(10_000 * best_s) / 10:g} ms"
        raise InputError(
            f"{wish} cannot be met: on this device this recipe reaches about {can} for this picture"
        )

    def _is_met(self, course: Course) -> bool:
        return self.seconds(course) <= self.budget_s

    def evenly(self, before: Course, tokens: int, share: float) -> Course:
        """The course on which this insertion, and each later one of this rule, takes that share."""
        course = list(before)
        for block in self.context.plan[len(before) :]:
            tokens = _left(tokens, share) if block in self.context.own_blocks else tokens
            course.append(tokens)
        return tuple(course)

    def _enough(self, before: Course, tokens: int) -> int:
        """Most tokens to go on with from here such that nothing more has to merge later; 1 at least."""
        low, high = 1, tokens
        while low < high:
            middle = (low + high + 1) // 2
            met = self._is_met((*before, *(middle,) * (len(self.context.plan) - len(before))))
            low, high = (middle, high) if met else (low, middle - 1)
        return low

    def seconds(self, course: Course) -> float:
        """Of the whole run on a course. Where this rule has nothing to take it need not look."""
        assert self.context.grid is not None
        patches, plan = self.context.grid.size, self.context.plan
        # After attention the block is half over: it counts as one over all that came in.
        starts = (0, *(block + self.context.after_attention for block in plan), self.context.depth)
        numbers = (end - start for start, end in pairwise(starts))
        counts = (patches, *course)
        looked = [old for place, old in enumerate(counts[:-1]) if self._looks(place, old, counts[place + 1])]
        decoded = patches if self.context.decodes_all else course[-1]
        return self.costs.run(zip(numbers, counts, strict=True), patches, decoded, looked)

    def _looks(self, place: int, old: int, new: int) -> bool:
        """Whether an insertion of the recipe searches: other rules always do."""
        if new < old or self.context.plan[place] not in self.context.own_blocks:
            return True
        return place < len(self.context.maps) and self.context.maps[place].evidence is not None


def _left(tokens: int, share: float) -> int:
    return max(tokens - int(share * tokens), 1)


@budget.why
def why(stage: MergeStage) -> Reasons:
    """As regions, wherever anybody looked."""
    if (stage.nearest < 0).all():
        return Reasons.choose(len(stage.index), ("not merged: the wish was met without", True))
    return why_regions(stage)
