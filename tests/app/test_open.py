"""Opening a picture: what the browser is told, in which order, and how it ends."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr
import pytest
from support.page_events import event, first_told, kinds, only_failure, tab, told, uploaded
from support.stub_shelf import MB, StubShelf

import mpm
from app.engine import models as models_module
from app.engine.engine import Engine
from app.engine.models import Models
from app.engine.offers import model_card
from app.inspector.messages import STOPS, explore, view_key

pytestmark = pytest.mark.usefixtures("soon")


def by_digest(picture, generation: float = 1, **fields):
    return event(generation, picture, source={"picture": picture.digest}, **fields)


def test_picture_then_patches_then_view_then_runs_then_explored(on, fresh, picture):
    first, second, view, *runs, explored = told(on.open(by_digest(picture, 5)))
    assert [one["kind"] for one in (first, second, view, explored)] == ["picture"] * 2 + ["view", "explored"]
    assert first["patches"] is None and second["patches"] == view["grid"]["rows"] * view["grid"]["cols"]
    assert {one["generation"] for one in (first, second, view, explored)} == {5}
    assert first["picture"] == view["picture"] == picture.digest and first["image"] == view["image"]
    assert view["view"] == explored["view"] == view_key(fresh, picture) and view["selected"] == "2,5"
    assert view["model"] == model_card(on.models.offer(None)) and view["model"]["name"] == "tiny12"
    assert [run["schedule"] for run in view["runs"]] == ["2,5", "none"]
    assert all(one["kind"] == "runs" and one["view"] == view["view"] for one in runs)
    arrived = [run["schedule"] for one in (view, *runs) for run in one["runs"]]
    assert sorted(arrived) == sorted(STOPS) == explored["sent"]
    assert "timing" not in view["runs"][0] and 0 < view["runs"][0]["confidence"] <= 1
    assert view["reference"] is None and view["unsure"] is False, "nobody measured it for this model"


def test_only_the_chosen_recipe_and_the_baseline_hold_others_up(fresh, picture, monkeypatch):
    urgencies, plain = [], fresh.in_turn
    monkeypatch.setattr(
        fresh, "in_turn", lambda claim, work: (urgencies.append(claim.urgency.name), plain(claim, work))[1]
    )
    list(fresh.sweep(picture, ["2,5", "none"]))
    list(explore(fresh, picture, "2,5", Engine.segment.__defaults__[0]))
    assert urgencies == ["ASKED"] * 2 + ["AHEAD"] * 6


def test_an_upload_is_opened_with_its_notes(on, uploads, smooth_image):
    path = uploaded(uploads, smooth_image[..., 0], "gray.png")
    first, *_ = told(on.open(event(source={"upload": path, "name": "Gray day.png"})))
    assert first["title"] == "Gray day" and first["image"]["full_width"] == 90
    assert isinstance(first["notes"], list)


def test_who_waits_is_told_how_many_are_ahead(on, fresh, picture):
    held = fresh.served_elsewhere()
    opening = on.open(by_digest(picture))
    messages = [next(opening) for _ in range(3)]
    *_, waiting = told(messages)
    assert kinds(messages) == ["picture", "waiting"] and waiting["text"] == "1 person ahead, about 1 s"
    assert waiting["generation"] == 1 and waiting["done"] is None
    held.leave()
    assert kinds(opening)[-3:] == ["view", "runs", "explored"]


def test_who_waits_for_the_model_is_told_so(on, engine, picture):
    loading = Engine(engine.model, "cpu", threads=1)
    on.models.own = loading
    opening = on.open(by_digest(picture))
    messages = [next(opening) for _ in range(3)]
    assert told(messages)[-1]["text"] == "The model is being loaded"
    assert [one["patches"] for one in told(messages)[:1]] == [None]
    loading.start()
    assert kinds(opening)[-3:] == ["view", "runs", "explored"]


def test_a_later_view_ends_it_before_the_next_run(on, picture, made):
    opening = on.open(by_digest(picture, 5), tab())
    messages = [next(opening) for _ in range(3)]
    assert kinds(messages)[-1] == "view"
    done = list(made)
    on.act(event(6, picture, kind="view"), tab("another"))
    on.act(event(6, picture, kind="recipe"), tab())
    on.act(event(4, picture, kind="view"), tab())
    assert kinds([next(opening)]) == ["runs"]
    on.act(event(6, picture, kind="view"), tab())
    assert list(opening) == [gr.skip()] and len(made) == len(done) + 1


def test_a_later_view_ends_it_while_it_waits(on, fresh, picture, made):
    held = fresh.served_elsewhere()
    opening = on.open(by_digest(picture, 5), tab())
    while told([next(opening)])[0]["kind"] != "waiting":
        pass
    on.act(event(6, None, kind="view"), tab())
    assert list(opening) == [gr.skip()] and not made
    held.leave()


def test_what_was_overtaken_on_its_way_runs_nothing(on, picture, made):
    on.act(event(9, None, kind="view"), tab())
    assert list(on.open(by_digest(picture, 5), tab())) == [gr.skip()] and not made


def test_a_later_view_ends_it_even_where_every_run_is_at_hand(on, picture):
    assert told(on.open(by_digest(picture, 4), tab()))[-1]["kind"] == "explored"
    opening = on.open(by_digest(picture, 5), tab())
    messages = [next(opening) for _ in range(2)]
    on.act(event(6, picture, kind="view"), tab())
    assert kinds(messages) == ["picture"] and list(opening) == [gr.skip()]


def test_nothing_runs_for_a_tab_that_was_closed(on, picture, made):
    opening = on.open(by_digest(picture, 5), tab())
    messages = [next(opening) for _ in range(3)]
    assert kinds(messages)[-1] == "view"
    on.gone(tab())
    done = list(made)
    assert list(opening) == [gr.skip()] and made == done


def test_acts_that_nobody_knows_change_nothing(on, picture):
    for kind in ("nonsense", None, ["view"], 7):
        on.act(event(9, None, kind=kind), tab())
    assert told(on.open(by_digest(picture, 1), tab()))[-1]["kind"] == "explored"


@pytest.fixture
def other(on, engine, monkeypatch) -> StubShelf:
    """A page that offers a second model, which is not downloaded yet."""
    monkeypatch.setattr(models_module, "REPORT_EVERY_S", 0.005)
    shelf = StubShelf([engine.model], [])
    own, on.models = on.models.own, Models("own", "cpu", 1, shelf)
    on.models.own = own
    own.model = "own"
    return shelf


def test_a_model_is_downloaded_with_progress(on, other, picture):
    name = other.folders[0]
    opening = on.open(by_digest(picture, 5, model=name))
    messages = [next(opening), next(opening)]
    first, waiting = told(messages)
    assert first["kind"] == "picture" and first["patches"] is None
    assert (waiting["done"], waiting["of"]) == (MB, 2 * MB) and waiting["text"].endswith("1 of 2 MB")
    other.may_end.set()
    assert kinds(opening)[-3:] == ["view", "runs", "explored"]
    assert on.models.offer(name).at_hand


def test_a_download_goes_on_when_nobody_waits_for_it_any_more(on, other, picture, made):
    name = other.folders[0]
    opening = on.open(by_digest(picture, 5, model=name), tab())
    next(opening), next(opening)
    on.act(event(6, picture, kind="view"), tab())
    assert list(opening) == [gr.skip()] and not made
    other.may_end.set()
    assert told(on.open(by_digest(picture, 7, model=name), tab()))[-1]["kind"] == "explored"


@pytest.mark.parametrize(
    ("trouble", "words"),
    [(mpm.InputError("no network"), "No network."), (OSError("/secret"), "could not be read or downloaded")],
)
def test_a_failed_download_is_one_sentence(on, other, picture, trouble, words):
    other.trouble = trouble
    other.may_end.set()
    messages = [one for one in on.open(by_digest(picture, model=other.folders[0])) if "waiting" not in one]
    failed = only_failure(messages[1:])
    assert failed["what"] == "open" and words in failed["message"] and "/secret" not in failed["message"]


@pytest.mark.parametrize("model", ["/etc/passwd", "x" * 10_000, "https://example.org/model"])
def test_models_that_are_not_offered_are_one_sentence(on, picture, model):
    first, *rest = on.open(by_digest(picture, model=model))
    assert kinds([first]) == ["picture"] and "has no model" in only_failure(rest)["message"]


def test_a_model_that_cannot_be_loaded_is_one_sentence(on, picture):
    on.models = Models("no-such-model", "cpu").start()
    on.models.own.wait()
    first, *rest = on.open(by_digest(picture, 3))
    failed = only_failure(rest)
    assert (failed["what"], failed["generation"]) == ("open", 3) and "No model" in failed["message"]
    assert rest[-1] == gr.skip()


def test_what_nobody_foresaw_is_a_sentence_with_its_name_and_in_the_log(on, picture, monkeypatch, caplog):
    def broken(*_):
        raise ZeroDivisionError("/secret")

    monkeypatch.setattr(on.pictures, "find", broken)
    failed = only_failure(on.open(by_digest(picture)))
    assert failed["message"] == "Something went wrong on the server (ZeroDivisionError)."
    (record,) = caplog.records
    assert record.exc_info[0] is ZeroDivisionError


def test_a_sweep_that_takes_too_long_says_so_after_what_it_has(on, fresh, picture):
    fresh._deadline_s = 0.0
    *messages, skip = on.open(by_digest(picture))
    failed = told(messages)[-1]
    assert skip == gr.skip() and failed["kind"] == "failed" and "took longer than 0 s" in failed["message"]


def test_a_recipe_that_does_not_fit_the_model_gives_way_to_the_paper_s(on, picture):
    for recipe, selected in (("2,20", "2,5"), ("2,7", "2,7"), ("nobody@1", "2,5"), ("1," * 60_000, "2,5")):
        view = next(one for one in told(on.open(by_digest(picture, recipe=recipe))) if one["kind"] == "view")
        assert view["selected"] == selected in {run["schedule"] for run in view["runs"]}


def test_labels_are_told_to_models_of_the_same_classes_only(on, fresh, engine):
    opened = {"example": "rain"}
    view = first_told(on.open(event(source=opened)), "view")
    assert view["truth"] and view["runs"][0]["truth"]
    labels = replace(engine.segmenter.config.labels, name="others")
    fresh._segmenter = mpm.Segmenter(replace(engine.segmenter.config, labels=labels)).eval()
    fresh.model = "another"
    view = first_told(on.open(event(2, source=opened)), "view")
    assert view["truth"] is None and view["runs"][0]["truth"] is None


def test_a_recipe_that_fails_when_it_runs_gives_way_to_the_paper_s(on, fresh, picture):
    messages = told(on.open(by_digest(picture, 5, recipe="budget(ms=0.1)@1,3")))
    failed = next(one for one in messages if one["kind"] == "failed")
    assert failed["what"] == "custom" and failed["schedules"] == ["budget(ms=0.1)@1,3"]
    assert next(one for one in messages if one["kind"] == "view")["selected"] == "2,5"
    assert messages[-1]["kind"] == "explored"
