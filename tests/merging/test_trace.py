"""Traces against an independent replay of the merges."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import mpm
from mpm.merging.trace import TraceBatch, trace_image


def traced(rows=6, cols=9, insertions=3, seed=0):
    """Merge random tokens repeatedly; return the trace and, per stage, the set of patches of every group."""
    grid = mpm.Grid(rows, cols, 16)
    tokens = torch.randn(1, grid.size, 8, generator=torch.Generator().manual_seed(seed))
    groups, maps, history = [{i} for i in range(grid.size)], [], []
    history.append(groups)
    for _ in range(insertions):
        found = mpm.mutual_pairs(tokens)
        merged = [set() for _ in range(int(found.counts))]
        for old, new in enumerate(found.index[0].tolist()):
            merged[new] |= groups[old]
        tokens, groups = found.merge(tokens), merged
        maps.append(found)
        history.append(groups)
    return trace_image(grid, range(insertions), maps), history


@pytest.mark.parametrize("seed", range(4))
def test_groups_are_named_by_their_smallest_patch(seed):
    trace, history = traced(seed=seed)
    for stage, groups in enumerate(history):
        expected = np.zeros(trace.grid.size, int)
        for group in groups:
            expected[list(group)] = min(group)
        assert trace.groups(stage).shape == (6, 9)
        assert trace.groups(stage).ravel().tolist() == expected.tolist()
    assert trace.token_counts == [len(groups) for groups in history]


def test_stage_arrays_are_over_the_stage_input_tokens():
    trace, history = traced()
    for stage, groups in zip(trace.stages, history, strict=False):
        assert stage.position.tolist() == [min(group) for group in groups]
        assert np.all(np.diff(stage.position) > 0), "raster order is kept"
        for name in ("index", "nearest", "partner", "similarity"):
            assert getattr(stage, name).shape == (len(groups),)
        assert stage.similarity.dtype == np.float32
        for first, second in stage.pairs():
            assert first < second and stage.partner[second] == first
            assert stage.nearest[first] == second and stage.index[first] == stage.index[second]


def test_distances_are_manhattan_between_representatives():
    trace, history = traced(insertions=2)
    expected = []
    for first, second in trace.stages[1].pairs():
        a, b = (divmod(min(history[1][token]), 9) for token in (first, second))
        expected.append(abs(a[0] - b[0]) + abs(a[1] - b[1]))
    assert trace.distances(1).tolist() == expected and expected


def test_no_insertion_and_bad_stage():
    trace, _ = traced(insertions=0)
    assert trace.token_counts == [54]
    assert trace.groups(0).ravel().tolist() == list(range(54))
    with pytest.raises(IndexError, match="0 to 0"):
        trace.groups(1)


def test_a_batch_of_one_reads_like_its_image():
    trace, _ = traced()
    batch = TraceBatch([trace])
    assert batch.token_counts == trace.token_counts and batch.grid is trace.grid
    assert np.array_equal(batch.groups(1), trace.groups(1))
    with pytest.raises(ValueError, match="2 images"):
        _ = TraceBatch([trace, trace]).token_counts


def test_a_batch_of_one_is_queried_like_its_trace():
    trace, _ = traced()
    batch = TraceBatch([trace])
    assert np.array_equal(batch.distances(1), trace.distances(1))
    assert np.array_equal(batch.groups(1), trace.groups(1)) and batch.token_counts == trace.token_counts
