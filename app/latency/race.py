"""A race: baseline and merged runs in turn, and what the machine did meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from app.engine.scheduler import ANYBODY, Claim
from app.latency.settings import FEWEST_ROUNDS, Plan
from mpm.measure.health import Conditions, Watch
from mpm.measure.paired import ratio_interval, turns

if TYPE_CHECKING:
    from app.engine.engine import Engine
    from mpm.measure.profile import Profile, Workload

Result = TypeVar("Result")

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


def run_race(engine: Engine, rgb: np.ndarray, plan: Plan, claim: Claim = ANYBODY) -> Iterator[Race]:
    """The race after every single run, always the same growing object. Close it to stop.

    Every run has a turn of its own, so that others may come in between; the race is "held" meanwhile.
    Raises InputError when the model could not be loaded or a schedule does not fit it, Overtaken when the
    claim is not wanted any more.
    """
    race = Race.of(plan)
    yield race
    watch = Watch(engine.segmenter.device)
    from mpm.measure.profile import (
        Workload,  # imports timm: only once the loading thread has (see app.engine.engine)
    )

    segmenter, limit = engine.segmenter, engine.max_patches
    track = _Track(engine, race, claim)
    work = yield from track.run(lambda: Workload(segmenter, rgb, plan.scope, limit))
    grid = work.geometry.grid
    race.picture = {"wh_px": [rgb.shape[1], rgb.shape[0]], "patches": grid.size}
    race.state = "warming up"
    start = time.monotonic() - track.held_s  # waiting until here is not the race's time either
    for name in plan.schedules:
        yield from track.run(partial(work.seconds, name))
        race.warmed += 1
        yield race
    watch.begin()
    race.state = "running"
    yield from _timed(track, work, watch, start + plan.deadline_s)
    _note(race, watch)
    race.state = "done"
    yield race


class _Track:
    """Where a race runs: a device that it shares with others."""

    def __init__(self, engine: Engine, race: Race, claim: Claim) -> None:
        self.race = race
        self.held_s = 0.0
        self._engine, self._claim, self._turns = engine, claim, engine.scheduler.turns

    def run(
        self, work: Callable[[], Result], warm_up: Callable[[], object] | None = None
    ) -> Generator[Race, None, Result]:
        """What `work` gives when its turn comes; the race is yielded while others are served.

        warm_up: runs right before it where somebody else's work came in between and left other data in the
        caches.
        """
        state, entered = self.race.state, time.monotonic()
        turn = self._engine.in_turn(self._claim, lambda: self._begun(entered, work, warm_up))
        try:
            while True:
                waiting = next(turn)
                is_held = waiting.ahead or self.race.state == "held"
                self.race.state = "held" if is_held else "waiting"
                yield self.race
        except StopIteration as end:
            self.race.state = state
            return end.value

    def _begun(
        self, entered: float, work: Callable[[], Result], warm_up: Callable[[], object] | None
    ) -> Result:
        self.held_s += time.monotonic() - entered
        turns, self._turns = self._turns, self._engine.scheduler.turns
        if warm_up and self._turns != turns + 1:
            warm_up()
        return work()


def _timed(track: _Track, work: Workload, watch: Watch, end: float) -> Iterator[Race]:
    """end: of the time that the race may take, besides that in which others were served."""
    race, looked = track.race, time.monotonic()
    names, rounds = race.plan.schedules, race.plan.rounds
    for number, name in enumerate(turns(names, rounds), 1):
        again = partial(work.seconds, name)
        race.seconds[name].append((yield from track.run(again, warm_up=again)))
        if time.monotonic() - looked > WATCH_EVERY_S:
            _note(race, watch)
            looked = time.monotonic()
        yield race
        done, rest = divmod(number, len(names))
        if rest:
            continue
        if done in PROFILE_AFTER or done == rounds:
            yield from _profiled(track, work, end)
        if time.monotonic() > end + track.held_s or _is_settled(race, done):
            return


def _is_settled(race: Race, rounds: int) -> bool:
    """Whether a race that runs by itself knows enough."""
    limit = race.plan.settled_at
    if limit is None or rounds < FEWEST_ROUNDS:
        return False
    baseline, *others = (race.seconds[name] for name in race.plan.schedules)
    intervals = [ratio_interval(baseline, other) for other in others]
    return all(high / low <= limit for _, low, high in intervals)


def _profiled(track: _Track, work: Workload, end: float) -> Iterator[Race]:
    """One profiled run of each schedule: the first time in any case, later only before the deadline."""
    race = track.race
    for name in race.plan.schedules:
        if race.profiles[name] and time.monotonic() > end + track.held_s:
            return
        race.profiles[name].append((yield from track.run(partial(work.profile, name))))
        yield race


def _note(race: Race, watch: Watch) -> None:
    race.conditions = watch.look()
    race.warnings = watch.warnings()
