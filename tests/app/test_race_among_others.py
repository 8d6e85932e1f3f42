"""Races that share the device: held while others are served, honest afterwards, ended when they should be."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from support.patience import PATIENCE_S, until
from support.stub_engine import StubEngine

import mpm
from app.engine.scheduler import Claim, Urgency
from app.errors import Overtaken
from app.latency import race as race_module
from app.latency.race import run_race
from app.latency.settings import BASELINE, FEWEST_ROUNDS, SETTLED_AT, Plan

RGB = np.zeros((8, 8, 3), np.uint8)
PROFILE = SimpleNamespace(token_counts=(9, 9), parts={}, blocks=[])


class MadeUpWork:
    """Runs that take what they are told to, on a clock of their own."""

    def __init__(self, times=None) -> None:
        self.now, self.calls, self.times = 0.0, [], times or {}
        self.geometry = SimpleNamespace(grid=SimpleNamespace(size=9))

    def seconds(self, name: str) -> float:
        """The run's number makes it one of its kind."""
        self.calls.append(name)
        taken = self.times.get(name, lambda number: 1.0)(len(self.calls))
        self.now += taken
        return taken

    def profile(self, name: str) -> SimpleNamespace:
        self.now += 1.0
        return PROFILE


@pytest.fixture
def work(monkeypatch) -> MadeUpWork:
    """What races run, and the clock that they look at."""
    work = MadeUpWork()
    monkeypatch.setattr("mpm.measure.profile.Workload", lambda *_: work)
    monkeypatch.setattr(race_module, "time", SimpleNamespace(monotonic=lambda: work.now))
    return work


@pytest.fixture
def device(tiny, soon) -> StubEngine:
    return StubEngine(tiny)


def go_on(race, state: str, runs: int = 0):
    """The race once it is in that state with so many runs."""
    for found in race:
        if found.state == state and sum(map(len, found.seconds.values())) >= runs:
            return found
    raise AssertionError(f"never {state}")


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_a_race_is_held_while_somebody_else_is_served_and_goes_on(device, work, state):
    race = run_race(device, RGB, Plan((BASELINE, "1"), rounds=3), Claim("racer", Urgency.MEASURED))
    go_on(race, state)
    held = device.served_elsewhere()
    before = len(work.calls)
    for _ in range(3):
        assert next(race).state == "held" and len(work.calls) == before
    held.leave()
    go_on(race, {"waiting": "warming up", "running": "running"}[state])
    *_, last = race
    assert last.state == "done" and [len(own) for own in last.seconds.values()] == [3, 3]


def test_a_race_lets_a_thread_that_keeps_asking_through(device, work):
    ended, served = threading.Event(), []

    def visit() -> None:
        while not ended.is_set():
            with device.scheduler.turn(Claim("asks", Urgency.ASKED)):
                served.append(len(work.calls))

    visitor = threading.Thread(target=visit, daemon=True)
    plan = Plan((BASELINE, "1"), rounds=20, deadline_s=1e6)
    race = run_race(device, RGB, plan, Claim("racer", Urgency.MEASURED))
    go_on(race, "running")
    visitor.start()
    for _ in range(5):
        asked = len(served)
        until(lambda asked=asked: len(served) > asked)
        assert next(race).state in ("waiting", "held", "running")
    ended.set()
    *_, last = race
    visitor.join(PATIENCE_S)
    assert last.state == "done" and len(last.seconds["1"]) == 20


def test_waiting_is_not_the_race_s_time(device, work):
    plan = Plan((BASELINE, "1"), rounds=4, deadline_s=30.0)
    race = run_race(device, RGB, plan, Claim("racer", Urgency.MEASURED))
    for state in ("waiting", "warming up", "running"):
        go_on(race, state)
        held = device.served_elsewhere()
        assert next(race).state == "held"
        work.now += 1000.0
        held.leave()
    *_, last = race
    assert [len(own) for own in last.seconds.values()] == [4, 4]


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_waiting_makes_no_race_longer_than_its_deadline(device, work, state):
    plan = Plan((BASELINE, "1"), rounds=200, deadline_s=30.0)
    race = run_race(device, RGB, plan, Claim("racer", Urgency.MEASURED))
    go_on(race, state)
    held = device.served_elsewhere()
    next(race)
    work.now += 1000.0
    held.leave()
    *_, last = race
    assert 1030.0 <= work.now <= 1040.0 and last.state == "done"


def test_a_run_after_others_is_warmed_up_and_the_warm_up_thrown_away(device, work):
    work.times = {BASELINE: float, "1": float}
    plan = Plan((BASELINE, "1"), rounds=6, deadline_s=1e6)
    race = run_race(device, RGB, plan, Claim("racer", Urgency.MEASURED))
    go_on(race, "running", runs=4)
    go_on(race, "running", runs=5)  # in the middle of a round: the next one is timed
    calls = len(work.calls)
    device.served_elsewhere().leave()
    found = go_on(race, "running", runs=6)
    warm_up, run = work.calls[calls:]
    assert warm_up == run
    kept = [number for own in found.seconds.values() for number in own]
    assert calls + 2 in kept and calls + 1 not in kept
    go_on(race, "running", runs=7)
    assert len(work.calls) == calls + 3, "nobody came in between any more"


def steady(number: int) -> float:
    return 1.0 + 0.001 * (number % 5)


def unsteady(number: int) -> float:
    return 1.0 + (number % 7) * 0.5


@pytest.mark.parametrize(
    ("settled_at", "times", "rounds"),
    [(SETTLED_AT, steady, FEWEST_ROUNDS), (SETTLED_AT, unsteady, 21), (None, steady, 21)],
)
def test_a_race_that_runs_by_itself_ends_once_it_knows_enough(device, work, settled_at, times, rounds):
    work.times = {BASELINE: times, "1": times}
    plan = Plan((BASELINE, "1"), rounds=21, deadline_s=1e6, settled_at=settled_at)
    *_, last = run_race(device, RGB, plan)
    assert last.state == "done" and [len(own) for own in last.seconds.values()] == [rounds] * 2


def test_a_race_that_is_not_wanted_any_more_runs_nothing(device, work):
    wanted = [True]
    claim = Claim("racer", Urgency.MEASURED, lambda: wanted[0])
    race = run_race(device, RGB, Plan((BASELINE, "1"), rounds=20), claim)
    go_on(race, "running", runs=3)
    calls, wanted[0] = len(work.calls), False
    with pytest.raises(Overtaken):
        next(race)
    assert len(work.calls) == calls


def test_a_schedule_that_does_not_fit_ends_a_race_with_a_sentence(device):
    with pytest.raises(mpm.InputError, match="0 to 3"):
        list(run_race(device, RGB, Plan((BASELINE, "99"), rounds=2)))
