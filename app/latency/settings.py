"""What a race is to do: checked settings, free of torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mpm.errors import InputError
from mpm.merging.recipe import Recipe
from mpm.merging.schedule import PRESETS
from mpm.runtimes import RuntimeChoice

BASELINE = "none"
SCOPES = ("picture to mask", "model only")
MAX_ROUNDS = 200
MAX_SECONDS = 120
FEWEST_ROUNDS = 7
"""Before, no speed is told: so few runs say little."""
SETTLED_AT = 1.08
"""A race that runs by itself ends when the ends of its interval are no further apart than this factor."""
MAX_RIVALS = len(PRESETS)
"""Recipes that race beside the baseline and the chosen one."""
MAX_CONTENDERS = MAX_RIVALS + 2


@dataclass(frozen=True)
class Contender:
    """A recipe, in the page's own runtime or (runtime given) in another."""

    recipe: str
    runtime: RuntimeChoice | None = None

    @property
    def name(self) -> str:
        """Of the page's own runtime the recipe alone."""
        return f"{self.runtime.text} {self.recipe}" if self.runtime else self.recipe

    @property
    def unmerged(self) -> Contender:
        """The baseline in the same runtime."""
        return replace(self, recipe=BASELINE)

    @property
    def own(self) -> Contender:
        """The same recipe in the page's own runtime."""
        return Contender(self.recipe)


@dataclass(frozen=True)
class Plan:
    """Who races, over which part of the work, and when it ends.

    schedules   the baseline first
    deadline_s  no run begins after it, but one round is always finished
    settled_at  ends earlier, too, once the intervals' ends are within this factor; None: never
    runtime     another one in which all of them race as well
    """

    schedules: tuple[str, ...]
    scope: str = SCOPES[0]
    rounds: int = 9
    deadline_s: float = 12.0
    settled_at: float | None = None
    runtime: RuntimeChoice | None = None

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """Those in the page's own runtime first, the baseline before all."""
        runtimes = (None, self.runtime) if self.runtime else (None,)
        return tuple(Contender(name, one) for one in runtimes for name in self.schedules)

    @classmethod
    def read(
        cls,
        chosen: str,
        schedules: Sequence[str],
        scope: str,
        rounds: float | None,
        deadline_s: float | None,
        read: Callable[[str], Recipe] = Recipe.parse,
        runtime: str | None = None,
    ) -> Plan:
        """A plan from a page's controls; the baseline and the chosen schedule always race.

        read: a model's own way to read recipes, which knows their names. runtime: the text of another one.
        Raises InputError for anything out of range.
        """
        if scope not in SCOPES:
            raise InputError(f"The scope must be one of {', '.join(SCOPES)}, but got {scope!r}")
        names = [str(read(name)) for name in (BASELINE, chosen, *(schedules or ()))]
        unique = tuple(dict.fromkeys(names))
        if len(unique) > MAX_CONTENDERS:
            raise InputError(f"At most {MAX_CONTENDERS} schedules race at once, but got {len(unique)}")
        runs = _within(rounds, "the number of runs", 1, MAX_ROUNDS)
        seconds = _within(deadline_s, "the deadline", 1, MAX_SECONDS, " seconds")
        return cls(unique, scope, int(runs), seconds, runtime=_runtime(runtime))


def _runtime(given: str | None) -> RuntimeChoice | None:
    if given is not None and not isinstance(given, str):
        raise InputError(f"A runtime is named by a text, but got {type(given).__name__}")
    return RuntimeChoice.parse(given) if given else None


def _within(value: float | None, what: str, low: float, high: float, unit: str = "") -> float:
    number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    if not low <= number <= high:
        raise InputError(f"{what} must be from {low} to {high}{unit}, but got {value!r}")
    return number
