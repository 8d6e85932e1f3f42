"""`--runtime auto`: which runtime is the fastest here for the page's model, among those with the same masks.

Measured in small turns behind everybody who asks for something, on pictures that ship with the page. Each is
run once, as visitors bring them: a runtime that takes longer for a new number of tokens takes it here, too.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from app.engine.engine import Engine
from app.engine.scheduler import ANYBODY, Claim, Urgency
from app.engine.twins import built_quickly
from app.engine.zerogpu import on_zerogpu
from app.texts import floored_percent
from mpm.errors import InputError
from mpm.measure.paired import turns
from mpm.runtimes import RuntimeChoice

if TYPE_CHECKING:
    from mpm.segmenters.segmentation_run import SegmentationRun
    from mpm.segmenters.segmenter import Segmenter

log = logging.getLogger("mpm.app")

Result = TypeVar("Result")

SAME_MASK = 0.999
"""Share of a picture's pixels that must get the class that PyTorch gives them."""
RECIPES = ("none", "2,5")
FEWEST_ROUNDS = 3
WORTH_IT, MOSTLY = 1.05, 0.75
"""Less of a gain, or on a smaller share of the pictures, is not told from chance by so few runs."""
BUILDING_S, RUNNING_S = 6.0, 6.0
"""After so long on the device no further runtime is tried, and no further round of runs begins."""


@dataclass(eq=False)
class Candidate:
    """The model in a runtime: its seconds on one picture after the other, in all recipes together."""

    title: str
    segmenter: Segmenter
    seconds: list[float] = field(default_factory=list)
    agreement: float = 1.0

    def gains_over(self, other: Candidate) -> list[float]:
        """How many times as fast it was, on each picture."""
        return [theirs / own for own, theirs in zip(self.seconds, other.seconds, strict=True)]


class Search:
    """A search for one model, as PyTorch runs it."""

    def __init__(self, engine: Engine) -> None:
        self._segmenter, self._scheduler, self._twins = engine.segmenter, engine.scheduler, engine.twins
        self._max_patches = engine.max_patches
        self._recipes = [one for one in RECIPES if _fits(engine.segmenter, one)]
        self._spent_s = 0.0
        self._left_out: list[str] = []

    def fastest(self, choices: Sequence[RuntimeChoice], pictures: Sequence[np.ndarray]) -> Segmenter:
        """The model itself, or its twin in the fastest of these runtimes; one line of the log says why.

        pictures: the first is for the masks, the others are for the times.
        """
        plain = RuntimeChoice.parse(self._segmenter.runtime)
        own = Candidate(plain.title, self._segmenter)
        racing = {own.title: own}
        masks = self._in_turn(lambda: self._masks(own, pictures[0]))
        # Half precision and integers seldom give the same masks: they come last.
        for choice in sorted(choices, key=lambda one: one.number_format != plain.number_format):
            found = None if choice == plain else self._tried(choice, pictures[0], masks)
            if found:
                racing[found.title] = found
        if len(racing) > 1:
            self._time(racing, pictures[1:])
        return self._best(own, [one for one in racing.values() if one is not own])

    def _in_turn(self, work: Callable[[], Result]) -> Result:
        def timed() -> Result:
            start = time.monotonic()
            try:
                return work()
            finally:
                self._spent_s += time.monotonic() - start

        return self._scheduler.do(Claim(urgency=Urgency.IDLE), timed)

    def _tried(self, choice: RuntimeChoice, picture: np.ndarray, masks: list[np.ndarray]) -> Candidate | None:
        if self._spent_s > BUILDING_S:
            self._left_out.append(f"{choice.title} left out: no time")
            return None
        try:
            twin = self._in_turn(lambda: self._twins.of(self._segmenter, choice))
        except InputError as error:
            self._left_out.append(f"{choice.title} left out: {error}")
            return None
        found = Candidate(choice.title, twin)
        own = self._in_turn(lambda: self._masks(found, picture))
        found.agreement = min(float(np.mean(a == b)) for a, b in zip(own, masks, strict=True))
        if found.agreement >= SAME_MASK:
            return found
        self._left_out.append(f"{choice.title} left out: {_same(found)}")
        return None

    def _time(self, racing: dict[str, Candidate], pictures: Sequence[np.ndarray]) -> None:
        """Every runtime on every picture in turn: a few rounds always, others while there is time."""
        names, built_s = list(racing), self._spent_s
        for number, name in enumerate(turns(names, len(pictures))):
            done, rest = divmod(number, len(names))
            if not rest and done >= FEWEST_ROUNDS and self._spent_s - built_s > RUNNING_S:
                return
            given = racing[name], pictures[done]
            runs = [self._in_turn(partial(self._run, *given, recipe)) for recipe in self._recipes]
            racing[name].seconds.append(sum(run.timing.total for run in runs))

    def _best(self, own: Candidate, others: Sequence[Candidate]) -> Segmenter:
        gains = {one: one.gains_over(own) for one in others}
        told = [
            f"{one.title} {median(gain):.2f} times as fast on {len(gain)} pictures, {_same(one)}"
            for one, gain in gains.items()
        ]
        faster = [one for one in others if _is_clear(gains[one])]
        best = max(faster, key=lambda one: median(gains[one]), default=own)
        why = "; ".join([*told, *self._left_out]) or "no other is installed"
        log.info("runtime auto: %s (%s)", best.title, why)
        return best.segmenter

    def _masks(self, one: Candidate, picture: np.ndarray) -> list[np.ndarray]:
        return [self._run(one, picture, recipe).labels for recipe in self._recipes]

    def _run(self, one: Candidate, picture: np.ndarray, recipe: str) -> SegmentationRun:
        return one.segmenter.segment(picture, recipe, max_patches=self._max_patches)


def find_fastest(engine: Engine, pictures: Sequence[np.ndarray]) -> Segmenter:
    """Its model as it is, or the twin in the fastest runtime that is installed and gives the same masks."""
    segmenter = engine.segmenter
    if segmenter.device.type != "cpu" or on_zerogpu():
        log.info("runtime auto: PyTorch (others are for the CPU)")
        return segmenter
    return Search(engine).fastest(built_quickly(), pictures)


def take_fastest(engine: Engine, pictures: Sequence[np.ndarray]) -> None:
    """Once its model is loaded, switch to what `find_fastest` finds; whatever happens, the page goes on.

    What is on meanwhile ends in the runtime that it began in.
    """
    try:
        best = find_fastest(engine, pictures)
        engine.scheduler.do(ANYBODY, lambda: engine.switch(best))
    except Exception:
        log.exception("runtime auto: PyTorch, as the search failed")


def _fits(segmenter: Segmenter, recipe: str) -> bool:
    try:
        segmenter.parse_recipe(recipe)
    except InputError:
        return False
    return True


def _is_clear(gains: Sequence[float]) -> bool:
    return median(gains) >= WORTH_IT and sum(gain > 1 for gain in gains) >= MOSTLY * len(gains)


def _same(one: Candidate) -> str:
    return f"{floored_percent(one.agreement, 2)} of pixels the same"
