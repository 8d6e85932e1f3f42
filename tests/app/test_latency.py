"""Races: honest runs, words that follow from them, messages that hold them."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

import mpm
from app.engine.models import Models
from app.latency.handlers import LatencyHandlers, medians
from app.latency.payload import encode_race, encode_stopped, encode_text, verdicts_of
from app.latency.race import Race, run_race
from app.latency.settings import BASELINE, MAX_ROUNDS, SCOPES, Plan
from app.latency.verdict import gain_and_price, speedup, verdict
from app.server.staleness import Moments
from mpm.measure.profile import MODEL, WHOLE, BlockClock, BlockTime, Profile, Workload, profiled_run


class StubEngine:
    """The engine's contract around a tiny model."""

    def __init__(self, segmenter, model: str = "tiny") -> None:
        self.name = model
        self.segmenter, self.model, self.calls, self.max_patches = segmenter, model, 0, 3072

    def wait(self, timeout_s: float | None = None) -> bool:
        return True

    def exclusively(self, work):
        self.calls += 1
        return work(self.segmenter)


@pytest.fixture
def engine(tiny) -> StubEngine:
    return StubEngine(tiny)


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
    assert words(made_up(1.3, runs=2)).endswith("so far, after 2 of each.")
    assert words(Race.of(Plan((BASELINE, "2")))) == ""
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
        (("2", [str(block) for block in range(12)], SCOPES[0], 9, 12), "at most 9 schedules"),
    ],
)
def test_bad_plans_are_one_sentence(arguments, sentence):
    with pytest.raises(mpm.InputError, match=sentence):
        Plan.read(*arguments)


def test_the_baseline_and_the_chosen_one_always_race_once():
    assert Plan.read("2,5", ["5", "2,5", "none"], SCOPES[1], 9, 12).schedules == ("none", "2,5", "5")
    assert Plan.read("none", [], SCOPES[0], 9, 12).schedules == ("none",)


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


def test_model_only_leaves_out_the_picture(tiny, smooth_image):
    large = np.repeat(np.repeat(smooth_image, 16, 0), 16, 1)
    whole, model = Workload(tiny, large, WHOLE), Workload(tiny, large, MODEL)
    times = {name: min(work.seconds("1") for _ in range(5)) for name, work in (("w", whole), ("m", model))}
    assert 0 < times["m"] < times["w"]
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
    assert set(medians(race)) == {BASELINE, "1", "1,3"}


def test_the_deadline_ends_a_race_after_one_whole_round(engine, smooth_image):
    plan = Plan((BASELINE, "1"), rounds=200, deadline_s=0.0)
    *_, race = run_race(engine, smooth_image, plan)
    assert race.state == "done" and [len(own) for own in race.seconds.values()] == [1, 1]
    assert all(race.profiles.values()), "one profiled run of each in any case"


def test_closing_a_race_ends_the_work(engine, smooth_image):
    race = run_race(engine, smooth_image, Plan((BASELINE, "1"), rounds=200, deadline_s=60))
    while next(race).state != "running":
        pass
    done = engine.calls
    race.close()
    assert engine.calls == done


def test_a_hundred_starts_leave_nothing_behind(engine, smooth_image):
    before = threading.active_count()
    for _ in range(100):
        race = run_race(engine, smooth_image, Plan((BASELINE, "1")))
        next(race), next(race)
        race.close()
    assert threading.active_count() == before


def test_messages_hold_every_run(engine, smooth_image):
    *_, race = run_race(engine, smooth_image, Plan((BASELINE, "1"), rounds=3, deadline_s=60))
    message = json.loads(encode_race(race, "race 1", [("Cores", "2")], verdicts_of(race)))
    baseline, merged = message["contenders"]
    assert baseline["ms"] == pytest.approx([1000 * one for one in race.seconds[BASELINE]], abs=1e-3)
    assert merged["summary"]["median"] == pytest.approx(np.median(merged["ms"]), abs=2e-3)
    assert merged["speedup"][1] <= merged["speedup"][0] <= merged["speedup"][2] and merged["verdict"]
    assert baseline["speedup"] is None and message["scope"] == "picture to mask"
    assert [block[0] for block in merged["blocks"]] == list(race.tokens("1"))
    assert message["facts"] == [["Cores", "2"]] and message["picture"]["wh_px"] == [90, 60]
    assert (
        json.loads(encode_text("<b>"))["text"] == "<b>" and json.loads(encode_stopped())["kind"] == "stopped"
    )


def test_the_largest_message_is_small():
    names = [BASELINE, *(str(block) for block in range(8))]
    race = Race.of(Plan(tuple(names), rounds=MAX_ROUNDS))
    race.seconds = {name: [1.234567] * MAX_ROUNDS for name in names}
    assert len(encode_race(race, "r")) < 30_000


@pytest.fixture
def on(engine) -> LatencyHandlers:
    return LatencyHandlers(Models.of(engine))


def test_the_short_race_feeds_plot_and_inspector(on, smooth_image):
    *early, (last, timings) = on.race(smooth_image, "1")
    race = json.loads(last)
    assert race["state"] == "done" and [len(one["ms"]) for one in race["contenders"]] == [9, 9]
    sent = json.loads(timings)["timings"]
    assert sent["1"]["median_ms"] == pytest.approx(race["contenders"][1]["summary"]["median"], abs=1e-3)
    assert all(message == gr.skip() for _, message in early)


def test_model_only_times_are_kept_from_the_inspector(on, smooth_image):
    *_, (last, timings) = on.start(smooth_image, "1", ["3"], "model only", 2, 30)
    assert timings == gr.skip() and json.loads(last)["scope"] == "model only"
    assert [one["schedule"] for one in json.loads(last)["contenders"]] == ["none", "1", "3"]


def test_races_have_names_of_their_own(on, smooth_image):
    keys = {json.loads(message)["race"] for _ in range(2) for message, _ in on.race(smooth_image, "1")}
    assert len(keys) == 2


def test_stop_ends_the_race_of_its_own_tab_before_the_next_run(on, engine, smooth_image):
    mine, other = SimpleNamespace(session_hash="mine"), SimpleNamespace(session_hash="other")
    race = on.start(smooth_image, "1", [], SCOPES[0], 200, 60, None, 10.0, mine)
    next(race)
    calls = []
    run = engine.exclusively
    engine.exclusively = lambda work: (
        calls.append(1),
        on.stopped(11.0, mine if len(calls) > 5 else other),
        run(work),
    )[2]
    list(race)
    assert len(calls) == 6


def runs_of(race) -> int:
    """Runs in the last message of a race, 0 when it was stopped before its first message."""
    messages = [message for message, _ in race if message != gr.skip()]
    return len(json.loads(messages[-1])["contenders"][0]["ms"]) if messages else 0


def test_a_stop_counts_for_what_was_pressed_before_it_only(on, smooth_image):
    tab = SimpleNamespace(session_hash="tab")
    start = (smooth_image, "1", [], SCOPES[0], 2, 60, None)
    on.stopped(20.0, tab)
    assert runs_of(on.start(*start, 10.0, tab)) == 0, "a Stop may overtake its Start"
    assert runs_of(on.start(*start, 30.0, tab)) == 2
    on.stopped(5.0, tab)
    assert runs_of(on.start(*start, 10.0, tab)) == 0, "an older Stop takes nothing back"


def test_another_start_ends_the_race_before_it(on, smooth_image):
    tab = SimpleNamespace(session_hash="tab")
    first = on.start(smooth_image, "1", [], SCOPES[0], 200, 60, None, 10.0, tab)
    next(first)
    text, pressed = on.announce(smooth_image, None, 20.0, tab)
    assert runs_of(first) == 0 and pressed == 20.0 and json.loads(text)["pressed"] == 20.0
    assert runs_of(on.start(smooth_image, "1", [], SCOPES[0], 2, 60, None, pressed, tab)) == 2


def test_each_start_races_once(on, smooth_image):
    tab = SimpleNamespace(session_hash="tab")
    start = (smooth_image, "1", [], SCOPES[0], 2, 60, None, 10.0, tab)
    assert runs_of(on.start(*start)) == 2
    assert runs_of(on.start(*start)) == 0, "two quick Starts may both be told the later one's moment"


def test_another_schedule_ends_the_automatic_race_but_not_start_s(on, smooth_image):
    tab = SimpleNamespace(session_hash="tab")
    automatic = on.race(smooth_image, "1", None, 10.0, tab)
    chosen = on.start(smooth_image, "1", [], SCOPES[0], 3, 60, None, 11.0, tab)
    next(automatic), next(chosen)
    on.tabs.choices.note("tab", 20.0)
    assert runs_of(automatic) == 0 and runs_of(chosen) == 3
    assert runs_of(on.race(smooth_image, "1", None, 20.0, tab)) == 9, "the choice's own"


def test_moments_belong_to_tabs_and_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr("app.server.staleness.MAX_TABS", 2)
    moments = Moments()
    assert [moments.note("a", moment) for moment in (10.0, 10.0, 5.0, 11.0)] == [True, False, False, True]
    assert moments.since("a", 10.0) and not moments.since("a", 11.0) and not moments.since("b", 0.0)
    assert moments.note("b", None) and not moments.note("b", None)
    moments.note("c", 1.0)
    assert not moments.since("a", 1.0), "forgotten"


def test_bad_input_is_one_sentence(on, smooth_image):
    assert [json.loads(message)["kind"] for message, _ in on.race(None, "1")] == ["text"]
    assert "Pick an example" in on.announce(None)[0] and "Waiting" in on.announce(smooth_image)[0]
    race = on.start(smooth_image, "99", [], SCOPES[0], 9, 12)
    with pytest.raises(gr.Error, match="blocks 0 to 3"):
        list(race)
    with pytest.raises(gr.Error, match="number of runs"):
        list(on.start(smooth_image, "1", [], SCOPES[0], None, 12))


def test_cards_from_a_browser_that_sends_nonsense(on):
    for files in (None, "x", [None], [{"name": "a"}], {"a": 1}):
        message = json.loads(on.cards(SimpleNamespace(files=files)))
        assert message["cards"] == []
