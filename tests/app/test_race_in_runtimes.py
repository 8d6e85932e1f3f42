"""A race in two runtimes: who runs where, what is said of it, and what happens where that cannot be."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from support.page_events import told, wish
from support.stub_engine import StubEngine

import mpm
from app.engine.models import Models
from app.engine.pictures import Picture, Pictures
from app.latency import handlers as latency_module
from app.latency import section as section_module
from app.latency.elsewhere import verdict_elsewhere
from app.latency.handlers import LatencyHandlers
from app.latency.own_card import own_card
from app.latency.race import Race, run_race
from app.latency.settings import BASELINE, SCOPES, Contender, Plan
from mpm.measure.device_card import parse_card
from mpm.measure.machine import device_facts, device_line
from mpm.measure.profile import BlockTime, Profile
from mpm.runtimes import RuntimeChoice

HALF = RuntimeChoice("torch", "bfloat16")
"""The one that everybody has."""
VINO = RuntimeChoice("openvino", "bfloat16")


@pytest.fixture
def engine(tiny, soon) -> StubEngine:
    return StubEngine(tiny)


@pytest.fixture
def on(engine, smooth_image, monkeypatch) -> LatencyHandlers:
    """Handlers that send every moment of a race."""
    monkeypatch.setattr(latency_module, "SEND_EVERY_S", 0.0)
    pictures = Pictures()
    pictures.add(Picture.of(smooth_image))
    return LatencyHandlers(Models.of(engine), pictures)


def by_hand(on, smooth_image, runtime, rounds=2, schedules=()) -> list[dict]:
    text = json.dumps(wish(1, Picture.of(smooth_image), recipe="1"))
    return told(on.start(schedules, SCOPES[0], rounds, 60, runtime, text))


def test_recipes_race_in_both_in_turn(on, smooth_image):
    messages = by_hand(on, smooth_image, HALF.text, schedules=["3"])
    states = list(dict.fromkeys(one["state"] for one in messages))
    assert states == ["waiting", "building", "warming up", "running", "done"]
    last = messages[-1]
    there = last["elsewhere"]
    assert [one["schedule"] for one in last["contenders"]] == ["none", "1", "3"], "as without"
    assert (last["runtime"], there["runtime"]) == ("PyTorch", "PyTorch bfloat16")
    assert [one["name"] for one in there["contenders"]] == [
        f"torch bfloat16 {one}" for one in ("none", "1", "3")
    ]
    for one in (*last["contenders"], *there["contenders"]):
        assert len(one["ms"]) == 2 and one["parts"]["blocks"] > 0
    assert all(0.5 < one["agreement"] <= 1 for one in there["contenders"])
    assert not any("takes no part" in one for one in last["warnings"])


def test_the_twin_is_what_runs(engine, smooth_image, monkeypatch):
    ran, plain = [], mpm.Segmenter.segment

    def segment(self, *given, **options):
        ran.append((str(self.dtype), given[1]))
        return plain(self, *given, **options)

    monkeypatch.setattr(mpm.Segmenter, "segment", segment)
    *_, race = run_race(engine, smooth_image, Plan((BASELINE, "1"), rounds=2, deadline_s=60, runtime=HALF))
    own, half = "torch.float32", "torch.bfloat16"
    rounds = [(own, "none"), (own, "1"), (half, "none"), (half, "1")]
    warm, first, second = ran[:4], ran[4:8], ran[8:12]
    assert (warm, first, second) == (rounds, rounds, rounds[::-1])
    assert race.segmenter is engine.segmenter


@pytest.mark.parametrize("none", [None, ""])
def test_without_another_runtime_the_message_says_so(on, smooth_image, none):
    last = by_hand(on, smooth_image, none)[-1]
    assert last["elsewhere"] is None and last["state"] == "done"


def test_the_page_s_own_runtime_is_no_other(on, smooth_image):
    last = by_hand(on, smooth_image, "torch")[-1]
    assert last["warnings"][0] == "PyTorch is what this page runs in already."
    assert last["elsewhere"] is None and [len(one["ms"]) for one in last["contenders"]] == [2, 2]


def test_a_model_that_does_not_fit_is_one_sentence_and_the_race_goes_on(on, smooth_image, monkeypatch):
    monkeypatch.setattr(mpm.Segmenter, "runtime_note", "it does not run these blocks, so torch does")
    messages = by_hand(on, smooth_image, HALF.text)
    last = messages[-1]
    assert last["warnings"][0] == (
        "PyTorch bfloat16 takes no part: it does not run these blocks, so torch does."
    )
    assert last["elsewhere"] is None and [len(one["ms"]) for one in last["contenders"]] == [2, 2]


def test_a_runtime_that_is_gone_is_one_sentence_and_the_race_goes_on(on, smooth_image, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    last = by_hand(on, smooth_image, "openvino")[-1]
    assert "openvino is not installed" in last["warnings"][0] and last["state"] == "done"


@pytest.mark.parametrize("runtime", ["tensorrt", "openvino int4", 7, ["torch"]])
def test_what_no_control_of_ours_sends_is_refused(on, smooth_image, runtime):
    *_, last = by_hand(on, smooth_image, runtime)
    assert last["kind"] == "text" and "cannot be measured" in last["text"]


def made_up(on_top: float, runs: int = 9) -> Race:
    """OpenVINO twice as fast, and merging `on_top` times on top of it."""
    race = Race.of(Plan((BASELINE, "2"), runtime=VINO))
    took = {"none": 0.2, "2": 0.15, f"{VINO.text} none": 0.1, f"{VINO.text} 2": 0.1 / on_top}
    for name, seconds in took.items():
        race.seconds[name] = (seconds * np.linspace(0.99, 1.01, runs)).tolist()
        labels = np.zeros(1000, int)
        labels[0] = name != "none"
        blocks = (BlockTime(100, 0.1), BlockTime(100 if "none" in name else 50, 0.05))
        race.profiles[name] = [Profile({"blocks": seconds}, blocks, labels)]
    return race


def test_the_answer_is_one_sentence_with_its_interval():
    there = Contender("2", VINO)
    answer, both, *rest = verdict_elsewhere(made_up(1.36), there)
    assert answer.startswith("Does merging still pay in OpenVINO bfloat16? Yes: {2} is 1.36 times as fast as")
    assert "95 % interval 1.35 to 1.37" in answer and "9 runs each" in answer
    assert both.startswith("Both together are 2.7") and "unmerged PyTorch" in both
    assert rest[-1] == "Its mask is that of PyTorch, pixel for pixel."
    no, _, *why = verdict_elsewhere(made_up(0.8), there)
    assert "? No: {2} has 0.80 times" in no and "Attention is already cheap" in why[0]
    assert "? No clear difference: {2}" in verdict_elsewhere(made_up(1.0), there)[0]
    few = verdict_elsewhere(made_up(1.36, runs=6), there)
    assert few == ["Measuring: 6 of at least 7 runs of each."]


def test_the_baseline_there_is_held_against_the_page_s():
    faster, same = verdict_elsewhere(made_up(1.36), Contender(BASELINE, VINO))
    assert faster.startswith("OpenVINO bfloat16 is 2.0") and "unmerged PyTorch" in faster
    assert same == "99.9 % of its pixels are labelled as PyTorch labels them."


def test_the_card_has_a_row_of_each(engine, smooth_image):
    *_, race = run_race(engine, smooth_image, Plan((BASELINE, "1"), rounds=3, deadline_s=60, runtime=HALF))
    card = parse_card(own_card(race, race.segmenter))
    assert [(one.schedule, one.runtime) for one in card.results] == [
        ("none", "torch"), ("1", "torch"), ("none", "torch bfloat16"), ("1", "torch bfloat16"),
    ]  # fmt: skip
    assert card.results[1].speedup_own is None and len(card.results[3].speedup_own) == 3
    assert card.results[3].tokens[0] == card.results[1].tokens[0] == race.picture["patches"]


def test_the_page_offers_what_is_installed(on, engine, monkeypatch):
    found = (RuntimeChoice("torch"), HALF, VINO)
    monkeypatch.setattr(latency_module, "built_quickly", lambda: list(found))
    assert on.runtimes() == [(HALF.title, HALF.text), (VINO.title, VINO.text)]
    monkeypatch.setattr(latency_module, "built_quickly", lambda: list(found[:2]))
    assert on.runtimes() == [], "torch alone"
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert on.runtimes() is None
    monkeypatch.delenv("SPACES_ZERO_GPU")
    engine._segmenter = engine.segmenter.with_runtime("torch", "bfloat16")
    assert on.runtimes() is None, "others take float32 on the CPU"


def test_a_page_without_a_model_offers_none(on, engine):
    engine._segmenter = None
    assert on.runtimes() is None


@pytest.mark.parametrize(
    ("found", "space", "shown"),
    [([("OpenVINO", "openvino")], "", (True, False)), ([], "", (False, True)), ([], "a/b", (False, False)),
     (None, "", (False, False))],
)  # fmt: skip
def test_the_choice_or_how_to_get_one_is_shown(monkeypatch, found, space, shown):
    monkeypatch.setenv("SPACE_ID", space)
    choice, hint = section_module.offered(found)
    assert (choice["visible"], hint["visible"]) == shown
    assert [value for _, value in choice["choices"]] == ["", *(value for _, value in found or [])]


def test_the_device_is_named_with_its_runtime(tiny):
    facts = dict(device_facts(tiny))
    assert facts["Number format"] == "float32" and "Runtime" not in facts and "Attention" in facts
    half = tiny.with_runtime("torch", "bfloat16")
    assert device_line(tiny).endswith(", PyTorch float32") and device_line(half).endswith(
        ", PyTorch bfloat16"
    )
    assert dict(device_facts(half))["Number format"] == "bfloat16"


def test_another_runtime_is_named_for_what_it_computes_in(tiny):
    pytest.importorskip("onnx", reason="graphs are written by the package onnx")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    other = tiny.with_runtime("onnxruntime", "int8")
    facts = dict(device_facts(other))
    assert (facts["Runtime"], facts["Number format"]) == ("ONNX Runtime", "int8") and "Attention" not in facts
    assert device_line(other).endswith(", ONNX Runtime int8")
