"""Features as colours: components by hand, against a slow reference, and on real runs."""

from __future__ import annotations

import numpy as np
import pytest

import mpm
from mpm.segmenters.feature_colours import Components, feature_colours
from mpm.segmenters.features import final_tokens


def random_tokens(rows=5, cols=7, channels=8, seed=0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    scale = np.arange(channels, 0, -1) ** 2
    return (rng.normal(size=(rows, cols, channels)) * scale + 3).astype(np.float32)


def test_two_directions_by_hand():
    # Along channel 1 the tokens spread by 3 (variance 9), along channel 0 by 1; channel 2 stands still.
    tokens = np.array([[[1, 3, 5], [1, -3, 5], [-1, 3, 5], [-1, -3, 5]]], np.float32)
    found = Components.of(tokens)
    assert np.allclose(found.centre, [0, 0, 5])
    assert np.allclose(found.directions[:, :2], [[0, 1], [1, 0], [0, 0]])
    assert np.allclose(found.explained, [0.9, 0.1, 0])
    # Quantiles of four values at two ends are close to, not at, the ends: all are clipped to 0 and 255.
    colours = feature_colours(tokens, tokens).baseline
    assert colours.tolist() == [[[255, 255, 128], [0, 255, 128], [255, 0, 128], [0, 0, 128]]]


def test_as_a_singular_value_decomposition_says():
    tokens = random_tokens()
    flat = tokens.reshape(-1, 8).astype(np.float64)
    _, values, vectors = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    found = Components.of(tokens)
    assert np.allclose(found.explained, (values**2 / (values**2).sum())[:3])
    for own, expected in zip(found.directions.T, vectors[:3], strict=True):
        assert np.allclose(np.abs(own), np.abs(expected)) and own[np.abs(own).argmax()] > 0


def test_the_other_run_has_the_same_scale():
    tokens = random_tokens()
    moved = tokens.copy()
    moved[2, 3] = tokens[0, 0]
    before = tokens.copy(), moved.copy()
    found = feature_colours(tokens, moved)
    assert np.array_equal(found.merged[2, 3], found.baseline[0, 0])
    same = np.ones((5, 7), bool)
    same[2, 3] = False
    assert np.array_equal(found.merged[same], found.baseline[same])
    assert found.baseline.shape == (5, 7, 3) and found.baseline.dtype == np.uint8
    assert np.array_equal(tokens, before[0]) and np.array_equal(moved, before[1])


def test_single_strange_tokens_leave_the_scale_alone():
    tokens = random_tokens(30, 30)
    strange = tokens.copy()
    strange[0, 0, 0] += 1000
    assert feature_colours(strange, strange).baseline[1:, :, 0].std() > 20


def test_nothing_varies_and_few_channels():
    flat = feature_colours(np.ones((2, 3, 4), np.float32), np.ones((2, 3, 4), np.float32))
    assert (flat.baseline == 128).all() and flat.explained == (0, 0, 0)
    two = feature_colours(random_tokens(channels=2), random_tokens(channels=2))
    assert (two.baseline[..., 2] == 128).all() and two.explained[2] == 0
    one = feature_colours(np.ones((1, 1, 5), np.float32), np.zeros((1, 1, 5), np.float32))
    assert one.merged.shape == (1, 1, 3)


def test_other_grids_are_refused():
    with pytest.raises(mpm.InputError, match="5 x 7 patches and 4 x 7"):
        feature_colours(random_tokens(), random_tokens(rows=4))


def test_final_tokens_are_what_the_decoder_gets(tiny, smooth_image):
    import torch

    for recipe in ("none", "1,3", "1,3|residual"):
        run = tiny.segment(smooth_image, recipe)
        tokens = torch.from_numpy(final_tokens(tiny, smooth_image, recipe))
        rows, cols, channels = tokens.shape
        logits = tiny.decoder(tokens.reshape(1, rows * cols, channels))
        expected = torch.from_numpy(run.logits).reshape(1, -1, rows * cols).transpose(1, 2)
        assert torch.equal(logits, expected)


def test_merged_patches_share_a_colour(tiny, smooth_image):
    run = tiny.segment(smooth_image, "1,3")
    tokens = [final_tokens(tiny, smooth_image, recipe) for recipe in ("none", "1,3")]
    flat = feature_colours(*tokens).merged.reshape(-1, 3)
    assert np.array_equal(flat, flat[run.trace.groups(2).ravel()])
