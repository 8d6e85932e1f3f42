"""Recipes chosen from pictures without labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import mpm
from mpm.errors import InputError
from mpm.measure.calibrate import (
    CANDIDATES,
    THRESHOLDS,
    Calibration,
    Candidate,
    calibrate,
    choose,
    find_confidence,
    render,
)
from mpm.merging.recipe import Recipe
from mpm.segmenters.confidence import ConfidenceReference

TRIED = ["3,6", "regions(-1)@3|residual"]
OWN = ["1,2", "regions(-1)@1|residual"]
"""The same over four blocks."""


@pytest.fixture
def pictures(smooth_image) -> list[np.ndarray]:
    return [smooth_image, smooth_image[::-1].copy(), smooth_image[:48, :60].copy()]


def test_the_fastest_below_each_limit_is_chosen():
    tried = [
        Candidate("slow", 0.1, 1.2, 0.9),
        Candidate("quick", 1.0, 1.5, 0.6),
        Candidate("quicker", 2.5, 2.0, 0.5),
        Candidate("worse", 2.6, 1.9, 0.5),
        Candidate("wild", 9.0, 4.0, 0.1),
    ]
    limits = {"light": 1.0, "fast": 2.0, "fastest": 3.0, "none": 0.05}
    assert choose(tried, limits) == {"light": "quick", "fast": "quick", "fastest": "quicker"}
    assert choose([], limits) == {}


def test_figures_are_those_of_single_runs(tiny, pictures):
    found = calibrate(tiny, pictures, TRIED, [0.9, -1.0], {"any": 100.0, "never": -1.0})
    assert found.pictures == 3 and [one.recipe for one in found.candidates] == OWN
    plain = [tiny.segment(one, "none").labels for one in pictures]

    def changed(text):
        masks = [tiny.segment(one, text).labels for one in pictures]
        return 100 * np.mean([(mask != own).mean() for mask, own in zip(masks, plain, strict=True)])

    for one in found.candidates:
        kept = [tiny.segment(picture, one.recipe).trace.token_counts for picture in pictures]
        assert one.changed == pytest.approx(changed(one.recipe), abs=1e-3) and one.speed > 0
        assert one.tokens_kept == pytest.approx(np.mean([own[-1] / own[0] for own in kept]), abs=1e-4)
    for (threshold, share), wanted in zip(found.changed, [0.9, -1.0], strict=True):
        text = f"budget(threshold={threshold:g})@0,1|decode-merged,residual,sizes"
        assert threshold == wanted and share == pytest.approx(changed(text), abs=1e-3)
    fastest = max(found.candidates, key=lambda one: one.speed).recipe
    assert found.recipes == {"any": fastest}


def test_confidence_is_that_of_unmerged_runs(tiny, pictures):
    own = [tiny.segment(one, "none").confidence for one in pictures]
    expected = ConfidenceReference.of(own)
    assert expected.median == pytest.approx(np.median(own), abs=1e-4)
    assert calibrate(tiny, pictures, TRIED, [0.9]).confidence == expected
    assert find_confidence(tiny, pictures) == expected
    with pytest.raises(InputError, match="no picture"):
        find_confidence(tiny, [])


def test_every_second_picture_goes_backwards(tiny, pictures, monkeypatch):
    ran, segment = [], tiny.segment
    monkeypatch.setattr(
        tiny, "segment", lambda image, recipe: (ran.append(str(recipe)), segment(image, recipe))[1]
    )
    calibrate(tiny, pictures[:2], TRIED, [0.9])
    assert ran == ["none", "none", *OWN, *OWN[::-1], "none"], "one run more, to warm up"


def test_nobody_measures_a_device(tiny, pictures, monkeypatch):
    def costs():
        raise AssertionError("thresholds keep no time")

    monkeypatch.setattr(tiny, "costs", costs)
    assert len(calibrate(tiny, pictures[:1], TRIED, [0.9]).changed) == 1


def test_candidates_that_become_one_run_once(tiny, pictures):
    found = calibrate(tiny, pictures[:1], ["3", "4", "5", "3,5"], [0.9])
    assert [one.recipe for one in found.candidates] == ["1"]


def test_no_picture(tiny):
    with pytest.raises(InputError, match="no picture"):
        calibrate(tiny, [], TRIED, [0.9])


def test_the_candidates_are_recipes():
    assert len({str(Recipe.parse(text)) for text in CANDIDATES}) == len(CANDIDATES)
    assert list(THRESHOLDS) == sorted(THRESHOLDS, reverse=True)


def test_as_text():
    tried = (Candidate("1|residual", 1.25, 1.5, 0.625), Candidate("0,1", 12.0, 2.0, 0.5))
    text = render(Calibration(20, tried, ((0.95, 0.5), (0.9, 2.0)), {"fast": "1|residual"}))
    assert text.splitlines() == [
        "20 pictures; changed: pixels whose class is not the unmerged run's",
        "",
        "1|residual  changed   1.25 %   1.50x  tokens kept  62.5%  fast",
        "0,1         changed  12.00 %   2.00x  tokens kept  50.0%",
        "",
        "adaptive(loss=...): 0.95: 0.50 %, 0.9: 2.00 %",
    ]
    assert render(Calibration(1, (), ()))
    sure = render(Calibration(1, (), (), confidence=ConfidenceReference(0.9, 0.8)))
    assert sure.splitlines()[-1] == "confidence of unmerged masks: median 0.9000, 5 % quantile 0.8000"


def test_what_is_kept_is_what_names_give(tiny, tiny_config):
    config = replace(tiny_config, recipes={"fast": "1|residual"}, changed=((0.95, 0.5), (0.9, 2.0)))
    again = mpm.SegmenterConfig.from_json(config.to_json())
    assert again.recipes == config.recipes and again.changed == config.changed
