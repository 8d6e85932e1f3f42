"""One picture through everything that is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mpm.clock import Clock
from mpm.encoders.base import Encoder, TokenState
from mpm.encoders.run import Insert, merge_tokens
from mpm.measure.compare.plan import Contender, EqualGroup, Plan
from mpm.measure.compare.tally import Seen
from mpm.measure.metrics import ConfusionMatrix
from mpm.merging.recipe import Recipe
from mpm.merging.rule_call import RuleCall
from mpm.segmenters.segmenter import Segmenter


@dataclass(frozen=True, eq=False)
class Mask:
    """What one recipe made of one picture: labels (H, W), and the counts of `Seen`."""

    labels: np.ndarray
    tokens: tuple[int, ...]
    seconds: tuple[float, ...] = ()
    missing: int = 0
    extra: int = 0


def all_masks(segmenter: Segmenter, image: np.ndarray, plan: Plan, rounds: int, number: int) -> list[Mask]:
    """Of every contender, then of every recipe at equal counts. number: the picture's, it sets the order."""
    found = timed_masks(segmenter, image, plan.contenders, rounds, number)
    for group in plan.groups:
        found += equal_masks(segmenter, image, group)
    return found


def timed_masks(
    segmenter: Segmenter, image: np.ndarray, contenders: Sequence[Contender], rounds: int, number: int
) -> list[Mask]:
    """All in turn, every round in another order, so that nobody always runs first or behind the same one."""
    seconds: list[list[float]] = [[] for _ in contenders]
    masks: dict[int, Mask] = {}
    for turn in range(number * rounds, (number + 1) * rounds):
        for place in order_of(turn, len(contenders)):
            run = segmenter.segment(image, contenders[place].recipe)
            seconds[place].append(run.timing.total)
            masks[place] = Mask(run.labels, tuple(run.trace.token_counts), tuple(seconds[place]))
    return [masks[place] for place in range(len(contenders))]


def order_of(turn: int, count: int) -> list[int]:
    """Who runs when: each turn begins with another one, and every second goes backwards."""
    order = [(place + turn) % count for place in range(count)]
    return order[::-1] if turn % 2 else order


@torch.inference_mode()
def equal_masks(segmenter: Segmenter, image: np.ndarray, group: EqualGroup) -> list[Mask]:
    """The paper's rule, then each other one with the counts that the paper's had on this picture."""
    paper = _mask(segmenter, image, group.paper, merge_tokens)
    wanted = _removed(paper.tokens)
    return [paper, *(_equal(segmenter, image, recipe, wanted) for recipe in group.recipes[1:])]


def _equal(segmenter: Segmenter, image: np.ndarray, recipe: Recipe, wanted: list[int]) -> Mask:
    found = _mask(segmenter, image, recipe, _exactly(wanted))
    over = [own - want for own, want in zip(_removed(found.tokens), wanted, strict=True)]
    missing, extra = -sum(min(one, 0) for one in over), sum(max(one, 0) for one in over)
    return Mask(found.labels, found.tokens, missing=missing, extra=extra)


def _mask(segmenter: Segmenter, image: np.ndarray, recipe: Recipe, insert: Insert) -> Mask:
    pixels, geometry = segmenter.preprocess(image, recipe.resolution_px)
    found = segmenter.run(pixels, recipe, grid=geometry.grid, insert=insert)
    state = found.states[0]
    tokens = (state.grid.size, *(int(one.counts[0]) for one in state.maps))
    return Mask(found.scores.mask(geometry).labels, tokens)


def _removed(tokens: Sequence[int]) -> list[int]:
    return [before - after for before, after in zip(tokens, tokens[1:], strict=False)]


def _exactly(removals: Sequence[int]) -> Insert:
    """Insertions that ask the rule for these counts, one after the other."""

    def insert(
        encoder: Encoder, state: TokenState, call: RuleCall, recipe: Recipe, clock: Clock
    ) -> TokenState:
        return merge_tokens(encoder, state, call, recipe, clock, [removals[len(state.maps)]])

    return insert


def counted(
    mask: Mask, unmerged: Mask, truth: np.ndarray, matrix: ConfusionMatrix
) -> tuple[Seen, np.ndarray]:
    """A mask's counts, and its pixels by true and predicted class. matrix: an empty one, which is filled."""
    matrix.add(mask.labels, truth)
    equal = int((mask.labels == unmerged.labels).sum())
    seen = Seen(mask.tokens, equal, mask.labels.size, mask.seconds, mask.missing, mask.extra)
    return seen, matrix.counts
