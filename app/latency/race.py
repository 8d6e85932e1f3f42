"""A race: baseline and merged runs in turn, and what the machine did meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from app.latency.settings import Plan
from mpm.measure.health import Conditions, Watch
from mpm.measure.paired import alternate

if TYPE_CHECKING:
    from app.engine.engine import Engine
    from mpm.measure.profile import Profile, Workload

PROFILE_AFTER = (1, 3, 6, 10, 15)
"""Rounds after which every schedule runs once more with its parts on the clock."""
WATCH_EVERY_S = 2.0


@dataclass
class Race:
    """All that was measured so far. Grows while the race goes on; seconds throughout."""

    plan: Plan
    seconds: dict[str, list[float]]
    profiles: dict[str, list[Profile]]
    warnings: tuple[str, ...] = ()
    conditions: Conditions | None = None
    state: str = "waiting"
    warmed: int = 0
    picture: dict = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan) -> Race:
        return cls(plan, {name: [] for name in plan.schedules}, {name: [] for name in plan.schedules})

    @property
    def measured(self) -> bool:
        """Whether every schedule has run."""
        return all(self.seconds.values())

    def tokens(self, name: str) -> tuple[int, ...]:
        """Patch tokens that enter each block, or nothing before the first profiled run."""
        return self.profiles[name][0].token_counts if self.profiles[name] else ()

    def parts(self, name: str) -> dict[str, float]:
        """Median seconds by part over the profiled runs."""
        own = [profile.parts for profile in self.profiles[name]]
        names = dict.fromkeys(part for parts in own for part in parts)
        return {part: float(np.median([parts.get(part, 0.0) for parts in own])) for part in names}

    def blocks(self, name: str) -> list[tuple[int, float, float, float]]:
        """Per encoder block: tokens that enter it, median seconds of the block, of matching, of merging."""
        own = [
            [(block.block, block.match, block.merge) for block in profile.blocks]
            for profile in self.profiles[name]
        ]
        if not own:
            return []
        medians = np.median(np.asarray(own), axis=0).tolist()
        return [(count, *times) for count, times in zip(self.tokens(name), medians, strict=True)]


def run_race(engine: Engine, rgb: np.ndarray, plan: Plan) -> Iterator[Race]:
    """The race after every single run, always the same growing object. Close it to stop.

    Runs hold the engine's lock; nothing is held between two of them. Raises InputError when the model could
    not be loaded or a schedule does not fit it.
    """
    race = Race.of(plan)
    yield race
    watch = Watch(engine.segmenter.device)
    from mpm.measure.profile import (
        Workload,  # imports timm: only once the loading thread has (see app.engine.engine)
    )

    limit = engine.max_patches
    work = engine.exclusively(lambda segmenter: Workload(segmenter, rgb, plan.scope, limit))
    grid = work.geometry.grid
    race.picture = {"wh_px": [rgb.shape[1], rgb.shape[0]], "patches": grid.size}
    race.state = "warming up"
    start = time.monotonic()
    for name in plan.schedules:
        engine.exclusively(lambda _, name=name: work.seconds(name))
        race.warmed += 1
        yield race
    watch.begin()
    race.state = "running"
    yield from _timed(engine, work, race, watch, start + plan.deadline_s)
    _note(race, watch)
    race.state = "done"
    yield race


def _timed(engine: Engine, work: Workload, race: Race, watch: Watch, end: float) -> Iterator[Race]:
    plan, looked = race.plan, time.monotonic()
    contenders = {
        name: lambda name=name: engine.exclusively(lambda _: work.seconds(name)) for name in plan.schedules
    }
    for number, (name, seconds) in enumerate(alternate(contenders, plan.rounds, warmup=0), 1):
        race.seconds[name].append(seconds)
        if time.monotonic() - looked > WATCH_EVERY_S:
            _note(race, watch)
            looked = time.monotonic()
        yield race
        rounds, rest = divmod(number, len(plan.schedules))
        if rest == 0 and (rounds in PROFILE_AFTER or rounds == plan.rounds):
            yield from _profiled(engine, work, race, end)
        if rounds and time.monotonic() > end:
            return


def _profiled(engine: Engine, work: Workload, race: Race, end: float) -> Iterator[Race]:
    """One profiled run of each schedule: the first time in any case, later only before the deadline."""
    for name in race.plan.schedules:
        if race.profiles[name] and time.monotonic() > end:
            return
        race.profiles[name].append(engine.exclusively(lambda _, name=name: work.profile(name)))
        yield race


def _note(race: Race, watch: Watch) -> None:
    race.conditions = watch.look()
    race.warnings = watch.warnings()
