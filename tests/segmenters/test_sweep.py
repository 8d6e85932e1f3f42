"""A sweep gives what separate runs give, and runs every distinct prefix of blocks once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from support.made_up_costs import linear

import mpm
from mpm.encoders.run import encode
from mpm.merging.rules.budget import nobody
from mpm.segmenters.sweep import fork_of, sweep

SCHEDULES = ["1,3", "none", "3", "1", "0,1,2,3", "1,2"]


@pytest.mark.parametrize("order", [SCHEDULES, SCHEDULES[::-1], ["2", "2"]])
def test_bit_equal_to_separate_runs(tiny, smooth_image, order):
    for schedule, run in zip(order, sweep(tiny, smooth_image, order), strict=True):
        alone = tiny.segment(smooth_image, schedule)
        assert run.schedule == alone.schedule
        assert np.array_equal(run.labels, alone.labels) and np.array_equal(run.logits, alone.logits)
        assert run.trace.token_counts == alone.trace.token_counts
        for own, other in zip(run.trace.stages, alone.trace.stages, strict=True):
            assert np.array_equal(own.partner, other.partner) and own.block == other.block
            assert np.array_equal(own.similarity, other.similarity)


@pytest.mark.parametrize("order", [SCHEDULES, SCHEDULES[::-1]])
def test_every_distinct_prefix_runs_once(tiny, smooth_image, order, monkeypatch):
    calls = Counter()
    for number, block in enumerate(tiny.encoder.blocks):
        original = block.forward
        monkeypatch.setattr(block, "forward", lambda x, n=number, f=original: (calls.update([n]), f(x))[1])
    list(sweep(tiny, smooth_image, order))
    blocks = [mpm.Schedule.parse(text).blocks for text in order]
    for number in range(tiny.depth):
        prefixes = {tuple(block for block in own if block <= number) for own in blocks}
        assert calls[number] == len(prefixes)


def test_timings_are_sums_marked_as_estimated(tiny, smooth_image):
    for run in sweep(tiny, smooth_image, ["1,2", "1"]):
        assert run.timing.estimated
        assert run.timing.total == pytest.approx(sum(run.timing.parts.values()))
        assert set(run.timing.parts) == set(mpm.clock.PARTS)


def test_display_labels_are_small(tiny):
    picture = np.zeros((100, 300, 3), np.uint8)
    (run,) = sweep(tiny, picture, ["none"], max_label_px=150)
    assert run.labels.shape == (50, 150)


def test_forks():
    def fork(first, second):
        block, before, *options = fork_of(mpm.Recipe.parse(first), mpm.Recipe.parse(second))
        return block, *(f"{call}@{own}" for own, call in before), *options

    plain = (False, False, False, False, 1)
    assert fork("2,5", "2,8") == (5, "mutual@2", plain)
    assert fork("2", "none") == (2, ())
    assert fork("0,2", "0,2") == (0, ())
    assert fork("2,5", "random@2,5") == (2, ())
    assert fork("2+random@5", "2,8") == (5, "mutual@2", plain)
    assert fork("2,5|sizes", "2,5") == (2, ()), "the first merge is weighed already"
    assert fork("2,5|residual", "2,5") == (2, ()), "what the first merge took away is kept already"
    assert fork("2,5|after-attention", "2,5") == (2, ())
    assert fork("2,5|sizes", "2,8|sizes") == (5, "mutual@2", (True, True, False, False, 1))
    kept = (False, False, True, False, 1)
    assert fork("2,5|residual", "2,8|decode-merged,residual") == (5, "mutual@2", kept)


def test_a_bad_schedule_is_refused_before_any_work(tiny, smooth_image):
    with pytest.raises(mpm.InputError):
        next(sweep(tiny, smooth_image, ["none", "7"]))


PLANNED = [
    "budget(1.1)@0,2",
    "budget(1.1)@0,3",
    "none",
    "budget(1.1)@0,2|decode-merged",
    "0+budget(1.1)@1,3",
    "0+budget(1.1)@1",
    "0,1",
    "budget(1.1)@0,2",
]


@pytest.mark.parametrize("order", [PLANNED, PLANNED[::-1]])
def test_what_looks_ahead_shares_no_run_with_another_future(tiny, smooth_image, order, monkeypatch):
    monkeypatch.setattr(tiny, "costs", lambda: linear(search=0.1))
    counts = {}
    for recipe, run in zip(order, sweep(tiny, smooth_image, order), strict=True):
        alone = tiny.segment(smooth_image, recipe)
        assert np.array_equal(run.labels, alone.labels) and np.array_equal(run.logits, alone.logits)
        counts[recipe] = run.trace.token_counts
        assert counts[recipe] == alone.trace.token_counts
    assert counts["budget(1.1)@0,2"][1] != counts["budget(1.1)@0,2|decode-merged"][1], "the futures differ"


def test_until_somebody_looks_ahead_runs_are_shared():
    first, second = (mpm.Recipe.parse(text) for text in ("0+budget(2)@2", "0+budget(2)@3"))
    assert fork_of(first, second)[0] == 2 and fork_of(first, second) == fork_of(second, first)
    ahead, other = (mpm.Recipe.parse(text) for text in ("budget(2)@0,2", "budget(2)@0,3"))
    assert fork_of(ahead, other) != fork_of(other, ahead)


@pytest.fixture
def stay(no_rule_stays):
    """A rule by which nobody merges."""
    return mpm.rule("stay", title="Stay", source="a test")(
        lambda tokens, context: nobody(tokens, context.counts)
    )


@pytest.mark.parametrize(
    "options", ["", "|residual", "|decode-merged,residual,sizes", "|after-attention,sizes"]
)
def test_where_nobody_merges_every_bit_stays(tiny, smooth_image, stay, options):
    plain, idle = tiny.segment(smooth_image, "none"), tiny.segment(smooth_image, f"stay@0,2{options}")
    if "after" not in options:  # two halves of a block may round otherwise than the whole
        assert np.array_equal(plain.logits, idle.logits)
    assert np.array_equal(plain.labels, idle.labels) and len(set(idle.trace.token_counts)) == 1


@pytest.mark.parametrize("options", ["", "|residual", "|decode-merged,residual,sizes", "|weighted"])
@pytest.mark.parametrize("stages", ["stay@0+1,3", "1+stay@2+3", "1,3+stay@2"])
def test_who_stays_changes_nothing_for_those_who_merge(tiny, smooth_image, stay, stages, options):
    known = tiny.segment(smooth_image, "1,3" + options)
    run = tiny.segment(smooth_image, stages + options)
    assert np.array_equal(known.logits, run.logits) and len(set(run.trace.token_counts)) == 3


def test_differences_stand_beside_their_maps(tiny, smooth_image, stay):
    pixels, geometry = tiny.preprocess(smooth_image)
    recipe = mpm.Recipe.parse("stay@0+1+stay@2+3|residual")
    (state,) = encode(tiny.runner, pixels, recipe, grid=geometry.grid)
    assert [one is None for one in state.differences] == [True, False, True, False]
    for one, merge_map in zip(state.differences, state.maps, strict=True):
        assert one is None or one.shape[1] == merge_map.index.shape[1]
