"""What a rule says of each token, against what its arrays say."""

from __future__ import annotations

import numpy as np
import pytest

import mpm
from mpm.merging.reasons import Reasons


@pytest.mark.parametrize("recipe", ["0,2", "random@0,2", "mutual(window=1)@0,2"])
def test_every_patch_has_a_true_sentence(tiny, smooth_image, recipe):
    trace = tiny.segment(smooth_image, recipe).trace
    for number, stage in enumerate(trace.stages):
        held = trace.groups(number).ravel()
        for patch in range(trace.grid.size):
            token = int(np.flatnonzero(stage.position == held[patch])[0])
            sentence = trace.why(patch, number)
            if stage.partner[token] >= 0:
                row, col = divmod(int(stage.position[stage.partner[token]]), trace.grid.cols)
                assert f"merged with row {row}, column {col}" in sentence
            else:
                assert sentence.startswith("not merged: ")
            assert "{" not in sentence


def test_mutual_pairs_tell_who_was_preferred(tiny, smooth_image):
    trace = tiny.segment(smooth_image, "1").trace
    stage = trace.stages[0]
    single = int(np.flatnonzero(stage.partner < 0)[0])
    nearest = int(stage.nearest[single])
    rival = int(stage.nearest[nearest])
    place = [f"row {one // trace.grid.cols}, column {one % trace.grid.cols}" for one in (nearest, rival)]
    assert trace.why(single, 0) == f"not merged: its nearest, {place[0]}, preferred {place[1]}"


def test_who_has_nobody_says_so(tiny):
    trace = tiny.segment(np.zeros((1, 1, 3), np.uint8), "0", resolution=8).trace
    assert trace.grid.size == 1
    assert trace.why(0, 0) == "not merged: it had no other token to choose"


def test_places_that_are_not_there(tiny, smooth_image):
    trace = tiny.segment(smooth_image, "1").trace
    with pytest.raises(IndexError):
        trace.why(trace.grid.size, 0)
    with pytest.raises(IndexError):
        trace.why(0, 1)


def test_a_code_without_a_sentence_is_refused():
    with pytest.raises(ValueError, match="below 1, but got 1"):
        Reasons(("merged",), np.array([0, 1], np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        Reasons(("merged",), np.array([0]))
    chosen = Reasons.choose(3, ("a", np.array([True, False, False])), ("b", True))
    assert chosen.code.tolist() == [0, 1, 1]
    assert mpm.Reasons is Reasons
