"""The engine and the handlers, without a browser."""

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

import mpm
from app import examples
from app.engine.engine import Engine, digest
from app.engine.ground_truth import Truths
from app.engine.models import Models
from app.inspector import downloads
from app.inspector.handlers import Handlers
from app.inspector.messages import STOPS, explore, view_key
from app.lab.handlers import LabHandlers
from app.server import log as runlog
from mpm.segmenters.features import similarity_to, stage_features

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def engine(tiny_config, tmp_path_factory) -> Engine:
    """Twelve very narrow blocks, so that every preset fits."""
    from dataclasses import replace

    arguments = {**tiny_config.encoder.timm_args, "depth": 12}
    config = replace(tiny_config, encoder=replace(tiny_config.encoder, timm_args=arguments))
    folder = mpm.save_segmenter(mpm.Segmenter(config), tmp_path_factory.mktemp("model") / "tiny12")
    engine = Engine(str(folder), "cpu", threads=1).start()
    assert engine.wait(60)
    return engine


@pytest.fixture
def on(engine) -> Handlers:
    return Handlers(Models.of(engine), Truths(examples.EXAMPLES))


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


def test_handlers_do_nothing_without_a_picture(on):
    event = SimpleNamespace(schedule="2", stage=0, patch=0, what="mask", schedules=["2"])
    assert list(on.picture(None, "2", None, 5.0)) == [(gr.skip(), gr.skip(), 5.0)]
    assert on.controls(None) == (gr.skip(), gr.skip())
    for ask in (on.patch, on.save):
        with pytest.raises(gr.Error, match="no picture any more"):
            ask(None, None, event)
    failed, chosen = on.custom(None, None, SimpleNamespace(schedule="2,7", view="the one before"))
    assert json.loads(failed)["schedules"] == ["2,7"] and json.loads(failed)["view"] == "the one before"
    assert chosen == gr.skip()


def test_bad_requests_of_a_browser_are_one_sentence(on, smooth_image):
    with pytest.raises(gr.Error, match="patch must be"):
        on.patch(smooth_image, None, SimpleNamespace(schedule="2", stage=0, patch=10**6))


def test_a_schedule_that_does_not_fit_the_model_gives_way_to_the_paper_s(on, smooth_image):
    messages = list(on.picture(smooth_image, "2,20"))
    assert json.loads(messages[0][0])["selected"] == "2,5" == messages[0][1]
    assert all(chosen == gr.skip() for _, chosen, _ in on.picture(smooth_image, "2,7"))


def test_exploring_ends_when_the_picture_changes(on, smooth_image):
    tab = SimpleNamespace(session_hash="tab")
    exploring = on.picture(smooth_image, "2,5", None, 10.0, tab)
    next(exploring)
    on.changed(20.0, tab)
    assert on.tabs.changes.latest(tab.session_hash) == 20.0
    assert list(exploring) == [(gr.skip(), gr.skip(), 10.0)]
    assert list(on.picture(smooth_image, "2,5", None, 10.0, tab)) == [(gr.skip(), gr.skip(), 10.0)]
    assert len(list(on.picture(smooth_image, "2,5", None, 20.0, tab))) > 3


def test_a_change_is_explored_once_in_whatever_order_its_tellings_come(on, smooth_image):
    tab = SimpleNamespace(session_hash="told twice")
    for moment in (30.0, 20.0):
        on.changed(moment, tab)
    assert list(on.picture(smooth_image, "2,5", None, 25.0, tab)) == [(gr.skip(), gr.skip(), 25.0)]
    assert len(list(on.picture(smooth_image, "2,5", None, 31.0, tab))) > 3
    assert list(on.picture(smooth_image, "2,5", None, 32.0, tab)) == [(gr.skip(),) * 3], "told twice"
    on.changed(40.0, tab)
    assert len(list(on.picture(smooth_image, "2,5", None, 41.0, tab))) > 3


def test_stops_that_the_deadline_leaves_out_are_named(on, engine, smooth_image, monkeypatch):
    def sweep(rgb, schedules, plain=engine.sweep):
        yield from plain(rgb, schedules[:3])
        raise mpm.InputError("this took longer than 120 s")

    monkeypatch.setattr(engine, "sweep", sweep)
    messages = []
    with pytest.raises(gr.Error, match="took longer"):
        messages.extend(json.loads(message) for message, _, _ in on.picture(smooth_image, "2,5"))
    *_, last = messages
    assert last["kind"] == "failed" and "took longer" in last["message"]
    assert {*last["schedules"], "none", "2,5"} < set(STOPS) and len(last["schedules"]) == len(STOPS) - 3


def test_examples_bring_their_ground_truth(on):
    for example in examples.EXAMPLES:
        rgb, truth = example.rgb(), example.truth()
        assert truth.shape == rgb.shape[:2] and truth.max() <= 11
        assert len(np.unique(truth)) > 6, "a street with many classes"
    first = json.loads(next(on.picture(examples.EXAMPLES[0].rgb(), "2,5"))[0])
    assert first["truth"] is not None and first["title"] == examples.EXAMPLES[0].title


def test_the_first_message_is_a_whole_view_without_timings():
    message = json.loads(examples.FIRST_MESSAGE.read_text(encoding="utf-8"))
    assert message["kind"] == "view" and message["selected"] == "2,5"
    assert {run["schedule"] for run in message["runs"]} == set(STOPS)
    assert all(run["timing"] is None for run in message["runs"])


def test_downloads(engine, smooth_image):
    import io

    from PIL import Image

    run = engine.segment(smooth_image, "2,5")
    mask = downloads.make_download(engine, smooth_image, "2,5", "mask")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(mask.content))), run.labels)
    with np.load(io.BytesIO(downloads.make_download(engine, smooth_image, "2,5", "npz").content)) as saved:
        assert saved["counts"].tolist() == run.trace.token_counts
    report = json.loads(downloads.make_download(engine, smooth_image, "2,5", "report").content)
    assert report["token_counts"] == run.trace.token_counts
    assert report["image"]["digest_blake2b_96"] == digest(smooth_image)
    compile(report["python"], "reproduction", "exec")
    lines = downloads.make_download(engine, smooth_image, "2,5", "python").content.decode()
    assert "schedule='2,5'" in lines and lines == report["python"]
    with pytest.raises(mpm.InputError, match="no download"):
        downloads.make_download(engine, smooth_image, "2,5", "passwords")


def test_controls_keep_as_many_tokens_at_the_first_insertion(on, engine, smooth_image):
    sent, view = on.controls(smooth_image)
    message = json.loads(sent)
    assert on.controls(smooth_image, None, view) == (gr.skip(), gr.skip()), "once a view"
    on.tabs.stops.note("", 20.0)
    assert on.controls(smooth_image, None, None, 10.0) == (gr.skip(), gr.skip()), "not after Stop"
    assert set(message["controls"]) == set(STOPS)
    for schedule in ("8", "2"):
        counts = engine.segment(smooth_image, schedule).trace.token_counts
        assert message["controls"][schedule]["kept"] == pytest.approx(counts[-1] / counts[0])
    assert message["controls"]["none"] == {"kept": 1.0, "agreement": 1.0}


def test_custom_missing_and_save_answer_the_browser(on, smooth_image):
    custom, chosen = on.custom(smooth_image, None, SimpleNamespace(schedule="1,7"))
    assert chosen == "1,7" and "1,7" in json.loads(custom)["sent"]
    refused, _ = on.custom(smooth_image, None, SimpleNamespace(schedule="77"))
    assert json.loads(refused)["kind"] == "failed" and "0 to 11" in refused
    missing = json.loads(on.missing(smooth_image, None, SimpleNamespace(schedules=["8", "5"])))
    assert {"8", "5"} <= {run["schedule"] for run in missing["runs"]}
    saved = json.loads(on.save(smooth_image, None, SimpleNamespace(schedule="2", what="mask")))
    assert saved["kind"] == "file" and saved["name"].endswith(".mask.png")


def test_lab_draws_counts_and_opens_with_ground_truth(engine):
    truths = Truths([])
    lab = LabHandlers(Models.of(engine), truths)
    (picture, _), (_, note) = lab.preview(None, "2,5", 4, 12, 0.1, 0.5, 0.8)
    assert picture.shape == (360, 480, 3) and "% kept" in note
    opened = lab.open(4, 12, 0.1, 0.5, 0.8)
    assert np.array_equal(opened, picture)
    assert truths.find(opened).truth.shape == (360, 480)
    assert truths.find(255 - opened) is None
    with pytest.raises(gr.Error, match="weather"):
        lab.open(4, 12, 7, 0.5, 0.8)
    for empty in (
        lambda: lab.open(None, 12, 0.1, 0.5, 0.8),
        lambda: list(lab.sweep(None, "2", "weather", None, 12, 0, 0, 0)),
    ):
        with pytest.raises(gr.Error, match="needs a number"):
            empty()


def test_lab_charts(engine, monkeypatch):
    from app.lab import experiments as lab
    from app.lab import handlers as lab_handlers

    monkeypatch.setitem(lab.SWEEP_VALUES, "weather", (0.0, 1.0))
    monkeypatch.setattr(lab_handlers, "STUDY_SEEDS", (100, 101))
    on = LabHandlers(Models.of(engine), Truths([]))
    dials = (12, 0.1, 0.5, 0.8)
    *progress, (figure, _) = on.sweep(None, "2,5", "weather", 4, *dials)
    assert list(figure.data[0].x) == [0, 1] and "2 of 2" in progress[-1][1]
    *progress, (_, note) = on.night(None, "2", 4, *dials)
    assert len(progress) == 2 and "paper" in note
    with pytest.raises(gr.Error, match="no dial"):
        list(on.sweep(None, "2", "mood", 4, *dials))
    pairs = list(lab.day_and_night(engine, "2", lab.Dials(), seeds=(100, 101)))
    chart = lab_handlers.night_chart(pairs, "2")
    day = [100 * point.merged / point.tokens for _, point, _ in pairs]
    assert list(chart.data[0].y) == pytest.approx(day)
    merged = [sum(pair[place].merged for pair in pairs) for place in (1, 2)]
    assert lab.fewer_at_night(pairs) == pytest.approx((merged[0] - merged[1]) / merged[0])


def test_the_endpoint_is_the_library(engine, smooth_image):
    from app.server.endpoint import Endpoint

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
