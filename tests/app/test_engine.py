"""The engine, without a browser."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from support.made_up_costs import linear
from support.stub_engine import StubEngine

import mpm
from app import examples
from app.engine.engine import Engine
from app.engine.models import Models
from app.engine.pictures import Picture, digest
from app.engine.runs import Runs
from app.engine.scheduler import Claim
from app.engine.steps import Waiting, runs_only
from app.errors import Overtaken
from app.inspector.messages import SHIPPED_STOPS, STOPS, view_key
from app.latency.race import run_race
from app.latency.settings import Plan
from app.server import log as runlog
from mpm.data.images import DecodedImage
from mpm.segmenters.features import similarity_to, stage_features

ROOT = Path(__file__).parents[2]


def test_a_model_that_is_not_there_is_one_sentence():
    broken = Engine("no-such-model", "cpu").start()
    with pytest.raises(mpm.InputError, match="No model"):
        _ = broken.segmenter


def test_runs_of_the_page_are_runs_of_the_library(fresh, picture):
    for run in fresh.sweep(picture, ["2,5", "none"]):
        alone = fresh.segmenter.segment(picture.rgb, run.recipe)
        assert np.array_equal(run.labels, alone.labels)
        assert run.trace.token_counts == alone.trace.token_counts


def test_closing_a_sweep_stops_the_work_and_frees_the_device(fresh, picture, made):
    sweep = fresh.sweep(picture, STOPS)
    next(sweep)
    sweep.close()
    assert len(made) == 1
    assert fresh.segment(picture, "2").labels.shape == (60, 90)


def test_a_sweep_that_is_not_wanted_any_more_runs_nothing(fresh, picture, made):
    wanted = [True]
    sweep = fresh.sweep(picture, STOPS, Claim("tab", is_wanted=lambda: wanted[0]))
    next(sweep)
    wanted[0] = False
    with pytest.raises(Overtaken):
        next(sweep)
    with pytest.raises(Overtaken):
        fresh.segment(picture, "2", Claim("tab", is_wanted=lambda: False))
    with pytest.raises(Overtaken):
        fresh.similarity(picture, "2", 0, 0, Claim("tab", is_wanted=lambda: False))
    assert len(made) == 1


def test_every_run_of_a_sweep_has_a_turn_of_its_own(fresh, picture):
    sweep = fresh.sweep(picture, STOPS)
    for number, _ in enumerate(sweep, 1):
        assert fresh.turns == 2 * number - 1
        fresh.served_elsewhere().leave()


@pytest.mark.usefixtures("soon")
def test_who_waits_says_so_and_goes_on(fresh, picture):
    held = fresh.served_elsewhere()
    sweep = fresh.sweep(picture, ["none"])
    assert next(sweep) == Waiting(1, 0.0)
    held.leave()
    assert [str(run.recipe) for run in runs_only(sweep)] == ["none"]


def test_similarity_is_that_of_the_library(fresh, picture):
    expected = similarity_to(stage_features(fresh.segmenter, picture.rgb, "2,5", 1), 3)
    for _ in range(2):  # computed, then from the cache
        assert np.array_equal(fresh.similarity(picture, "2,5", 1, 3), expected)


def test_two_people_at_once_get_their_own_results(fresh):
    rng = np.random.default_rng(0)
    rgbs = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(2)]
    expected = [fresh.segment(Picture.of(rgb), "2,5").labels for rgb in rgbs]
    results: dict[int, list] = {0: [], 1: []}

    def visit(who: int) -> None:
        claim = Claim(f"visitor {who}")
        for _ in range(3):
            fresh._runs = Runs(0)
            results[who] += runs_only(fresh.sweep(Picture.of(rgbs[who]), ["2,5", "none"], claim))

    threads = [threading.Thread(target=visit, args=(who,)) for who in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for who in range(2):
        merged = [run for run in results[who] if str(run.recipe) == "2,5"]
        assert len(merged) == 3 and all(np.array_equal(run.labels, expected[who]) for run in merged)


def test_the_first_message_is_a_whole_view():
    message = json.loads(examples.FIRST_MESSAGE.read_text(encoding="utf-8"))
    assert message["kind"] == "view" and message["selected"] == "2,5"
    assert {run["schedule"] for run in message["runs"]} == set(SHIPPED_STOPS) < set(STOPS)
    assert set(message["sent"]) == set(STOPS), "what is lacking the browser asks for"
    first = examples.EXAMPLES[0]
    assert (message["picture"], message["title"]) == (digest(first.rgb()), first.title)
    assert message["generation"] == 0 and "timing" not in message["runs"][0]


def test_the_endpoint_is_the_library(engine, picture):
    from app.endpoint import Endpoint

    sent = DecodedImage(picture.rgb, [])
    mask, answer = Endpoint(Models.of(engine)).segment(sent, "2,5")
    run = engine.segment(picture, "2,5")
    assert np.array_equal(mask, mpm.STREETS.palette[run.labels])
    assert answer["token_counts"] == run.trace.token_counts
    assert answer["merge_map"][1]["partner"] == run.trace.stages[1].partner.tolist()
    assert sum(answer["class_shares"].values()) == pytest.approx(1, abs=1e-3)
    json.dumps(answer, allow_nan=False)
    for image, schedule, words in ((None, "2", "send an image"), (sent, "2,x", "not understood")):
        with pytest.raises(gr.Error, match=words):
            Endpoint(Models.of(engine)).segment(image, schedule)


def test_view_keys_tell_pictures_and_models_apart(engine, picture):
    other = SimpleNamespace(name="another")
    assert view_key(engine, picture) != view_key(other, picture)
    assert view_key(engine, picture) != view_key(engine, Picture.of(picture.rgb[:, ::-1]))


def test_a_sweep_ends_at_its_deadline_and_says_so(engine, picture):
    hurried = StubEngine(engine.segmenter, deadline_s=0.0)
    runs = []
    with pytest.raises(mpm.InputError, match="took longer than 0 s"):
        runs.extend(hurried.sweep(picture, STOPS))
    assert len(runs) == 1, "the one that was on"


def test_the_time_of_others_is_not_a_sweep_s(engine, picture, monkeypatch):
    hurried = StubEngine(engine.segmenter, deadline_s=10.0)
    clock = [0.0]

    def wait_long(claim, work):
        clock[0] += 1000.0
        yield Waiting(1, 1000.0)
        return work()

    monkeypatch.setattr(hurried, "in_turn", wait_long)
    monkeypatch.setattr("app.engine.engine.time", SimpleNamespace(monotonic=lambda: clock[0]))
    assert len(list(runs_only(hurried.sweep(picture, ["none", "2"])))) == 2


def test_every_run_is_one_line_of_the_log(fresh, picture, monkeypatch):
    lines = []
    monkeypatch.setattr(runlog.log, "info", lambda line: lines.append(json.loads(line)))
    fresh.segment(picture, "2,5", profile=True)
    list(fresh.sweep(picture, ["none", "2"]))
    list(fresh.sweep(picture, ["none", "2"]))  # at hand: nothing is run
    with pytest.raises(mpm.InputError):
        fresh.segment(picture, "99")
    broken_off = fresh.sweep(picture, ["5", "8"])
    next(broken_off)
    broken_off.close()
    with pytest.raises(Overtaken):
        fresh.segment(picture, "8", Claim(is_wanted=lambda: False))
    assert [(line["run"], line["outcome"]) for line in lines] == [
        ("segment", "ok"), ("sweep", "ok"), ("segment", "bad_input"), ("sweep", "stopped"),
        ("segment", "stopped"),
    ]  # fmt: skip
    assert lines[0]["model"] == "tiny12" and lines[0]["size_px"] == [90, 60]
    assert lines[0]["parts_ms"]["blocks"] > 0 and "/" not in json.dumps(lines)


IMPORTS_FROM_EVERYWHERE = """
import sys, threading, time
import numpy as np

class Spy:
    seen = set()
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("timm", "torchvision"):
            self.seen.add(threading.current_thread().name)

sys.meta_path.insert(0, Spy())

from app.engine.engine import Engine
from app.engine.pictures import Picture
from app.latency.settings import Plan
from app.latency.race import run_race

engine, rgb = Engine(sys.argv[1], "cpu", threads=1), np.zeros((64, 64, 3), np.uint8)
picture = Picture.of(rgb)
works = {
    "sweep": lambda: list(engine.sweep(picture, ["none"])),
    "segment": lambda: engine.segment(picture, "none"),
    "heat": lambda: engine.similarity(picture, "none", 0, 0),
    "race": lambda: list(run_race(engine, rgb, Plan(("none", "2"), rounds=1))),
}
threads = [threading.Thread(target=work, name=name) for name, work in works.items()]
for thread in threads:
    thread.start()
time.sleep(0.5)
engine.start()
for thread in threads:
    thread.join()
print(sorted(Spy.seen))
"""


def test_only_the_loading_thread_imports_timm(engine):
    # Two threads importing torchvision at once can deadlock; seen on a busy machine.
    command = [sys.executable, "-c", IMPORTS_FROM_EVERYWHERE, engine.model]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "['load-model']", done.stderr


def test_a_device_is_measured_in_a_turn_only(fresh, picture, monkeypatch):
    served = []

    def costs():
        served.append(fresh.scheduler._served is not None)
        return linear()

    monkeypatch.setattr(fresh.segmenter, "costs", costs)
    assert str(fresh.read_recipe("adaptive(1.2)")).startswith("budget(1.2)@1,3,5") and not served
    with pytest.raises(mpm.InputError, match="blocks"):
        fresh.read_recipe("budget(2)@40")
    fresh.segment(picture, "adaptive(1.2)")
    list(fresh.sweep(picture, ["none", "adaptive(1.2)"]))
    fresh.similarity(picture, "adaptive(1.2)", 1, 0)
    list(run_race(fresh, picture.rgb, Plan(("none", "adaptive(1.2)"), rounds=1)))
    assert served and all(served)
