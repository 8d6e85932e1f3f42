"""A profile has one entry a block, whether tokens merge before it or in its middle."""

from __future__ import annotations

import numpy as np
import pytest

from mpm.measure.profile import BlockClock, profiled_run


@pytest.mark.parametrize("recipe", ["none", "1,2", "1,2|after-attention", "tome(3)", "algm(0.5)|residual"])
def test_one_entry_a_block_and_their_times_are_those_of_the_parts(tiny, smooth_image, recipe):
    profile = profiled_run(tiny, smooth_image, recipe)
    assert len(profile.blocks) == tiny.depth
    assert sum(one.block for one in profile.blocks) == pytest.approx(profile.parts["blocks"])
    for name in ("match", "merge"):
        whole = profile.parts.get(name, 0.0)
        assert sum(getattr(one, name) for one in profile.blocks) == pytest.approx(whole)
    blocks = tiny.read_recipe(recipe).blocks
    assert [number for number, one in enumerate(profile.blocks) if one.match > 0] == list(blocks)
    assert np.array_equal(profile.labels, tiny.segment(smooth_image, recipe).labels)


def test_tokens_that_enter_a_block(tiny, smooth_image):
    before, after = (
        profiled_run(tiny, smooth_image, recipe).token_counts for recipe in ("1,2", "1,2|after-attention")
    )
    counts = tiny.segment(smooth_image, "1,2").trace.token_counts
    assert list(before) == [counts[0], counts[1], counts[2], counts[2]]
    counts = tiny.segment(smooth_image, "1,2|after-attention").trace.token_counts
    assert list(after) == [counts[0], counts[0], counts[1], counts[2]], "attention sees them all"


def test_two_halves_are_one_block(monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(ticks)))
    clock = BlockClock(cut=(1,))
    for name in ("blocks", "blocks", "match", "merge", "blocks", "blocks"):
        with clock.part(name):
            pass
    assert clock.blocks == [{"blocks": 1}, {"blocks": 2, "match": 1, "merge": 1}, {"blocks": 1}]
