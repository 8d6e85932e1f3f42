"""The windowed search against the exact one and against a masked dense reference."""

from __future__ import annotations

from functools import reduce

import pytest
import torch

import mpm
from mpm.merging import windowed
from mpm.merging.merge_map import MergeMap
from mpm.merging.pairs import pair_up
from mpm.merging.search import normalise
from mpm.merging.windowed import windowed_pairs

GRID = mpm.Grid(9, 11, 16)


def tokens(batch=1, rows=GRID.size, seed=0):
    return torch.randn(batch, rows, 8, generator=torch.Generator().manual_seed(seed))


def reference(units, positions, radius):
    row, col = positions // GRID.cols, positions % GRID.cols
    far = (row[:, None] - row).abs() + (col[:, None] - col).abs() > radius
    similarity = (units @ units.T).masked_fill(far, -torch.inf).fill_diagonal_(-torch.inf)
    values, nearest = similarity.max(1)
    return torch.where(values == -torch.inf, torch.arange(len(units)), nearest)


@pytest.mark.parametrize("radius", [1, 2, 5])
@pytest.mark.parametrize("side", [1, 4, 16])
def test_partners_are_the_best_within_reach(radius, side, monkeypatch):
    monkeypatch.setattr(windowed, "MIN_TILE_PATCHES", side)
    found = windowed_pairs(radius)(tokens(), None, GRID)
    expected = reference(normalise(tokens()[0]), torch.arange(GRID.size), radius)
    assert torch.equal(found.nearest[0], expected)
    assert torch.equal(found.index, pair_up(expected[None]).index)


def test_a_window_over_all_is_the_exact_search():
    assert torch.equal(windowed_pairs(20)(tokens(2), None, GRID).index, mpm.mutual_pairs(tokens(2)).index)


def test_after_a_merge_positions_count_not_token_numbers():
    positions = torch.arange(GRID.size)[torch.randperm(GRID.size, generator=torch.Generator().manual_seed(1))]
    positions = positions[:40].sort().values
    grid = mpm.Grid(9, 11, 16, positions=positions[None])
    found = windowed_pairs(2)(tokens(rows=40), None, grid)
    assert torch.equal(found.nearest[0], reference(normalise(tokens(rows=40)[0]), positions, 2))


def test_equal_similarities_go_to_the_first_index():
    found = windowed_pairs(1)(torch.ones(1, GRID.size, 4), None, GRID)
    assert found.nearest[0, 12] == 1 and found.nearest[0, 0] == 1


def test_a_token_with_nobody_in_reach_stays():
    grid = mpm.Grid(9, 11, 16, positions=torch.tensor([[0, 1, 98]]))
    found = windowed_pairs(3)(tokens(rows=3), None, grid)
    assert found.partner.tolist() == [[1, 0, -1]] and found.nearest[0, 2] == 2


def test_in_a_run_distances_stay_within_the_radius(tiny, smooth_image):
    run = tiny.segment(smooth_image, "0,1,2", merger=windowed_pairs(2))
    assert len(run.trace.stages) == 3
    for stage in range(3):
        assert (run.trace.distances(stage) <= 2).all()
    exact = tiny.segment(smooth_image, "0,1,2")
    assert any((exact.trace.distances(stage) > 2).any() for stage in range(3))


def test_the_grid_knows_positions_in_every_insertion(tiny, smooth_image):
    seen = []

    def spy(patches, counts, grid):
        seen.append(grid.positions)
        return mpm.mutual_pairs(patches, counts)

    run = tiny.segment(smooth_image, "0,1,3", merger=spy)
    assert seen[0] is None
    for positions, stage in zip(seen[1:], run.trace.stages[1:], strict=True):
        assert positions[0].tolist() == stage.position.tolist()
    assert reduce(MergeMap.compose, [mpm.mutual_pairs(tokens())]).counts.shape == (1,)


@pytest.mark.parametrize("radius", [0, -1, True, 1.5])
def test_bad_radius(radius):
    with pytest.raises(ValueError, match="at least 1"):
        windowed_pairs(radius)


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        (None, "got None"),
        (mpm.Grid(2, 2, 16), "4 patches, but there are 99"),
        (mpm.Grid(9, 11, 16, positions=torch.zeros(1, 3, dtype=torch.int64)), r"\(1, 99\)"),
    ],
)
def test_a_missing_or_foreign_grid_is_refused(grid, words):
    with pytest.raises(ValueError, match=words):
        windowed_pairs(2)(tokens(), None, grid)
