"""The latency section's messages and handlers."""

from __future__ import annotations

import json
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from support.stub_engine import StubEngine

from app.engine.models import Models
from app.latency.handlers import LatencyHandlers
from app.latency.payload import encode_race, encode_stopped, encode_text, verdicts_of
from app.latency.race import Race, run_race
from app.latency.settings import BASELINE, MAX_ROUNDS, SCOPES, Plan
from app.server.staleness import Moments


@pytest.fixture
def engine(tiny) -> StubEngine:
    return StubEngine(tiny)


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
