"""The latency section's messages and handlers."""

from __future__ import annotations

import json
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from support.page_events import event, tab, told, wish
from support.stub_engine import StubEngine

from app.engine.generations import RACE, RECIPE, VIEW
from app.engine.models import Models
from app.engine.pictures import Picture, Pictures
from app.engine.scheduler import Urgency
from app.latency import handlers as latency_module
from app.latency.handlers import AUTO_ROUNDS, METHODS_ROUNDS, LatencyHandlers
from app.latency.payload import Heading, encode_race, encode_stopped, encode_text, verdicts_of
from app.latency.race import Race, run_race
from app.latency.settings import BASELINE, FEWEST_ROUNDS, MAX_RIVALS, MAX_ROUNDS, SCOPES, Plan

NOVEL = "1," * 50_000


@pytest.fixture
def engine(tiny, soon) -> StubEngine:
    return StubEngine(tiny)


@pytest.fixture
def picture(smooth_image) -> Picture:
    return Picture.of(smooth_image)


@pytest.fixture
def on(engine, picture, monkeypatch) -> LatencyHandlers:
    """Handlers that send every moment of a race."""
    monkeypatch.setattr(latency_module, "SEND_EVERY_S", 0.0)
    pictures = Pictures()
    pictures.add(picture)
    return LatencyHandlers(Models.of(engine), pictures)


def by_itself(on, picture, generation: float = 1, recipe: str = "1", request=None, **fields):
    return on.race(event(generation, picture, recipe=recipe, **fields), request)


def by_hand(on, picture, generation: float = 1, rounds=2, request=None, recipe: str = "1", **controls):
    given = {"schedules": [], "scope": SCOPES[0], "deadline_s": 60, "runtime": None, **controls}
    text = json.dumps(wish(generation, picture, recipe=recipe))
    return on.start(
        given["schedules"], given["scope"], rounds, given["deadline_s"], given["runtime"], text, request
    )


def runs_of(messages) -> int:
    """Runs in the last message of a race, 0 when it was stopped before its first message."""
    races = [one for one in told(messages) if one["kind"] == "race"]
    return len(races[-1]["contenders"][0]["ms"]) if races else 0


def until_runs(race, runs: int) -> None:
    """Let the race go on until it has so many of the baseline."""
    while runs_of([next(race)]) < runs:
        pass


def test_messages_hold_every_run(engine, smooth_image):
    *_, race = run_race(engine, smooth_image, Plan((BASELINE, "1"), rounds=7, deadline_s=60))
    heading = Heading("race 1", 7, "digest", "tiny", by_hand=True)
    message = json.loads(encode_race(race, heading, [("Cores", "2")], verdicts_of(race)))
    baseline, merged = message["contenders"]
    assert baseline["ms"] == pytest.approx([1000 * one for one in race.seconds[BASELINE]], abs=1e-3)
    assert merged["summary"]["median"] == pytest.approx(np.median(merged["ms"]), abs=2e-3)
    assert merged["speedup"][1] <= merged["speedup"][0] <= merged["speedup"][2] and merged["verdict"]
    assert baseline["speedup"] is None and message["scope"] == "picture to mask"
    assert [block[0] for block in merged["blocks"]] == list(race.tokens("1"))
    assert message["facts"] == [["Cores", "2"]]
    assert message["size"]["wh_px"] == [90, 60] and message["size"]["patches"] == race.tokens("none")[0]
    told_heading = {name: message[name] for name in ("race", "generation", "picture", "model", "by_hand")}
    assert told_heading == {
        "race": "race 1", "generation": 7, "picture": "digest", "model": "tiny", "by_hand": True,
    }  # fmt: skip
    assert json.loads(encode_text("<b>", 3)) == {"schema": 3, "kind": "text", "text": "<b>", "generation": 3}
    assert json.loads(encode_stopped(4)) == {"schema": 3, "kind": "stopped", "generation": 4}


def test_the_largest_message_is_small():
    names = [BASELINE, *(str(block) for block in range(8))]
    race = Race.of(Plan(tuple(names), rounds=MAX_ROUNDS))
    race.seconds = {name: [1.234567] * MAX_ROUNDS for name in names}
    assert len(encode_race(race, Heading("r", 1))) < 30_000


def test_the_short_race_tells_what_it_belongs_to_and_ends(on, picture):
    races = told(by_itself(on, picture, 5))
    last = races[-1]
    runs = [len(one["ms"]) for one in last["contenders"]]
    assert last["state"] == "done" and runs[0] == runs[1] and FEWEST_ROUNDS <= runs[0] <= AUTO_ROUNDS
    assert (last["generation"], last["picture"], last["model"]) == (5, picture.digest, "tiny")
    assert last["by_hand"] is False and last["contenders"][1]["speedup"]
    assert list(dict.fromkeys(one["state"] for one in races)) == ["waiting", "warming up", "running", "done"]


def test_a_race_by_hand_does_what_its_controls_say(on, picture):
    last = told(by_hand(on, picture, schedules=["3"], scope="model only"))[-1]
    assert last["scope"] == "model only" and last["by_hand"] is True and last["state"] == "done"
    assert [one["schedule"] for one in last["contenders"]] == ["none", "1", "3"]
    assert [len(one["ms"]) for one in last["contenders"]] == [2, 2, 2]


def test_methods_race_by_hand_beside_the_chosen_recipe(on, picture):
    rivals = ["bipartite(count=3)@1", "none|32px"]
    last = told(by_itself(on, picture, 5, request=tab(), rivals=rivals))[-1]
    assert last["by_hand"] is True and last["state"] == "done" and last["scope"] == SCOPES[0]
    assert [one["schedule"] for one in last["contenders"]] == ["none", "1", *rivals]
    assert all(len(one["ms"]) == METHODS_ROUNDS for one in last["contenders"])
    assert on.generations.is_over("tab", 4, RACE), "an earlier race of the tab gives way"


@pytest.mark.parametrize("rivals", ["2", [2], ["1"] * (MAX_RIVALS + 1), [NOVEL], None])
def test_methods_to_race_are_a_few_short_recipes(on, picture, rivals):
    with pytest.raises(gr.Error):
        list(by_itself(on, picture, rivals=rivals))


def test_races_have_names_of_their_own(on, picture):
    assert len({one["race"] for number in (1, 2) for one in told(by_hand(on, picture, number))}) == 2


def test_a_race_is_measured_work_and_told_to_be_held(on, engine, picture):
    race = by_hand(on, picture, rounds=3)
    until_runs(race, 1)
    held = engine.served_elsewhere()
    assert told([next(race)])[0]["state"] == "held"
    held.leave()
    states = [one["state"] for one in told(race)]
    after = [state for state in states if state != "held"]  # a moment longer: more might have been on its way
    assert (
        after[0] == "running" and after[-1] == "done" and states.index("running") == len(states) - len(after)
    )
    claim = on.generations.claim(SimpleNamespace(tab="x", generation=1), Urgency.MEASURED, VIEW)
    assert claim.urgency > Urgency.AHEAD


def test_stop_ends_the_race_of_its_own_tab_before_the_next_run(on, engine, picture):
    race = by_hand(on, picture, 10, rounds=200, request=tab("mine"))
    until_runs(race, 2)
    on.stopped(json.dumps(wish(11, picture)), tab("other"))
    until_runs(race, 4)
    turns = engine.turns
    stopped = json.loads(on.stopped(json.dumps(wish(11, picture)), tab("mine")))
    assert stopped["kind"] == "stopped" and stopped["generation"] == 11
    assert list(race) == [gr.skip()] and engine.turns == turns


def test_a_stop_counts_for_what_was_pressed_before_it_only(on, picture):
    on.stopped(json.dumps(wish(20, picture)), tab())
    assert runs_of(by_hand(on, picture, 10, request=tab())) == 0, "a Stop may overtake its Start"
    assert runs_of(by_hand(on, picture, 30, request=tab())) == 2
    on.stopped(json.dumps(wish(5, picture)), tab())
    assert runs_of(by_hand(on, picture, 10, request=tab())) == 0, "an older Stop takes nothing back"


def test_another_start_ends_the_race_before_it(on, picture):
    first = by_hand(on, picture, 10, rounds=200, request=tab())
    until_runs(first, 1)
    text = json.loads(on.announce(json.dumps(wish(20, picture)), tab()))
    assert text["generation"] == 20 and "Waiting for the device" in text["text"]
    assert runs_of(first) == 0 and runs_of(by_hand(on, picture, 20, request=tab())) == 2


def test_clicks_in_a_row_that_read_the_last_wish_begin_one_race(on, picture):
    assert runs_of(by_hand(on, picture, 20, request=tab())) == 2
    for generation in (20, 19):
        assert list(by_hand(on, picture, generation, request=tab())) == [gr.skip()]
    assert runs_of(by_hand(on, picture, 20, request=tab("another"))) == 2


@pytest.mark.parametrize("kind", [VIEW, RECIPE, RACE])
def test_what_ends_a_race_that_runs_by_itself(on, engine, picture, kind):
    race = by_itself(on, picture, 10, request=tab())
    until_runs(race, 1)
    on.generations.note("tab", kind, 11)
    turns = engine.turns
    assert list(race) == [gr.skip()] and engine.turns == turns


@pytest.mark.parametrize(("kind", "runs"), [(VIEW, 0), (RECIPE, 4), (RACE, 0)])
def test_what_ends_a_race_by_hand(on, picture, kind, runs):
    race = by_hand(on, picture, 10, rounds=4, request=tab())
    until_runs(race, 1)
    on.generations.note("tab", kind, 11)
    assert runs_of(race) == runs


def test_a_race_that_waits_is_ended_too(on, engine, picture):
    held = engine.served_elsewhere()
    race = by_hand(on, picture, 10, request=tab())
    while told([next(race)])[0]["state"] != "held":
        pass
    on.generations.note("tab", RACE, 11)
    turns = engine.turns
    assert list(race) == [gr.skip()] and engine.turns == turns
    held.leave()


def test_messages_that_come_close_together_travel_as_one(on, picture, monkeypatch):
    monkeypatch.setattr(latency_module, "SEND_EVERY_S", 1e6)
    races = told(by_hand(on, picture, rounds=5))
    assert [one["state"] for one in races] == ["waiting", "warming up", "running", "done"]


def test_what_cannot_be_measured_is_one_sentence(on, picture):
    gone = Picture.of(255 - picture.rgb)
    for race, words in (
        (by_itself(on, None), "Pick an example"),
        (by_hand(on, None, 2), "Pick an example"),
        (by_itself(on, gone), "pick it again"),
        (by_itself(on, picture, recipe="99"), "blocks 0 to 3"),
        (by_itself(on, picture, recipe=NOVEL), "at most 400 characters"),
        (by_itself(on, picture, model="/etc/passwd"), "has no model"),
        (by_hand(on, picture, 3, rounds=None), "number of runs must be"),
        (by_hand(on, picture, 4, rounds="9"), "number of runs must be"),
        (by_hand(on, picture, 5, rounds=10**9), "number of runs must be"),
        (by_hand(on, picture, 6, deadline_s=float("nan")), "deadline must be"),
        (by_hand(on, picture, 7, scope="half"), "scope must be"),
        (by_hand(on, picture, 8, schedules=["1"] + [f"{one}" for one in range(200)]), "."),
        (by_hand(on, picture, 9, schedules=["2;5", {}]), "."),
    ):
        *_, text = told(race)
        assert text["kind"] == "text" and words in text["text"] and len(text["text"]) < 450


@pytest.mark.parametrize("ask", [by_itself, by_hand])
def test_what_nobody_foresaw_is_one_sentence_and_in_the_log(on, picture, monkeypatch, caplog, ask):
    def broken(*_arguments):
        raise RuntimeError("/secret")

    monkeypatch.setattr(latency_module, "run_race", broken)
    (text,) = told(ask(on, picture))
    assert "RuntimeError" in text["text"] and "/secret" not in text["text"]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [RuntimeError]


@pytest.mark.parametrize("text", [None, "", "{", "[]", "7", '{"generation": "1", "recipe": "2"}'])
def test_wishes_that_no_browser_of_ours_sends_are_one_sentence(on, text):
    for ask in (on.announce, on.stopped, lambda text: list(on.start([], SCOPES[0], 2, 60, None, text))):
        with pytest.raises(gr.Error, match="please reload it"):
            ask(text)
    for data in (None, [], "x", {"generation": []}):
        with pytest.raises(gr.Error, match="please reload it"):
            list(on.race(SimpleNamespace(_data=data)))


def test_cards_from_a_browser_that_sends_nonsense(on):
    for files in (None, "x", [None], [{"name": "a"}], {"a": 1}):
        message = json.loads(on.cards(SimpleNamespace(files=files)))
        assert message["cards"] == []
