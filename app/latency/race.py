"""A race: baseline and merged runs in turn, in one runtime or two, and what the machine did meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from app.engine.scheduler import ANYBODY, Claim
from app.latency.settings import FEWEST_ROUNDS, Contender, Plan
from mpm.errors import InputError
from mpm.measure.health import Conditions, Watch
from mpm.measure.paired import ratio_interval, turns
from mpm.runtimes import RuntimeChoice

if TYPE_CHECKING:
    from app.engine.engine import Engine
    from mpm.measure.profile import Profile, Workload
    from mpm.segmenters.segmenter import Segmenter

Result = TypeVar("Result")

Works = Mapping[RuntimeChoice | None, "Workload"]
"""The picture on the model in each runtime; None: the page's own."""
PROFILE_AFTER = (1, 3, 6, 10, 15)
"""Rounds after which every schedule runs once more with its parts on the clock."""
WATCH_EVERY_S = 2.0


@dataclass
class Race:
    """All that was measured so far, by name of the contender. Grows while the race goes on; in seconds.

    segmenter  the model as the page runs it; None before it is loaded
    note       why the other runtime takes no part
    """

    plan: Plan
    seconds: dict[str, list[float]]
    profiles: dict[str, list[Profile]]
    warnings: tuple[str, ...] = ()
    conditions: Conditions | None = None
    state: str = "waiting"
    warmed: int = 0
    picture: dict = field(default_factory=dict)
    segmenter: Segmenter | None = None
    note: str = ""

    @classmethod
    def of(cls, plan: Plan) -> Race:
        names = [one.name for one in plan.contenders]
        return cls(plan, {name: [] for name in names}, {name: [] for name in names})

    @property
    def measured(self) -> bool:
        """Whether every contender has run."""
        return all(self.seconds.values())

    def leave_out_the_runtime(self, note: str) -> None:
        """Nothing was run in it yet, and nothing will be. note: why not."""
        self.plan, self.note = replace(self.plan, runtime=None), note
        fresh = Race.of(self.plan)
        self.seconds, self.profiles = fresh.seconds, fresh.profiles

    def agreement(self, one: Contender) -> float | None:
        """Share of pixels that it labels as the page's own runtime does; None before both were profiled."""
        both = self.profiles[one.name][:1] + self.profiles[one.own.name][:1]
        return float(np.mean(both[0].labels == both[1].labels)) if len(both) == 2 else None

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
    race.segmenter = segmenter = engine.segmenter
    watch = Watch(segmenter.device)
    from mpm.measure.profile import (
        Workload,  # imports timm: only once the loading thread has (see app.engine.engine)
    )

    track = _Track(engine, race, claim)
    twin = yield from _built(track, engine, segmenter)
    works = {}
    for runtime, model in ((None, segmenter), (plan.runtime, twin)):
        if model:
            make = partial(Workload, model, rgb, plan.scope, engine.max_patches)
            works[runtime] = yield from track.run(make)
    grid = works[None].geometry.grid
    race.picture = {"wh_px": [rgb.shape[1], rgb.shape[0]], "patches": grid.size}
    race.state = "warming up"
    start = time.monotonic() - track.held_s  # waiting until here is not the race's time either
    for one in race.plan.contenders:
        yield from track.run(partial(works[one.runtime].seconds, one.recipe))
        race.warmed += 1
        yield race
    watch.begin()
    race.state = "running"
    yield from _timed(track, works, watch, start + plan.deadline_s)
    _note(race, watch)
    race.state = "done"
    yield race


def _built(track: _Track, engine: Engine, segmenter: Segmenter) -> Generator[Race, None, Segmenter | None]:
    """The model in the other runtime, if there is to be one; where that fails, the race goes on without."""
    race, runtime = track.race, track.race.plan.runtime
    if runtime is None:
        return None
    if runtime.text == segmenter.runtime:
        race.leave_out_the_runtime(f"{runtime.title} is what this page runs in already.")
        return None
    state, race.state = race.state, "building"
    yield race
    try:
        twin = yield from track.run(lambda: engine.twins.of(segmenter, runtime))
    except InputError as error:
        race.leave_out_the_runtime(f"{runtime.title} takes no part: {error}")
        twin = None
    race.state = state
    return twin


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


def _timed(track: _Track, works: Works, watch: Watch, end: float) -> Iterator[Race]:
    """end: of the time that the race may take, besides that in which others were served."""
    race, looked = track.race, time.monotonic()
    racing, rounds = {one.name: one for one in race.plan.contenders}, race.plan.rounds
    for number, name in enumerate(turns(list(racing), rounds), 1):
        again = partial(works[racing[name].runtime].seconds, racing[name].recipe)
        race.seconds[name].append((yield from track.run(again, warm_up=again)))
        if time.monotonic() - looked > WATCH_EVERY_S:
            _note(race, watch)
            looked = time.monotonic()
        yield race
        done, rest = divmod(number, len(racing))
        if rest:
            continue
        if done in PROFILE_AFTER or done == rounds:
            yield from _profiled(track, works, end)
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


def _profiled(track: _Track, works: Works, end: float) -> Iterator[Race]:
    """One profiled run of each contender: the first time in any case, later only before the deadline."""
    race = track.race
    for one in race.plan.contenders:
        own = race.profiles[one.name]
        if own and time.monotonic() > end + track.held_s:
            return
        own.append((yield from track.run(partial(works[one.runtime].profile, one.recipe))))
        yield race


def _note(race: Race, watch: Watch) -> None:
    race.conditions = watch.look()
    race.warnings = watch.warnings()
