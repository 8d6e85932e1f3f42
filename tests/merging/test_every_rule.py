"""What every rule in the box keeps to, whatever it does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.slow_rules import after_pairs, found, index_of, picture_tokens

import mpm
from mpm.merging.removals import removals_or_pairs

GRID = mpm.Grid(8, 6, 8)
HALF, ALL, WINDOWS = 24, 47, 36
MOST = {
    "bipartite": HALF,
    "bipartite(0.1)": HALF,
    "bipartite(above=0.99)": HALF,
    "energy": HALF,
    "energy(0.1)": HALF,
    "random": HALF,
    "windows": WINDOWS,
    "pool": WINDOWS,
    "pool(seed=3)": WINDOWS,
    "graph": ALL,
    "rounds": ALL,
    "rounds(0.9)": ALL,
    "regions": ALL,
    "regions(0.7)": ALL,
    "budget": ALL,
    "budget(threshold=0.7)": ALL,
}
"""Rules, and how many of 48 tokens on an 8 x 6 grid they can take away."""
EVERY = [*MOST, "mutual", "mutual(above=0.9)", "mutual(window=2)"]


def lost(merge_map: mpm.MergeMap, rows: list[int]) -> list[int]:
    return [row - kept for row, kept in zip(rows, merge_map.counts.tolist(), strict=True)]


def test_all_rules_of_the_box_are_looked_at():
    assert {one.name for one in mpm.rules()} == {text.partition("(")[0] for text in EVERY}


@pytest.mark.parametrize("text", MOST)
@pytest.mark.parametrize("asked", [0, 1, 2, 3, 4, 5, 11, 23, 24, 25, 36, 47, 60])
def test_as_many_go_as_are_asked_for(text, asked):
    tokens = picture_tokens(8, 6, batch=2)
    merge_map = found(tokens, text, grid=GRID, removals=(asked, 7))
    assert lost(merge_map, [48, 48]) == [min(asked, MOST[text]), 7]


@pytest.mark.parametrize("text", ["mutual", "mutual(window=2)"])
def test_mutual_takes_its_best_pairs_and_no_more_than_there_are(text):
    tokens = picture_tokens(8, 6)
    whole = found(tokens, text, grid=GRID)
    pairs = int(48 - whole.counts)
    for asked in (0, 1, pairs - 1, pairs, 47):
        fewer = found(tokens, text, grid=GRID, removals=(asked,))
        kept = (fewer.partner[0] >= 0).nonzero().flatten()
        assert len(kept) == 2 * min(asked, pairs)
        assert torch.equal(fewer.partner[0, kept], whole.partner[0, kept])
        left = (whole.partner[0] >= 0) & (fewer.partner[0] < 0)
        assert min(whole.similarity[0, kept], default=1) >= max(whole.similarity[0, left], default=-1)


@pytest.mark.parametrize("text", EVERY)
@pytest.mark.parametrize("asked", [None, 5])
def test_an_image_is_the_same_alone_and_in_a_batch_after_an_earlier_merge(text, asked):
    pictures = picture_tokens(8, 6, batch=3)
    together, known = after_pairs(pictures, GRID)
    assert len(set(known["counts"].tolist())) > 1, "there must be padding"
    together[known["counts"].argmin(), known["counts"].min() :] = 7.0
    batch = found(together, text, removals=None if asked is None else (asked,) * 3, **known)
    for image, count in enumerate(known["counts"].tolist()):
        tokens, own = after_pairs(pictures[image : image + 1], GRID)
        alone = found(tokens, text, removals=None if asked is None else (asked,), **own)
        assert alone.index[0].tolist() == batch.index[image, :count].tolist()
        assert alone.index[0].tolist() == index_of(alone.index[0].tolist()), "raster order"
        assert batch.index[image, count:].eq(-1).all() and alone.counts[0] == batch.counts[image]
        for name in ("nearest", "similarity"):
            one, other = getattr(alone, name), getattr(batch, name)
            assert one is other is None or torch.equal(one[0], other[image, :count])


@pytest.mark.parametrize("text", EVERY)
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 3), (3, 1), (2, 2), (1, 9), (9, 1), (3, 5)])
@pytest.mark.parametrize("asked", [None, 0, 1, 100])
def test_small_and_narrow_grids(text, shape, asked):
    rows, cols = shape
    tokens = picture_tokens(rows, cols)
    removals = None if asked is None else (asked,)
    merge_map = found(tokens, text, grid=mpm.Grid(rows, cols, 8), removals=removals)
    assert merge_map.index.shape == (1, rows * cols) and 1 <= int(merge_map.counts) <= rows * cols
    if text.startswith(("windows", "pool")) and min(shape) == 1:
        assert int(merge_map.counts) == rows * cols
    elif asked == 1 and rows * cols > 1:
        assert int(merge_map.counts) == rows * cols - 1
    assert asked != 0 or int(merge_map.counts) == rows * cols


@pytest.mark.parametrize("text", EVERY)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_merge_as_their_float32_copies_do(text, dtype):
    tokens = picture_tokens(8, 6).to(dtype)
    expected = found(tokens.float(), text, grid=GRID)
    assert torch.equal(found(tokens, text, grid=GRID).index, expected.index)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(found(tokens.float(), text, grid=GRID).index, expected.index)


@pytest.mark.parametrize("text", EVERY)
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_is_not_finite_raises(text, bad):
    tokens = picture_tokens(8, 6)
    tokens[0, 47, 2] = bad
    with pytest.raises(ValueError, match="finite"):
        found(tokens, text, grid=GRID)


@pytest.mark.parametrize("text", EVERY)
def test_removals_that_do_not_fit_are_refused(text):
    for bad in ((1,), (1, 2, 3), (1, -1)):
        with pytest.raises(ValueError, match="Removals must be 2 numbers of at least 0"):
            found(picture_tokens(8, 6, batch=2), text, grid=GRID, removals=bad)


@pytest.mark.parametrize("text", EVERY)
def test_a_run_reads_its_own_text_and_says_why(tiny, smooth_image, text):
    recipe = mpm.Recipe.parse(f"{text}@0+2")
    assert mpm.Recipe.parse(str(recipe)) == recipe
    trace = tiny.segment(smooth_image, recipe).trace
    assert trace.stages[0].rule == text
    stage, held = trace.stages[0], trace.groups(0).ravel()
    shared = np.bincount(stage.index)[stage.index] > 1
    for patch in range(trace.grid.size):
        sentence = trace.why(patch, 0)
        assert "{" not in sentence and held[patch] == patch
        assert sentence.startswith(("merged", "joined")) == shared[patch], sentence


@pytest.mark.parametrize("text", EVERY)
def test_a_second_insertion_sees_what_the_first_left(tiny, smooth_image, text):
    trace = tiny.segment(smooth_image, f"{text}@0,1,3").trace
    assert len(trace.stages) == 3 and trace.token_counts == sorted(trace.token_counts, reverse=True)
    labels = tiny.segment(smooth_image, f"{text}@0,1,3|sizes,residual").labels
    assert labels.shape == smooth_image.shape[:2]


def test_as_many_as_mutual_pairs():
    tokens, counts = picture_tokens(8, 6, batch=2), torch.tensor([48, 1])
    pairs = mpm.mutual_pairs(tokens, counts)
    context = mpm.Context(tokens, counts=counts)
    assert removals_or_pairs(tokens, context) == (48 - int(pairs.counts[0]), 0)
    for text in ("bipartite", "energy", "random"):
        assert found(tokens, text, counts).counts.tolist() == pairs.counts.tolist()
