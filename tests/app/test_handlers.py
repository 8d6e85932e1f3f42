"""The inspector's handlers and downloads, without a browser."""

from __future__ import annotations

import json
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

import mpm
from app import examples
from app.engine.engine import digest
from app.engine.ground_truth import Truths
from app.engine.models import Models
from app.inspector import downloads
from app.inspector.handlers import Handlers
from app.inspector.messages import STOPS


@pytest.fixture
def on(engine) -> Handlers:
    return Handlers(Models.of(engine), Truths(examples.EXAMPLES))


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
    streets = [example for example in examples.EXAMPLES if example.kind == "street"]
    for example in streets:
        rgb, truth = example.rgb(), example.truth()
        assert truth.shape == rgb.shape[:2] and truth.max() <= 11
        assert len(np.unique(truth)) > 6, "a street with many classes"
    first = json.loads(next(on.picture(examples.EXAMPLES[0].rgb(), "2,5"))[0])
    assert first["truth"] is not None and first["title"] == examples.EXAMPLES[0].title


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
