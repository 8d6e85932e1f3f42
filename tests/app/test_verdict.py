"""The plan of a race, and the words that follow from its runs."""

from __future__ import annotations

import numpy as np
import pytest

import mpm
from app.latency.race import Race
from app.latency.settings import BASELINE, MAX_ROUNDS, SCOPES, Plan
from app.latency.verdict import gain_and_price, speedup, verdict
from mpm.measure.profile import BlockTime, Profile


def made_up(ratio: float, runs: int = 9, spread: float = 0.01, **rest) -> Race:
    """A race of the baseline at 200 ms against {2}, `ratio` times as fast."""
    rng = np.random.default_rng(0)
    race = Race.of(Plan((BASELINE, "2")))
    race.seconds[BASELINE] = (0.2 * (1 + spread * rng.standard_normal(runs))).tolist()
    race.seconds["2"] = (0.2 / ratio * (1 + spread * rng.standard_normal(runs))).tolist()
    return profiled(race, **rest)


def profiled(race: Race, kept: int = 50, saved: float = 0.05, price: float = 0.01) -> Race:
    plain = Profile({"embed": 0.02, "blocks": 0.15}, (BlockTime(100, 0.1), BlockTime(100, 0.05)), np.zeros(1))
    parts = {"embed": 0.02, "blocks": 0.15 - saved, "match": price}
    merged = Profile(parts, (BlockTime(100, 0.1), BlockTime(kept, 0.05 - saved, price)), np.zeros(1))
    race.profiles = {BASELINE: [plain], "2": [merged]}
    return race


def words(race: Race) -> str:
    return " ".join(verdict(race, "2", speedup(race, "2")))


def test_a_gain_is_told_with_its_interval():
    said = words(made_up(1.3))
    assert said.startswith("Faster: {2} is 1.3") and "9 runs each" in said and "ms instead of" in said
    assert "blocks took 50.0 ms less" in said and "cost 10.0 ms" in said


def test_no_gain_is_told_with_its_reason():
    assert "Few tokens merged: 100 became 95" in words(made_up(0.98, kept=95))
    assert "Attention is already cheap at 100 tokens" in words(made_up(0.8, saved=0.004))
    assert words(made_up(0.8, saved=0.004)).startswith("Slower")
    wild = made_up(1.0)
    wild.seconds = {BASELINE: [0.1, 0.3] * 5, "2": [0.28, 0.12] * 5}
    noisy = words(wild)
    assert noisy.startswith("No clear difference") and "scatter too much" in noisy
    shaken = made_up(0.98)
    shaken.warnings = ("The clock moved.",)
    assert "not steady" in words(shaken)
    assert "Few tokens" not in words(made_up(1.3, kept=95)), "no excuse where there is a gain"


def test_few_runs_promise_nothing():
    few = made_up(1.3, runs=6)
    few.state = "running"
    assert words(few) == "Measuring: 6 of at least 7 runs of each."
    few.state = "done"
    assert words(few) == "6 runs of each are too few for a figure: 7 are needed."
    assert speedup(few, "2") is None and speedup(made_up(1.3, runs=7), "2") is not None
    assert "baseline itself" in verdict(made_up(1.3), BASELINE, None)[0]


def test_gain_and_price_come_from_the_parts():
    assert gain_and_price(made_up(1.3), "2") == pytest.approx((0.05, 0.01))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("2", ["x"], SCOPES[0], 9, 12), "not understood"),
        (("2", [], "everything", 9, 12), "scope must be"),
        (("2", [], SCOPES[0], 0, 12), "number of runs"),
        (("2", [], SCOPES[0], None, 12), "number of runs"),
        (("2", [], SCOPES[0], MAX_ROUNDS + 1, 12), "number of runs"),
        (("2", [], SCOPES[0], 9, float("nan")), "deadline"),
        (("2", [], SCOPES[0], 9, 10**6), "deadline"),
        (("2", [str(block) for block in range(12)], SCOPES[0], 9, 12), "At most 10 schedules"),
    ],
)
def test_bad_plans_are_one_sentence(arguments, sentence):
    with pytest.raises(mpm.InputError, match=sentence):
        Plan.read(*arguments)


def test_the_baseline_and_the_chosen_one_always_race_once():
    assert Plan.read("2,5", ["5", "2,5", "none"], SCOPES[1], 9, 12).schedules == ("none", "2,5", "5")
    assert Plan.read("none", [], SCOPES[0], 9, 12).schedules == ("none",)
