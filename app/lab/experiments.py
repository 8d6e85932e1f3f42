"""Experiments on synthetic streets: how merging follows the content."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.engine.engine import Engine
from app.engine.pictures import Picture
from app.engine.scheduler import ANYBODY, Claim
from mpm.errors import InputError
from mpm.streets import Dials, Street, render_street

SIZE_WH_PX = (480, 360)
DAY_HOUR, NIGHT_HOUR = 12.0, 22.5
STUDY_SEEDS = tuple(range(100, 116))
SWEEP_VALUES = {
    "time_of_day": tuple(float(hour) for hour in range(0, 25, 2)),
    "weather": tuple(np.linspace(0, 1, 9).round(3).tolist()),
    "clutter": tuple(np.linspace(0, 1, 9).round(3).tolist()),
    "texture": tuple(np.linspace(0, 1, 9).round(3).tolist()),
}
DIAL_TITLES = {"time_of_day": "Time of day", "weather": "Weather", "clutter": "Clutter", "texture": "Texture"}


@dataclass(frozen=True)
class Point:
    """One drawn street: the dial's value and the patch tokens before and after all insertions."""

    value: float
    tokens: int
    kept: int

    @property
    def share_kept(self) -> float:
        return self.kept / self.tokens

    @property
    def merged(self) -> int:
        """Tokens that went away."""
        return self.tokens - self.kept


def draw(seed: float | None, dials: Dials) -> Street:
    """The street of a seed as the lab shows it. Raises InputError for a bad seed or dial."""
    if seed is None or not math.isfinite(seed):
        raise InputError("The street needs a number")
    return render_street(int(seed), *SIZE_WH_PX, dials=dials)


def measure(
    engine: Engine, street: Street, schedule: str, value: float = 0.0, claim: Claim = ANYBODY
) -> Point:
    """How many tokens a street keeps."""
    counts = engine.segment(Picture.of(street.image), schedule, claim).trace.token_counts
    return Point(value, counts[0], counts[-1])


def sweep_dial(
    engine: Engine, seed: float | None, dials: Dials, dial: str, schedule: str, claim: Claim = ANYBODY
) -> Iterator[Point]:
    """One street, one dial from end to end: a point each, as soon as it is measured."""
    if dial not in SWEEP_VALUES:
        raise InputError(f"There is no dial {dial!r}: choose one of {', '.join(SWEEP_VALUES)}")
    for value in SWEEP_VALUES[dial]:
        street = draw(seed, replace(dials, **{dial: value}))
        yield measure(engine, street, schedule, value, claim)


def day_and_night(
    engine: Engine,
    schedule: str,
    dials: Dials,
    seeds: Sequence[int] = STUDY_SEEDS,
    claim: Claim = ANYBODY,
) -> Iterator[tuple[int, Point, Point]]:
    """The same streets by day and by night: (seed, day, night), as soon as both are measured."""
    for seed in seeds:
        day, night = (
            measure(engine, draw(seed, replace(dials, time_of_day=hour)), schedule, hour, claim)
            for hour in (DAY_HOUR, NIGHT_HOUR)
        )
        yield seed, day, night


def fewer_at_night(pairs: Sequence[tuple[int, Point, Point]]) -> float:
    """By which share of the day's merges the night has fewer: positive means fewer at night."""
    day = sum(point.merged for _, point, _ in pairs)
    night = sum(point.merged for _, _, point in pairs)
    return (day - night) / day if day else 0.0
