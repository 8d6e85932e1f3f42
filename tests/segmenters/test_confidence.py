"""How sure a mask is, and when that is too little."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

import mpm
from mpm.segmenters.confidence import ConfidenceReference, is_unsure, mask_confidence
from mpm.segmenters.sweep import sweep
from mpm.streets import render_street


def test_two_patches_by_hand():
    # softmax of (ln 3, 0) is (3/4, 1/4), and of (0, 0) it is (1/2, 1/2): 5/8 on average.
    logits = np.array([[[np.log(3), 0.0]], [[0.0, 0.0]]], np.float32)
    assert mask_confidence(logits) == pytest.approx(0.625)


def test_as_the_plain_softmax_says():
    logits = torch.randn(150, 7, 5, generator=torch.Generator().manual_seed(0)) * 40
    expected = logits.double().softmax(0).max(0).values.mean().item()
    before = logits.clone()
    assert mask_confidence(logits.numpy()) == pytest.approx(expected, abs=1e-6)
    assert torch.equal(logits, before)


def test_it_says_nothing_without_a_choice_or_a_number():
    assert mask_confidence(np.zeros((1, 2, 2), np.float32)) is None
    assert mask_confidence(np.full((3, 2, 2), np.nan, np.float32)) is None


@pytest.mark.parametrize("recipe", ["none", "1,3", "1,3|decode-merged,residual"])
def test_every_run_has_it(tiny, smooth_image, recipe):
    run = tiny.segment(smooth_image, recipe)
    assert run.confidence == mask_confidence(run.logits) and 1 / 11 < run.confidence <= 1
    (swept,) = sweep(tiny, smooth_image, [recipe], max_label_px=20)
    assert swept.confidence == run.confidence, "it belongs to the logits, whatever size is shown"
    assert pickle.loads(pickle.dumps(swept)).confidence == run.confidence, "it comes back from a worker"


def test_the_reference_of_known_values():
    reference = ConfidenceReference.of([0.8 + 0.001 * step for step in range(101)])
    assert (reference.median, reference.low) == (0.85, 0.805)
    assert reference.threshold == pytest.approx(0.76)
    with pytest.raises(ValueError, match="at least one"):
        ConfidenceReference.of([])


def test_unsure_is_far_below_the_models_own_kind():
    reference = ConfidenceReference(median=0.875, low=0.8125)
    assert reference.threshold == 0.75
    assert is_unsure(0.74, reference)
    assert not is_unsure(0.75, reference) and not is_unsure(0.9, reference)
    assert not is_unsure(0.1, None) and not is_unsure(None, reference)


def test_the_configuration_carries_it(tiny_config):
    assert tiny_config.confidence is None
    assert mpm.SegmenterConfig.from_json(tiny_config.to_json()).confidence is None
    config = replace(tiny_config, confidence=ConfidenceReference(0.9, 0.8))
    assert config.to_json()["confidence"] == {"median": 0.9, "low": 0.8}
    assert mpm.SegmenterConfig.from_json(config.to_json()).confidence == config.confidence
    older = {name: value for name, value in config.to_json().items() if name != "confidence"}
    assert mpm.SegmenterConfig.from_json(older).confidence is None


@pytest.mark.parametrize(
    "value",
    [0.9, [], {"median": 0.9}, {"median": 0.8, "low": 0.9}, {"median": 1.5, "low": 0.9},
     {"median": "a", "low": 0.5}, {"median": True, "low": 0.5}, {"median": float("nan"), "low": 0.5}],
)  # fmt: skip
def test_a_reference_that_is_none(tiny_config, value):
    with pytest.raises(mpm.InputError, match="confidence"):
        mpm.SegmenterConfig.from_json({**tiny_config.to_json(), "confidence": value})


def test_the_bundled_model_knows_a_street_from_noise():
    segmenter = mpm.load_segmenter("streets-vit-tiny")
    reference = segmenter.config.confidence
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    pictures = {"street": render_street(10_000, 320, 240).image, "noise": noise}
    unsure = {
        name: is_unsure(segmenter.segment(rgb, "none", resolution=240).confidence, reference)
        for name, rgb in pictures.items()
    }
    assert unsure == {"street": False, "noise": True}
