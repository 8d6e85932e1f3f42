"""Runs: made once, kept by picture, model and recipe, and used again."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image
from support.page_events import event, told
from support.stub_engine import StubEngine

from app.engine.engine import DISPLAY_PX
from app.engine.models import Models
from app.engine.pictures import Picture
from app.engine.runs import Runs, run_bytes
from app.engine.scheduler import Scheduler
from app.engine.steps import runs_only
from app.inspector.downloads import make_download
from app.inspector.messages import STOPS

PROGRESS = ("picture", "picture", "view")


def test_the_second_open_of_an_example_makes_no_new_run(on, made):
    first, second = (told(on.open(event(number, source={"example": "rain"}))) for number in (1, 2))
    assert sorted(made) == sorted(STOPS)
    assert (
        tuple(message["kind"] for message in second[:3])
        == PROGRESS
        == tuple(message["kind"] for message in first[:3])
    )
    assert {run["schedule"] for message in second for run in message.get("runs", ())} == set(STOPS)
    assert second[-1] == {**first[-1], "generation": 2, "nonce": second[-1]["nonce"]}


def test_another_picture_or_recipe_is_another_run(fresh, picture, made):
    for rgb, recipe in ((picture.rgb, "2"), (picture.rgb, "2|sizes"), (255 - picture.rgb, "2")):
        list(fresh.sweep(Picture.of(rgb), [recipe]))
    assert made == ["2", "2|sizes", "2"]


def test_another_model_is_another_run(engine, picture, made):
    scheduler, runs = Scheduler(), Runs()
    for name in ("one", "another", "one"):
        own = StubEngine(engine.segmenter, name, scheduler=scheduler, runs=runs)
        list(own.sweep(picture, ["2"]))
    assert made == ["2", "2"]


def test_runs_at_hand_come_first_and_take_no_turn(fresh, picture, made):
    (kept,) = fresh.sweep(picture, ["5"])
    turns = fresh.turns
    sweep = fresh.sweep(picture, ["none", "2", "5"])
    assert next(sweep) is kept and fresh.turns == turns
    assert [str(run.recipe) for run in runs_only(sweep)] == ["none", "2"] and made == ["5", "none", "2"]


def test_what_was_run_before_a_sweep_was_closed_is_kept(fresh, picture, made):
    sweep = fresh.sweep(picture, STOPS)
    next(sweep), next(sweep)
    sweep.close()
    list(fresh.sweep(picture, STOPS))
    assert sorted(made) == sorted(STOPS)


def test_a_recipe_in_another_spelling_is_the_same_run(fresh, picture, made):
    list(fresh.sweep(picture, ["3+1", "1,3", " 1 , 3 "]))
    list(fresh.sweep(picture, ["1,3"]))
    assert made == ["1,3"]


def test_runs_take_no_more_bytes_than_there_is_room_for(fresh, picture):
    one, two, three = fresh.sweep(picture, ["2", "5", "8"])
    room = Runs(cache_bytes=run_bytes(one) + run_bytes(two))
    for name, run in (("2", one), ("5", two)):
        room.keep((picture.digest, "m", name), run)
    assert room.find((picture.digest, "m", "2")) is one
    room.keep((picture.digest, "m", "8"), three)
    assert room.find((picture.digest, "m", "5")) is None, "the one that was not asked for of late"
    assert room.find((picture.digest, "m", "2")) is one
    tiny = Runs(cache_bytes=10)
    tiny.keep((picture.digest, "m", "2"), one)
    assert tiny.find((picture.digest, "m", "2")) is None
    arrays = run_bytes(one) - one.labels.nbytes - one.logits.nbytes
    assert arrays > 0


def saved_mask(on, engine, picture) -> np.ndarray:
    made = make_download(engine, picture, "2,5", "mask")
    return np.asarray(Image.open(io.BytesIO(made.content)))


def test_the_mask_of_a_small_picture_is_that_of_the_run_at_hand(on, fresh, picture):
    whole = fresh.segmenter.segment(picture.rgb, "2,5").labels
    list(fresh.sweep(picture, ["none", "2,5"]))
    turns = fresh.turns
    assert np.array_equal(saved_mask(on, fresh, picture), whole) and fresh.turns == turns


def test_the_mask_of_a_large_picture_is_run_at_its_full_size(on, fresh):
    large = Picture.of(np.random.default_rng(0).integers(0, 255, (400, DISPLAY_PX + 200, 3), np.uint8))
    (shown,) = fresh.sweep(large, ["2,5"])
    turns = fresh.turns
    mask = saved_mask(on, fresh, large)
    assert mask.shape == large.rgb.shape[:2] != shown.labels.shape and fresh.turns == turns + 1
    assert np.array_equal(mask, fresh.segmenter.segment(large.rgb, "2,5").labels)


def test_a_report_is_timed_anew(fresh, picture):
    list(fresh.sweep(picture, ["2,5"]))
    report = json.loads(make_download(fresh, picture, "2,5", "report").content)
    assert report["timing_s"]["parts"]["blocks"] > 0 and report["device"]["runtime"] == "torch"


@pytest.mark.parametrize("number", range(2))
def test_models_on_one_page_share_device_and_runs(engine, number):
    models = Models("one", "cpu", 1)
    other = models._engine("another")
    assert other.scheduler is models.own.scheduler and other._runs is models.own._runs
