"""Windows and pooling against slow, obvious references."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from support.slow_rules import (
    after_pairs,
    cosines,
    found,
    index_of,
    mean_cosine,
    picture_tokens,
    slow_windows,
    tied_tokens,
)

import mpm

SHAPES = [(2, 2), (4, 6), (5, 7), (6, 3), (3, 2), (1, 8), (8, 1), (1, 1), (2, 1)]


def reference(tokens: torch.Tensor, windows: list[list[int]], threshold: float, asked=None) -> list[int]:
    """One image (N, C), its windows of single tokens -> index."""
    table, groups = cosines(tokens), list(range(len(tokens)))
    ordered = sorted(windows, key=lambda four: -mean_cosine(table, four))  # a stable sort
    if asked is None:
        parties = [four for four in windows if mean_cosine(table, four) >= threshold]
    else:
        parties = ordered[: asked // 3]
        if asked % 3 and len(ordered) > asked // 3:
            some = combinations(ordered[asked // 3], asked % 3 + 1)
            parties.append(max(some, key=lambda party: mean_cosine(table, party)))
    for party in parties:
        for token in party:
            groups[token] = party[0]
    return index_of(groups)


def test_a_window_by_hand():
    # Cosines 0.8 of neighbours in this order, so six of 1, 0.8, 0.8, 0.8, 0.8 and 1: a mean of 5.2 / 6.
    tokens = torch.tensor([[[1.0, 0], [2.0, 0], [0.8, 0.6], [1.6, 1.2]]])
    grid = mpm.Grid(2, 2, 8)
    assert found(tokens, "windows(0.86)", grid=grid).counts.tolist() == [1]
    kept = found(tokens, "windows(0.87)", grid=grid)
    assert kept.index.tolist() == [[0, 1, 2, 3]]
    assert kept.nearest.tolist() == [[1, 0, 3, 2]] and kept.similarity.allclose(torch.ones(1, 4))
    assert found(tokens, "windows", grid=grid, removals=(1,)).index.tolist() == [[0, 0, 1, 2]]
    assert found(tokens, "windows", grid=grid, removals=(2,)).index.tolist() == [[0, 0, 0, 1]]
    assert found(tokens, "windows", grid=grid, removals=(3,)).index.tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threshold", [0.95, 0.8, 0.3, -1.0])
def test_thresholds(shape, threshold):
    tokens = picture_tokens(*shape, seed=3, batch=2)
    merge_map = found(tokens, f"windows({threshold})", grid=mpm.Grid(*shape, 8))
    for image in range(2):
        expected = reference(tokens[image], slow_windows(*shape), threshold)
        assert merge_map.index[image].tolist() == expected
    if threshold == -1:
        assert int(merge_map.counts[0]) == shape[0] * shape[1] - 3 * len(slow_windows(*shape))


@pytest.mark.parametrize("asked", range(0, 20))
def test_exact_numbers(asked):
    grid, windows = mpm.Grid(5, 7, 8), slow_windows(5, 7)
    for tokens in (picture_tokens(5, 7, seed=1), tied_tokens(35)):
        merge_map = found(tokens, "windows", grid=grid, removals=(asked,))
        assert merge_map.index[0].tolist() == reference(tokens[0], windows, 0, asked)
        assert int(merge_map.counts) == 35 - min(asked, 18)


@pytest.mark.parametrize("text", ["windows(-1)", "pool"])
def test_after_a_merge_only_windows_of_single_patches_merge(text):
    grid = mpm.Grid(8, 8, 8)
    tokens, known = after_pairs(picture_tokens(8, 8, seed=5), grid, removals=(7,))
    owner, sizes = known["maps"][0].index[0].tolist(), known["maps"][0].group_sizes()[0].tolist()
    held = [[owner[patch] for patch in four] for four in slow_windows(8, 8)]
    single = [four for four in held if all(sizes[token] == 1 for token in four)]
    assert 0 < len(single) < 16
    assert found(tokens, text, **known).index[0].tolist() == reference(tokens[0], single, -1)


@pytest.mark.parametrize("text", ["windows", "pool", "graph", "regions"])
def test_without_a_grid_or_with_another_one_it_is_said(text):
    tokens = picture_tokens(4, 4)
    with pytest.raises(
        mpm.InputError, match=f"Rule {text} needs the patch grid, which is known in a run only"
    ):
        found(tokens, text)
    with pytest.raises(ValueError, match="The grid has 20 patches, but there are 16 tokens"):
        found(tokens, text, grid=mpm.Grid(4, 5, 8))


@pytest.mark.parametrize("shape", SHAPES)
def test_pooling_takes_every_window(shape):
    tokens = picture_tokens(*shape)
    index = found(tokens, "pool", grid=mpm.Grid(*shape, 8)).index[0].tolist()
    assert index == reference(tokens[0], slow_windows(*shape), -1)


def test_some_windows_are_drawn_by_the_seed():
    tokens, grid, windows = picture_tokens(8, 8), mpm.Grid(8, 8, 8), slow_windows(8, 8)
    seen = set()
    for seed in range(4):
        index = found(tokens, f"pool(seed={seed})", grid=grid, removals=(14,)).index[0]
        together = sorted(len(four) - len({int(index[patch]) for patch in four}) for four in windows)
        assert together == [0] * 11 + [2] + [3] * 4
        seen.add(tuple(index.tolist()))
        again = found(tokens * 2, f"pool(seed={seed})", grid=grid, removals=(14,)).index[0]
        assert torch.equal(again, index), "it does not look at the picture"
    assert len(seen) == 4


def test_reasons(tiny, smooth_image):
    trace = tiny.segment(smooth_image, "windows(0.9)@0+pool@2").trace
    said = {trace.why(patch, 0).partition(":")[2] for patch in range(trace.grid.size)}
    assert " the patches of their window are alike" in said
    assert {trace.why(patch, 1).partition(":")[0][:10] for patch in range(trace.grid.size)} <= {
        "merged wit",
        "not merged",
    }
    assert tiny.segment(smooth_image, "windows(0.95)@1+2,3").trace.stages[1].rule == "mutual"
