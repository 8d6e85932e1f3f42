"""Budget: as much as a wish needs, where the picture allows it best, by what this device takes.

Before every insertion the rule knows what is left of the time that was wished for, and what blocks take over
fewer tokens. It lets regions grow while they are alike enough, the most alike first, and stops as soon as the
wish is met; where too little is alike it merges what is the least unlike, spread evenly over the insertions
that are left. Nothing is learned: the same picture, wish and costs give the same merges.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import torch
from torch import Tensor

from mpm.errors import InputError
from mpm.merging.context import Context
from mpm.merging.costs import Costs
from mpm.merging.merge_map import MergeMap
from mpm.merging.parameters import Range
from mpm.merging.reasons import Reasons
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


@rule("budget", title="Budget (adaptive)", source="this project", looks_ahead=True)
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
        raise InputError("rule budget takes speed or ms, not both")
    counts = check_tokens(tokens, context.counts)
    lengths = [tokens.shape[1]] * len(tokens) if counts is None else counts.tolist()
    plan = None if speed is None and ms is None else _Plan.of(context, speed, ms)
    largest = SIDE[min(len(context.maps), len(SIDE) - 1)]
    limits: list[Limits] = []
    for image, length in enumerate(lengths):
        least, most = (0, length) if plan is None else plan.removals(image, length)
        limits.append(Limits(threshold, largest, least, most))
    if plan is not None and all(one.most == 0 for one in limits):
        return nobody(tokens, counts)
    return grow(tokens, context, limits)


def nobody(tokens: Tensor, counts: Tensor | None) -> MergeMap:
    """The map in which each token stays for itself. Nothing was looked at, so there is no evidence."""
    return MergeMap.from_groups(
        torch.arange(tokens.shape[1], device=tokens.device).repeat(len(tokens), 1), counts
    )


@dataclass(frozen=True)
class _Plan:
    """What has to happen for a wish, by what the device takes.

    A course is the number of tokens that each insertion of the recipe leaves. budget_s: seconds of the whole
    run that were wished for.
    """

    context: Context
    costs: Costs
    budget_s: float

    @classmethod
    def of(cls, context: Context, speed: float | None, ms: float | None) -> _Plan:
        """Raises InputError outside of a segmenter's run, and for a wish that cannot be met."""
        if context.costs is None or context.grid is None or context.block not in context.plan:
            raise InputError("rule budget knows what a device takes in a segmenter's run only")
        costs, patches = context.costs(), context.grid.size
        plain = costs.run([(context.depth, patches)], patches, patches, ())
        wish_s = plain / speed if speed is not None else (ms or 0.0) / 1000
        plan = cls(context, costs, wish_s if plain <= wish_s else (1 - RESERVE) * wish_s)
        best = plan.seconds(plan.evenly((), patches, MOST_SHARE))
        if not context.maps and best > plan.budget_s:
            raise InputError(_cannot(speed, ms, plain, best / (1 - RESERVE)))
        return plan

    def removals(self, image: int, tokens: int) -> tuple[int, int]:
        """How many tokens have to go here at least, and at most: none once the wish is met without."""
        before = tuple(int(one.counts[image]) for one in self.context.maps)
        if self.is_met(self.evenly(before, tokens, 0.0)):
            return 0, 0
        shares = [MOST_SHARE * step / STEPS for step in range(STEPS + 1)]
        # More merging is never slower, so the first share that will do is found by halving.
        found = bisect_left(shares, True, key=lambda share: self.is_met(self.evenly(before, tokens, share)))
        share = shares[min(found, STEPS)]
        most = tokens - self._enough(before, tokens)
        return min(tokens - _left(tokens, share), most), most

    def is_met(self, course: tuple[int, ...]) -> bool:
        return self.seconds(course) <= self.budget_s

    def evenly(self, before: tuple[int, ...], tokens: int, share: float) -> tuple[int, ...]:
        """The course on which this insertion, and each later one, takes that share of what it finds."""
        course = list(before)
        for _ in range(len(self.context.plan) - len(before)):
            tokens = _left(tokens, share)
            course.append(tokens)
        return tuple(course)

    def _enough(self, before: tuple[int, ...], tokens: int) -> int:
        """Most tokens to go on with from here such that nothing more has to merge later; 1 at least."""
        low, high = 1, tokens
        while low < high:
            middle = (low + high + 1) // 2
            met = self.is_met((*before, *(middle,) * (len(self.context.plan) - len(before))))
            low, high = (middle, high) if met else (low, middle - 1)
        return low

    def seconds(self, course: tuple[int, ...]) -> float:
        """Of the whole run on a course. An insertion that takes nothing need not look."""
        assert self.context.grid is not None
        patches = self.context.grid.size
        found = (patches, *course[:-1])
        looked = [old for old, new in zip(found, course, strict=True) if new < old]
        starts = (0, *self.context.plan, self.context.depth)
        numbers = (end - start for start, end in pairwise(starts))
        decoded = patches if self.context.decodes_all else course[-1]
        return self.costs.run(zip(numbers, (patches, *course), strict=True), patches, decoded, looked)


def _left(tokens: int, share: float) -> int:
    return max(tokens - int(share * tokens), 1)


def _cannot(speed: float | None, ms: float | None, plain_s: float, best_s: float) -> str:
    if speed is not None:
        wish, can = f"{speed:g} times as fast", f"{plain_s / best_s:.1f} times"
    else:
        wish, can = f"{ms:g} ms", f"{1000 * best_s:.0f} ms"
    return f"{wish} cannot be met: on this device this recipe reaches about {can} for this picture"


@budget.why
def why(stage: MergeStage) -> Reasons:
    """As regions."""
    return why_regions(stage)
