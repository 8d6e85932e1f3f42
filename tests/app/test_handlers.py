"""What the explorer asks for besides a picture: recipes, patches, files; and what failures say."""

from __future__ import annotations

import base64
import io
import json

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from support.page_events import event, kinds, only_failure, tab, told

import mpm
from app.engine.pictures import Picture
from app.inspector import downloads
from app.inspector.messages import STOPS, view_key
from mpm.segmenters.features import similarity_to, stage_features

pytestmark = pytest.mark.usefixtures("soon")

NOVEL = ",".join(str(number % 10) for number in range(100_000))
ASKED = {
    "custom": {},
    "missing": {"schedules": ["2"]},
    "patch": {"stage": 0, "patch": 0},
    "save": {"what": "mask"},
}


def ask(on, name: str, *arguments, request=None, **fields):
    """What the handler of that name answers."""
    return getattr(on, name)(event(*arguments, **{**ASKED[name], **fields}), request)


def test_a_recipe_that_is_not_at_hand_is_run(on, fresh, picture):
    (custom,) = told(ask(on, "custom", 3, picture, recipe="1,7"))
    assert custom["kind"] == "runs" and custom["view"] == view_key(fresh, picture)
    assert {run["schedule"] for run in custom["runs"]} == {"none", "1,7"} == set(custom["sent"])
    assert all(run["agreement"] for run in custom["runs"])


def test_a_recipe_at_hand_is_answered_without_a_run(on, picture, made):
    for generation in (3, 4):
        list(ask(on, "custom", generation, picture, recipe="1,7"))
    assert sorted(made) == ["1,7", "none"]


def test_runs_that_never_arrived_are_sent_again(on, picture):
    (missing,) = told(ask(on, "missing", 3, picture, schedules=["8", "5"]))
    assert {run["schedule"] for run in missing["runs"]} == {"none", "8", "5"}


def test_who_waits_for_a_recipe_hears_how_long(on, fresh, picture):
    held = fresh.served_elsewhere()
    asking = ask(on, "custom", 3, picture)
    assert told([next(asking)])[0]["text"] == "1 person ahead, about 1 s"
    held.leave()
    assert kinds(asking)[-1] == "runs"


@pytest.mark.parametrize("kind", ["view", "recipe"])
def test_a_later_picture_or_recipe_ends_it(on, fresh, picture, made, kind):
    held = fresh.served_elsewhere()
    asking = ask(on, "custom", 3, picture, request=tab())
    next(asking)
    on.act(event(4, picture, kind=kind), tab())
    assert list(asking) == [gr.skip()] and not made
    held.leave()


def test_a_recipe_is_an_act_itself(on, fresh, picture, made):
    held = fresh.served_elsewhere()
    first, second = (ask(on, "custom", number, picture, recipe="1", request=tab()) for number in (3, 4))
    next(first), next(second)
    assert list(first) == [gr.skip()] and not made
    held.leave()
    assert kinds(second)[-1] == "runs"


def test_a_race_ends_no_recipe(on, fresh, picture):
    held = fresh.served_elsewhere()
    asking = ask(on, "custom", 3, picture, request=tab())
    next(asking)
    on.act(event(4, picture, kind="race"), tab())
    held.leave()
    assert kinds(asking)[-1] == "runs"


def test_a_patch_is_answered_with_its_similarity_to_all_others(on, fresh, picture):
    (heat,) = told(ask(on, "patch", 3, picture, stage=1, patch=3))
    expected = similarity_to(stage_features(fresh.segmenter, picture.rgb, "2,5", 1), 3)
    values = np.frombuffer(base64.b64decode(heat["values"]), "<f4")
    assert np.array_equal(values, expected.ravel())
    assert (heat["kind"], heat["schedule"], heat["stage"], heat["patch"]) == ("heat", "2,5", 1, 3)
    assert heat["view"] == view_key(fresh, picture)


@pytest.mark.parametrize("what", ["mask", "npz", "report", "python"])
def test_files_are_sent_to_the_browser_that_asked(on, fresh, picture, what):
    (saved,) = told(ask(on, "save", 3, picture, what=what, speed=None))
    assert saved["kind"] == "file" and saved["name"].startswith("picture_2-5.")
    assert saved["view"] == view_key(fresh, picture) and base64.b64decode(saved["content"])


@pytest.mark.parametrize("what", ASKED)
def test_without_the_picture_each_is_one_sentence(on, what):
    for number, picture in enumerate((None, "0" * 24, Picture.of(np.zeros((9, 9, 3), np.uint8))), 1):
        failed = only_failure(ask(on, what, number, picture))
        assert (failed["what"], failed["generation"]) == (what, number)
        assert failed["message"] == "This picture is not kept here any more: please pick it again."


@pytest.mark.parametrize("what", ASKED)
@pytest.mark.parametrize("recipe", ["77", "nobody@1", "", "2,x", "bipartite(0.9)@1", NOVEL])
def test_a_bad_recipe_is_one_short_sentence(on, picture, what, recipe):
    wanted = {"schedules": [recipe]} if what == "missing" else {}
    messages = list(ask(on, what, 3, picture, recipe=recipe, **wanted))
    if recipe == "" and told(messages)[0]["kind"] != "failed":
        return  # no blocks at all: the baseline
    failed = only_failure(messages)
    assert failed["what"] == what and messages[-1] == gr.skip()
    if what in ("custom", "missing"):
        assert failed["schedules"] == [recipe if len(recipe) <= 400 else recipe[:399] + "…"]


@pytest.mark.parametrize("schedules", [None, "2", 7, {"a": 1}, []])
def test_nothing_is_missing_where_no_list_was_sent(on, picture, schedules):
    assert list(ask(on, "missing", 3, picture, schedules=schedules)) == []


def test_strangers_get_no_more_runs_at_once_than_there_are_stops(on, picture, made):
    many = [f"{one},{two}" for one in range(6) for two in range(6, 12)]
    list(ask(on, "missing", 3, picture, schedules=many))
    assert len(made) == len(STOPS) + 1


@pytest.mark.parametrize("odd", [[["2"]], [{"a": 1}], [7.5], [10**9], [True]])
def test_odd_recipes_in_a_list_are_one_sentence(on, picture, odd):
    only_failure(ask(on, "missing", 3, picture, schedules=odd))


@pytest.mark.parametrize("value", ["0", None, [], {}, True, 0.5, -1, 10**6, 10**30])
@pytest.mark.parametrize("field", ["stage", "patch"])
def test_a_patch_that_is_none_is_one_sentence(on, picture, field, value):
    failed = only_failure(ask(on, "patch", 3, picture, **{field: value}))
    assert failed["message"].lower().startswith(f"{field} must be")


@pytest.mark.parametrize("value", ["passwords", None, ["mask"], 7, "x" * 100_000, "../mask"])
def test_a_file_that_nobody_makes_is_one_sentence(on, picture, value):
    assert "no download" in only_failure(ask(on, "save", 3, picture, what=value))["message"]


@pytest.mark.parametrize("what", [*ASKED, "open", "act"])
@pytest.mark.parametrize(
    "fields",
    [
        {"generation": "1"}, {"generation": None}, {"generation": True}, {"generation": float("nan")},
        {"generation": float("inf")}, {"generation": 10**400}, {"generation": []}, {"recipe": None},
        {"recipe": ["2,5"]}, {"recipe": 7},
    ],
)  # fmt: skip
def test_wishes_that_no_browser_of_ours_sends_are_one_sentence(on, what, fields):
    with pytest.raises(gr.Error, match="please reload it") as refused:
        list(getattr(on, what)(event(**fields)) or ())
    assert not refused.value.print_exception


@pytest.mark.parametrize("data", [None, 7, "x", [], [1, 2], {}])
def test_events_without_a_wish_are_one_sentence(on, data):
    odd = event()
    odd._data = data
    with pytest.raises(gr.Error, match="please reload it"):
        list(on.open(odd))


@pytest.mark.parametrize("odd", [["a"], {"a": 1}, 7, "x" * 100_000])
@pytest.mark.parametrize("field", ["picture", "model"])
def test_odd_pictures_and_models_are_one_sentence(on, picture, field, odd):
    only_failure(on.custom(event(3, **{"picture": picture.digest, field: odd})))


def test_what_nobody_foresaw_is_a_sentence_and_in_the_log(on, fresh, picture, monkeypatch, caplog):
    def broken(*_arguments):
        raise RuntimeError("/secret")

    monkeypatch.setattr(fresh, "similarity", broken)
    failed = only_failure(ask(on, "patch", 3, picture))
    assert "RuntimeError" in failed["message"] and "/secret" not in failed["message"]
    assert [record.exc_info[0] for record in caplog.records] == [RuntimeError]


def test_downloads(engine, picture):
    run = engine.segment(picture, "2,5")
    mask = downloads.make_download(engine, picture, "2,5", "mask")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(mask.content))), run.labels)
    with np.load(io.BytesIO(downloads.make_download(engine, picture, "2,5", "npz").content)) as saved:
        assert saved["counts"].tolist() == run.trace.token_counts
    report = json.loads(downloads.make_download(engine, picture, "2,5", "report").content)
    assert report["token_counts"] == run.trace.token_counts
    assert report["image"]["digest_blake2b_96"] == picture.digest
    assert report["timing_s"]["parts"]["blocks"] > 0
    compile(report["python"], "reproduction", "exec")
    lines = downloads.make_download(engine, picture, "2,5", "python").content.decode()
    assert "schedule='2,5'" in lines and lines == report["python"]
    with pytest.raises(mpm.InputError, match="no download"):
        downloads.make_download(engine, picture, "2,5", "passwords")
