"""Races: honest runs that end when they should, and their profiles."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from support.stub_engine import StubEngine

import mpm
from app.latency.race import run_race
from app.latency.settings import BASELINE, Plan
from mpm.measure.profile import MODEL, WHOLE, BlockClock, Workload, profiled_run


@pytest.fixture
def engine(tiny) -> StubEngine:
    return StubEngine(tiny)


def test_profiled_runs_change_nothing(tiny, smooth_image):
    for schedule in ("none", "1,3"):
        plain = tiny.segment(smooth_image, schedule)
        profile = profiled_run(tiny, smooth_image, schedule)
        assert np.array_equal(profile.labels, plain.labels)
        assert len(profile.blocks) == tiny.depth
        assert list(dict.fromkeys(profile.token_counts)) == list(dict.fromkeys(plain.trace.token_counts))
        merged = [number for number, block in enumerate(profile.blocks) if block.match > 0]
        assert merged == ([1, 3] if schedule == "1,3" else [])
        for part, name in (("block", "blocks"), ("match", "match"), ("merge", "merge")):
            total = sum(getattr(block, part) for block in profile.blocks)
            assert total == pytest.approx(profile.parts.get(name, 0.0))


def test_the_block_clock_gives_each_block_its_own_merge():
    clock = BlockClock()
    for name in ("embed", "blocks", "match", "merge", "blocks", "decode"):
        with clock.part(name):
            pass
    assert [set(block) for block in clock.blocks] == [{"blocks"}, {"match", "merge", "blocks"}]


def test_model_only_leaves_out_the_picture(tiny, smooth_image, monkeypatch):
    whole, model = (Workload(tiny, smooth_image, scope) for scope in (WHOLE, MODEL))
    resized, plain = [], mpm.Segmenter.preprocess

    def preprocess(*given, **options):
        resized.append(given)
        return plain(*given, **options)

    monkeypatch.setattr(mpm.Segmenter, "preprocess", preprocess)
    assert model.seconds("1") > 0 and not resized
    assert whole.seconds("1") > 0 and len(resized) == 1
    with pytest.raises(ValueError, match="scope must be"):
        Workload(tiny, smooth_image, "half")


def test_a_race_runs_in_turn_and_ends(engine, smooth_image):
    plan = Plan((BASELINE, "1", "1,3"), rounds=4, deadline_s=60)
    states = [
        (race.state, sum(map(len, race.seconds.values()))) for race in run_race(engine, smooth_image, plan)
    ]
    (race,) = {id(race): race for race in run_race(engine, smooth_image, plan)}.values()
    assert list(dict.fromkeys(state for state, _ in states)) == ["waiting", "warming up", "running", "done"]
    assert states[-1] == ("done", 12) and all(
        later >= now for (_, now), (_, later) in zip(states, states[1:], strict=False)
    )
    assert all(len(seconds) == 4 for seconds in race.seconds.values())
    assert race.tokens("1,3")[0] == race.tokens(BASELINE)[-1] > race.tokens("1,3")[-1]
    assert len(race.blocks("1")) == 4 and race.blocks(BASELINE)[1][2:] == (0.0, 0.0)
    assert race.parts("1")["match"] > 0 and "match" not in race.parts(BASELINE)


def test_the_deadline_ends_a_race_after_one_whole_round(engine, smooth_image):
    plan = Plan((BASELINE, "1"), rounds=200, deadline_s=0.0)
    *_, race = run_race(engine, smooth_image, plan)
    assert race.state == "done" and [len(own) for own in race.seconds.values()] == [1, 1]
    assert all(race.profiles.values()), "one profiled run of each in any case"


def test_closing_a_race_ends_the_work(engine, smooth_image):
    race = run_race(engine, smooth_image, Plan((BASELINE, "1"), rounds=200, deadline_s=60))
    while next(race).state != "running":
        pass
    done = engine.turns
    race.close()
    assert engine.turns == done
    engine.served_elsewhere().leave()


def test_a_hundred_starts_leave_nothing_behind(engine, smooth_image):
    def start() -> None:
        race = run_race(engine, smooth_image, Plan((BASELINE, "1")))
        next(race), next(race)
        race.close()

    start()  # the device's own thread begins with its first work
    before = set(threading.enumerate())
    for _ in range(100):
        start()
    assert set(threading.enumerate()) <= before, "who loaded the model may have ended meanwhile"
