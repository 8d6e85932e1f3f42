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

import mpm
from app import examples
from app.engine.engine import Engine, digest
from app.engine.models import Models
from app.inspector.messages import STOPS, explore, view_key
from app.server import log as runlog
from mpm.segmenters.features import similarity_to, stage_features

ROOT = Path(__file__).parents[2]


def test_digest_names_pixels_and_shape():
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert digest(picture) == digest(picture.copy())
    assert digest(picture) != digest(picture.reshape(4, 2, 3))
    assert digest(picture) != digest(picture + 1)


def test_a_model_that_is_not_there_is_one_sentence():
    broken = Engine("no-such-model", "cpu").start()
    with pytest.raises(mpm.InputError, match="no model"):
        _ = broken.segmenter


def test_every_stop_of_the_slider_arrives_the_chosen_one_first(engine, smooth_image):
    messages = [json.loads(text) for text in explore(engine, smooth_image, "5")]
    first, *more = messages
    assert first["kind"] == "view" and first["selected"] == "5"
    assert [run["schedule"] for run in first["runs"]] == ["5", "none"]
    assert all(message["kind"] == "runs" and message["view"] == first["view"] for message in more)
    arrived = [run["schedule"] for message in messages for run in message["runs"]]
    assert sorted(arrived) == sorted(STOPS)
    assert all(run["timing"]["estimated"] for message in messages for run in message["runs"])


def test_runs_of_the_page_are_runs_of_the_library(engine, smooth_image):
    for run in engine.sweep(smooth_image, ["2,5", "none"]):
        alone = engine.segmenter.segment(smooth_image, run.schedule)
        assert np.array_equal(run.labels, alone.labels)
        assert run.trace.token_counts == alone.trace.token_counts


def test_closing_a_sweep_stops_the_work_and_frees_the_lock(engine, smooth_image):
    sweep = engine.sweep(smooth_image, STOPS)
    next(sweep)
    sweep.close()
    assert engine.segment(smooth_image, "2").labels.shape == (60, 90)


def test_similarity_is_that_of_the_library(engine, smooth_image):
    expected = similarity_to(stage_features(engine.segmenter, smooth_image, "2,5", 1), 3)
    for _ in range(2):  # computed, then from the cache
        assert np.array_equal(engine.similarity(smooth_image, "2,5", 1, 3), expected)


def test_two_people_at_once_get_their_own_results(engine):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(2)]
    expected = [engine.segment(picture, "2,5").labels for picture in pictures]
    results: dict[int, list] = {0: [], 1: []}

    def visit(who: int) -> None:
        results[who] = [run for _ in range(3) for run in engine.sweep(pictures[who], ["2,5", "none"])]

    threads = [threading.Thread(target=visit, args=(who,)) for who in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for who in range(2):
        merged = [run for run in results[who] if str(run.schedule) == "2,5"]
        assert len(merged) == 3 and all(np.array_equal(run.labels, expected[who]) for run in merged)


def test_the_first_message_is_a_whole_view_without_timings():
    message = json.loads(examples.FIRST_MESSAGE.read_text(encoding="utf-8"))
    assert message["kind"] == "view" and message["selected"] == "2,5"
    assert {run["schedule"] for run in message["runs"]} == set(STOPS)
    assert all(run["timing"] is None for run in message["runs"])


def test_the_endpoint_is_the_library(engine, smooth_image):
    from app.endpoint import Endpoint

    mask, answer = Endpoint(Models.of(engine)).segment(smooth_image, "2,5")
    run = engine.segment(smooth_image, "2,5")
    assert np.array_equal(mask, mpm.STREETS.palette[run.labels])
    assert answer["token_counts"] == run.trace.token_counts
    assert answer["merge_map"][1]["partner"] == run.trace.stages[1].partner.tolist()
    assert sum(answer["class_shares"].values()) == pytest.approx(1, abs=1e-3)
    json.dumps(answer, allow_nan=False)
    for image, schedule, words in ((None, "2", "send an image"), (smooth_image, "2,x", "not understood")):
        with pytest.raises(gr.Error, match=words):
            Endpoint(Models.of(engine)).segment(image, schedule)


def test_view_keys_tell_pictures_and_models_apart(engine, smooth_image):
    other = SimpleNamespace(name="another")
    assert view_key(engine, smooth_image) != view_key(other, smooth_image)
    assert view_key(engine, smooth_image) != view_key(engine, smooth_image[:, ::-1])


def test_a_sweep_ends_at_its_deadline_and_says_so(engine, smooth_image):
    hurried = Engine(engine.model, "cpu", threads=1, deadline_s=0.0).start()
    with pytest.raises(mpm.InputError, match="took longer than 0 s"):
        list(hurried.sweep(smooth_image, STOPS))
    assert len(list(engine.sweep(smooth_image, ["none", "2"]))) == 2


def test_every_run_is_one_line_of_the_log(engine, smooth_image, monkeypatch):
    lines = []
    monkeypatch.setattr(runlog.log, "info", lambda line: lines.append(json.loads(line)))
    engine.segment(smooth_image, "2,5", profile=True)
    list(engine.sweep(smooth_image, ["none", "2"]))
    with pytest.raises(mpm.InputError):
        engine.segment(smooth_image, "99")
    broken_off = engine.sweep(smooth_image, ["none", "2"])
    next(broken_off)
    broken_off.close()
    assert [(line["run"], line["outcome"]) for line in lines] == [
        ("segment", "ok"), ("sweep", "ok"), ("segment", "bad_input"), ("sweep", "stopped"),
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
from app.latency.settings import Plan
from app.latency.race import run_race

engine, rgb = Engine(sys.argv[1], "cpu", threads=1), np.zeros((64, 64, 3), np.uint8)
works = {
    "sweep": lambda: list(engine.sweep(rgb, ["none"])),
    "segment": lambda: engine.segment(rgb, "none"),
    "heat": lambda: engine.similarity(rgb, "none", 0, 0),
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


def test_a_device_is_measured_under_its_lock_only(engine, smooth_image, monkeypatch):
    locked = []

    def costs():
        locked.append(engine._lock.locked())
        return linear()

    monkeypatch.setattr(engine.segmenter, "costs", costs)
    assert str(engine.read_recipe("adaptive(1.2)")).startswith("budget(1.2)@1,3,5") and not locked
    with pytest.raises(mpm.InputError, match="blocks"):
        engine.read_recipe("budget(2)@40")
    engine.segment(smooth_image, "adaptive(1.2)")
    list(engine.sweep(smooth_image, ["none", "adaptive(1.2)"]))
    engine.similarity(smooth_image, "adaptive(1.2)", 1, 0)
    assert locked and all(locked)
