"""The lab: streets to order, and its charts."""

from __future__ import annotations

import json

import gradio as gr
import numpy as np
import pytest
from support.page_events import event, tab, told, wish

from app.engine.models import Models
from app.engine.pictures import Picture, Pictures
from app.lab import experiments
from app.lab import handlers as lab_handlers
from app.lab.handlers import LabHandlers

DIALS = (12, 0.1, 0.5, 0.8)


@pytest.fixture
def lab(engine) -> LabHandlers:
    return LabHandlers(Models.of(engine), Pictures())


def text(recipe: str = "2,5", **changes) -> str:
    """A wish as Gradio's own controls get it."""
    return json.dumps({**wish(1, None, recipe=recipe), **changes})


def test_lab_draws_counts_and_offers_the_street_with_its_labels(lab):
    (drawn, _), (_, note) = lab.preview(text(), 4, *DIALS)
    assert drawn.shape == (360, 480, 3) and "% kept" in note and "at 2,5" in note
    offered = json.loads(lab.open(4, *DIALS))
    assert (offered["kind"], offered["title"]) == ("offered", "Street 4")
    picture = lab.pictures.find(offered["picture"])
    assert np.array_equal(picture.rgb, drawn) and picture.truth.shape == (360, 480)
    assert lab.pictures.add(Picture.of(drawn, title="mine")).truth is picture.truth


def test_a_street_that_made_room_is_drawn_again(lab):
    lab.pictures = Pictures(cache_bytes=800_000)
    first, _ = (json.loads(lab.open(seed, *DIALS))["picture"] for seed in (4, 5))
    found = lab.pictures.find(first)
    assert found.digest == first and found.title == "Street 4" and found.truth is not None


def test_an_offered_street_is_opened_by_the_explorer(on, lab):
    lab.pictures = on.pictures
    offered = json.loads(lab.open(4, *DIALS))
    opened = on.open(event(2, source={"picture": offered["picture"]}))
    view = next(one for one in told(opened) if one["kind"] == "view")
    assert view["title"] == "Street 4" and view["truth"] and view["runs"][0]["truth"]


@pytest.mark.parametrize("sent", [None, "", "{", "[]", '{"generation": 1}'])
def test_wishes_that_no_browser_of_ours_sends_are_one_sentence(lab, sent):
    for ask in (
        lambda: list(lab.preview(sent, 4, *DIALS)),
        lambda: list(lab.sweep(sent, "weather", 4, *DIALS)),
        lambda: list(lab.night(sent, 4, *DIALS)),
    ):
        with pytest.raises(gr.Error, match="please reload it"):
            ask()


def test_bad_dials_recipes_and_models_are_one_sentence(lab):
    with pytest.raises(gr.Error, match="weather"):
        lab.open(4, 12, 7, 0.5, 0.8)
    for ask, words in (
        (lambda: lab.open(None, *DIALS), "needs a number"),
        (lambda: list(lab.sweep(text("2"), "weather", None, *DIALS)), "needs a number"),
        (lambda: list(lab.preview(text("99"), 4, *DIALS)), "0 to 11"),
        (lambda: list(lab.preview(text("1," * 50_000), 4, *DIALS)), "at most 400 characters"),
        (lambda: list(lab.preview(text(model="/etc"), 4, *DIALS)), "has no model"),
    ):
        with pytest.raises(gr.Error, match=words) as refused:
            ask()
        assert len(str(refused.value)) < 450


def test_looking_at_a_street_comes_before_long_studies(lab, engine, monkeypatch):
    claims, plain = [], engine.segment
    monkeypatch.setattr(
        engine, "segment", lambda picture, recipe, claim: (claims.append(claim), plain(picture, recipe))[1]
    )
    monkeypatch.setitem(experiments.SWEEP_VALUES, "weather", (0.0, 1.0))
    list(lab.preview(text(), 4, *DIALS, request=tab("A")))
    list(lab.sweep(text(), "weather", 4, *DIALS, request=tab("B")))
    assert [(claim.visitor, claim.urgency.name) for claim in claims] == [
        ("A", "ASKED"), ("B", "AHEAD"), ("B", "AHEAD"),
    ]  # fmt: skip


def test_lab_charts(lab, engine, monkeypatch):
    monkeypatch.setitem(experiments.SWEEP_VALUES, "weather", (0.0, 1.0))
    monkeypatch.setattr(lab_handlers, "STUDY_SEEDS", (100, 101))
    *progress, (figure, _) = lab.sweep(text(), "weather", 4, *DIALS)
    assert list(figure.data[0].x) == [0, 1] and "2 of 2" in progress[-1][1]
    *progress, (_, note) = lab.night(text("2"), 4, *DIALS)
    assert len(progress) == 2 and "paper" in note
    with pytest.raises(gr.Error, match="no dial"):
        list(lab.sweep(text("2"), "mood", 4, *DIALS))
    pairs = list(experiments.day_and_night(engine, "2", experiments.Dials(), seeds=(100, 101)))
    chart = lab_handlers.night_chart(pairs, "2")
    day = [100 * point.merged / point.tokens for _, point, _ in pairs]
    assert list(chart.data[0].y) == pytest.approx(day)
    merged = [sum(pair[place].merged for pair in pairs) for place in (1, 2)]
    assert experiments.fewer_at_night(pairs) == pytest.approx((merged[0] - merged[1]) / merged[0])
