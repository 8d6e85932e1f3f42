"""The lab: streets to order, and its charts."""

from __future__ import annotations

import gradio as gr
import numpy as np
import pytest

from app.engine.ground_truth import Truths
from app.engine.models import Models
from app.lab.handlers import LabHandlers


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
