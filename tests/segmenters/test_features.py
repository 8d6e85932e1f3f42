from __future__ import annotations

import numpy as np
import pytest

import mpm
from mpm.segmenters.features import similarity_to, stage_features


def test_features_explain_the_matches(tiny, smooth_image):
    run = tiny.segment(smooth_image, "1,3")
    for number, stage in enumerate(run.trace.stages):
        features = stage_features(tiny, smooth_image, "1,3", number)
        for token in (0, len(stage.position) // 2):
            heat = similarity_to(features, stage.position[token]).ravel()
            assert heat[stage.position[stage.nearest[token]]] == pytest.approx(
                stage.similarity[token], abs=1e-5
            )


def test_merged_patches_share_one_token(tiny, smooth_image):
    run = tiny.segment(smooth_image, "1,3")
    features = stage_features(tiny, smooth_image, "1,3", 2).reshape(run.grid.size, -1)
    assert np.array_equal(features, features[run.trace.groups(2).ravel()])
    assert np.allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)


def test_bad_stage_and_patch(tiny, smooth_image):
    with pytest.raises(mpm.InputError, match="0 to 1"):
        stage_features(tiny, smooth_image, "1", 2)
    with pytest.raises(mpm.InputError, match="Patch"):
        similarity_to(np.zeros((2, 2, 3), np.float32), 4)
