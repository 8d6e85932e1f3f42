"""Labels do not hang on `torch.set_default_dtype`: whoever sets it gets the same ones."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

import mpm
from mpm.segmenters import exact_argmax, upsample
from mpm.segmenters.config import SlidingConfig
from mpm.segmenters.sliding import best_classes, segment_sliding
from mpm.segmenters.upsample import argmax_bilinear


@pytest.fixture(params=[torch.float64, torch.bfloat16], ids=str)
def default(request):
    """Sets another default, once the test has what belongs to the usual one."""
    yield lambda: torch.set_default_dtype(request.param)
    torch.set_default_dtype(torch.float32)


def smooth(classes: int) -> torch.Tensor:
    noise = np.random.default_rng(0).normal(size=(classes, 12, 18)).astype(np.float32)
    return torch.from_numpy(np.stack([cv2.GaussianBlur(one, (0, 0), 3) for one in noise]))


@pytest.mark.parametrize("share", [1.0, -1.0], ids=["by cells", "by classes"])
@pytest.mark.parametrize(("size", "factor"), [((192, 288), (16.0, 16.0)), ((135, 203), (11.3, 11.3))])
def test_upsampled_labels(default, monkeypatch, share, size, factor):
    monkeypatch.setattr(exact_argmax, "MAX_SHARE", share)
    maps = smooth(11)
    maps[3] = maps[2] * (1 + 2e-7)  # so close that rounding decides
    expected = argmax_bilinear(maps, size, factor)
    default()
    labels = argmax_bilinear(maps, size, factor)
    assert labels.dtype == torch.uint8 and torch.equal(labels, expected)


def test_chunks_and_tiny_images_and_windows(default, monkeypatch):
    def all_labels():
        return (
            upsample._labels_by_classes(maps, (192, 288), (16.0, 16.0), torch.uint8),
            argmax_bilinear(maps, (30, 40), (16.0, 16.0)),
            best_classes(maps, (100, 150)),
        )

    monkeypatch.setattr(upsample, "_chunk", lambda size, device: 4)
    maps = smooth(11)
    expected = all_labels()
    default()
    for one, other in zip(all_labels(), expected, strict=True):
        assert one.dtype == other.dtype and torch.equal(one, other)


def test_a_picture_whole_and_by_windows_under_float64(tiny_config):
    sliding = SlidingConfig(48, 37, 20, max_aspect=1.1, fills_window=True)
    segmenter = mpm.Segmenter(replace(tiny_config, sliding=sliding)).eval()
    picture = cv2.resize(
        np.random.default_rng(1).integers(0, 255, (5, 9, 3), np.uint8),
        (300, 200),
        interpolation=cv2.INTER_CUBIC,
    )
    whole, windows = segmenter.segment(picture, "1,2"), segment_sliding(segmenter, picture, "1,2")
    torch.set_default_dtype(torch.float64)
    try:
        again, by_windows = segmenter.segment(picture, "1,2"), segment_sliding(segmenter, picture, "1,2")
    finally:
        torch.set_default_dtype(torch.float32)
    assert np.array_equal(again.labels, whole.labels) and np.array_equal(by_windows.labels, windows.labels)
    assert again.logits.dtype == np.float32 and np.array_equal(again.logits, whole.logits)


@pytest.mark.parametrize("recipe", ["none", "0,2", "bipartite(0.2)@0,2|sizes", "mutual(window=2)@1"])
def test_a_whole_run_with_merges(default, tiny, smooth_image, recipe):
    expected = tiny.segment(smooth_image, recipe)
    default()
    run = tiny.segment(smooth_image, recipe)
    assert np.array_equal(run.labels, expected.labels)
    for stage, other in zip(run.trace.stages, expected.trace.stages, strict=True):
        assert stage.similarity.dtype == np.float32 and np.array_equal(stage.index, other.index)
