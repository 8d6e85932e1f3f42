"""The engine and the handlers, without a browser."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

import mpm
from app import downloads, examples
from app.engine import Engine, digest
from app.handlers import Handlers
from app.views import STOPS, explore, view_key
from mpm.features import similarity_to, stage_features


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
    return Handlers(engine)


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


def test_race_alternates_and_obeys_its_deadline(engine, smooth_image):
    timed = list(engine.race(smooth_image, ["none", "2,5"], rounds=2, deadline_s=60))
    assert [name for name, _ in timed] == ["none", "2,5", "2,5", "none"]
    assert all(seconds > 0 for _, seconds in timed)
    short = list(engine.race(smooth_image, ["none", "2,5"], rounds=1000, deadline_s=0))
    assert 2 <= len(short) <= 3


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


def test_race_handler_ends_with_measured_medians(on, smooth_image):
    *_, (card, message) = on.race(smooth_image, "2,5")
    timings = json.loads(message)["timings"]
    assert set(timings) == {"none", "2,5"} and not any(timing["estimated"] for timing in timings.values())
    assert f"{timings['none']['median_ms']:.0f} ms" in card


def test_handlers_do_nothing_without_a_picture(on):
    event = SimpleNamespace(schedule="2", stage=0, patch=0, what="mask", schedules=["2"])
    assert list(on.picture(None, "2")) == []
    assert len(list(on.race(None, "2"))) == 1
    assert on.patch(None, event) == gr.skip()


def test_bad_requests_of_a_browser_are_one_sentence(on, smooth_image):
    with pytest.raises(gr.Error, match="patch must be"):
        on.patch(smooth_image, SimpleNamespace(schedule="2", stage=0, patch=10**6))
    with pytest.raises(gr.Error, match="blocks 0 to 11"):
        list(on.picture(smooth_image, "99"))


def test_examples_bring_their_ground_truth(on):
    for example in examples.EXAMPLES:
        rgb, truth = example.rgb(), example.truth()
        assert truth.shape == rgb.shape[:2] and truth.max() <= 11
        assert len(np.unique(truth)) > 6, "a street with many classes"
    first = json.loads(next(on.picture(examples.EXAMPLES[0].rgb(), "2,5")))
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
    with pytest.raises(mpm.InputError, match="no download"):
        downloads.make_download(engine, smooth_image, "2,5", "passwords")


def test_view_keys_tell_pictures_and_models_apart(engine, smooth_image):
    other = SimpleNamespace(model="another")
    assert view_key(engine, smooth_image) != view_key(other, smooth_image)
    assert view_key(engine, smooth_image) != view_key(engine, smooth_image[:, ::-1])
