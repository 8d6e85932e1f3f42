"""Growing regions against a slow, obvious reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.slow_rules import after_pairs, cosines, found, index_of, picture_tokens, tied_tokens

import mpm
from mpm.merging.rules import regions as module

SHAPES = [(1, 1), (1, 2), (2, 1), (1, 9), (9, 1), (2, 2), (3, 3), (5, 7), (8, 6)]


def touching(rows: int, cols: int) -> list[tuple[int, int]]:
    """Patches that touch, in the order in which equally alike ones merge.

    That is a quadtree's: pairs along a row, pairs of those pairs, then twice as wide.
    """
    found = []
    for row in range(rows):
        for col in range(cols):
            if col:
                found.append((col & -col, False, row * cols + col - 1, row * cols + col))
            if row:
                found.append((row & -row, True, row * cols + col - cols, row * cols + col))
    return [(first, second) for _, _, first, second in sorted(found)]


def reference(tokens, owner, shape, threshold=0.95, largest=4, asked=None, rounds=32) -> list[int]:
    """One image (N, C) and the token that holds each patch, -1 for none -> index."""
    table = cosines(tokens)
    sizes = {token: owner.count(token) for token in range(len(tokens))}
    name = list(range(len(tokens)))
    touches = [(owner[first], owner[second]) for first, second in touching(*shape)]
    touches = [pair for pair in touches if pair[0] != pair[1] and min(pair) >= 0]
    while rounds or asked:
        rounds = max(rounds - 1, 0)
        borders = borders_between(touches, name, table)
        small = {pair: one for pair, one in borders.items() if sizes[pair[0]] + sizes[pair[1]] <= largest}
        pairs = mutual(small if asked is None or small else borders)
        if asked is None:
            pairs = [pair for pair in pairs if -borders[pair][0] >= threshold]
        else:
            pairs = sorted(pairs, key=borders.get)[:asked]
            asked -= len(pairs)
        if not pairs:
            break
        for kept, gone in pairs:
            sizes[kept] += sizes[gone]
            name = [kept if one == gone else one for one in name]
    return index_of(name)


def borders_between(touches, name, table) -> dict[tuple[int, int], tuple[float, int]]:
    """Of every two groups that touch: minus the mean similarity along their border, and its first place."""
    along: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for place, (first, second) in enumerate(touches):
        pair = tuple(sorted((name[first], name[second])))
        if pair[0] != pair[1]:
            along.setdefault(pair, []).append((place, float(table[first, second])))
    return {
        pair: (-sum(alike for _, alike in own) / len(own), min(place for place, _ in own))
        for pair, own in along.items()
    }


def mutual(borders) -> list[tuple[int, int]]:
    best: dict[int, tuple[int, int]] = {}
    for pair in sorted(borders, key=borders.get):
        for group in pair:
            best.setdefault(group, pair)
    return [pair for pair in borders if best[pair[0]] == best[pair[1]] == pair]


def whole(shape: tuple[int, int]) -> list[int]:
    return list(range(shape[0] * shape[1]))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threshold", [0.95, 0.8, 0.3, -1.0])
@pytest.mark.parametrize("largest", [2, 4, 7, 100])
def test_thresholds_and_limits(shape, threshold, largest):
    tokens = picture_tokens(*shape, seed=3, batch=2)
    merge_map = found(tokens, f"regions({threshold},{largest})", grid=mpm.Grid(*shape, 8))
    for image in range(2):
        expected = reference(tokens[image], whole(shape), shape, threshold, largest)
        assert merge_map.index[image].tolist() == expected
        assert int(merge_map.group_sizes()[image].max()) <= largest


@pytest.mark.parametrize("largest", [2, 3, 4, 9])
@pytest.mark.parametrize("seed", range(4))
def test_ties(largest, seed):
    tokens = tied_tokens(35, seed)
    merge_map = found(tokens, f"regions({0.5},{largest})", grid=mpm.Grid(5, 7, 8))
    assert merge_map.index[0].tolist() == reference(tokens[0], whole((5, 7)), (5, 7), 0.5, largest)


@pytest.mark.parametrize(("largest", "side"), [(4, 2), (16, 4), (64, 8)])
def test_what_is_flat_becomes_squares(largest, side):
    merge_map = found(torch.ones(1, 8 * 16, 3), f"regions(0.9,{largest})", grid=mpm.Grid(8, 16, 8))
    square = [row // side * (16 // side) + col // side for row in range(8) for col in range(16)]
    assert merge_map.index[0].tolist() == index_of(square)


@pytest.mark.parametrize("asked", [0, 1, 2, 7, 20, 26, 30, 33, 34, 99])
def test_exact_numbers_beyond_threshold_and_limit(asked):
    for tokens in (picture_tokens(5, 7, seed=1), tied_tokens(35)):
        merge_map = found(tokens, "regions(1)", grid=mpm.Grid(5, 7, 8), removals=(asked,))
        assert merge_map.index[0].tolist() == reference(tokens[0], whole((5, 7)), (5, 7), asked=asked)
        assert int(merge_map.counts) == 35 - min(asked, 34)


def test_the_limit_gives_way_only_where_nothing_else_is_left():
    tokens, grid = picture_tokens(8, 8, seed=2), mpm.Grid(8, 8, 8)
    most = 64 - int(found(tokens, "regions(-1,2)", grid=grid).counts)
    assert found(tokens, "regions(largest=2)", grid=grid, removals=(most,)).group_sizes().max() == 2
    assert found(tokens, "regions(largest=2)", grid=grid, removals=(most + 1,)).group_sizes().max() > 2


@pytest.mark.parametrize("threshold", [0.9, 0.6])
@pytest.mark.parametrize("largest", [3, 4, 8])
@pytest.mark.parametrize("asked", [None, 9, 22])
def test_after_a_merge_borders_are_as_long_as_the_patches_that_touch(threshold, largest, asked):
    tokens, known = after_pairs(picture_tokens(6, 8, seed=4, batch=2), mpm.Grid(6, 8, 8))
    counts = known["counts"].tolist()
    assert len(set(counts)) == 2, "there must be padding"
    removals = None if asked is None else (asked, asked)
    merge_map = found(tokens, f"regions({threshold},{largest})", removals=removals, **known)
    for image, count in enumerate(counts):
        owner = known["maps"][0].index[image].tolist()
        expected = reference(tokens[image, :count], owner, (6, 8), threshold, largest, asked)
        assert merge_map.index[image, :count].tolist() == expected
        assert merge_map.index[image, count:].eq(-1).all()


def test_padding_before_any_merge_holds_no_patch():
    tokens, counts = picture_tokens(6, 8, batch=3), torch.tensor([48, 29, 0])
    merge_map = found(tokens, "regions(0.8)", counts, grid=mpm.Grid(6, 8, 8))
    for image, count in enumerate(counts.tolist()):
        owner = [patch if patch < count else -1 for patch in range(48)]
        expected = reference(tokens[image, :count], owner, (6, 8), 0.8)
        assert merge_map.index[image].tolist() == expected + [-1] * (48 - count)


def slope(length: int) -> torch.Tensor:
    """(1, length, 2): each token is more like the next one than the last, so one pair a round merges."""
    turn = torch.cumsum(0.2 * 0.9 ** torch.arange(length).double(), 0)
    return torch.stack([turn.cos(), turn.sin()], 1).unsqueeze(0)


def test_a_slope_takes_no_more_than_so_many_rounds(monkeypatch):
    tokens, grid = slope(40), mpm.Grid(1, 40, 8)
    whole_map = found(tokens, "regions(0.5,99)", grid=grid)
    assert whole_map.index[0].tolist() == reference(tokens[0], whole((1, 40)), (1, 40), 0.5, 99)
    for rounds in (0, 1, 5):
        monkeypatch.setattr(module, "MOST_ROUNDS", rounds)
        few = found(tokens, "regions(0.5,99)", grid=grid).index[0].tolist()
        assert few == reference(tokens[0], whole((1, 40)), (1, 40), 0.5, 99, rounds=rounds)
    assert int(found(tokens, "regions", grid=grid, removals=(39,)).counts) == 1, "what is asked for is met"


def test_the_evidence_is_the_best_neighbour_of_equal_ones_the_first_to_merge():
    same = found(torch.ones(1, 9, 1), "regions", grid=mpm.Grid(3, 3, 8))
    assert same.nearest[0].tolist() == [1, 0, 5, 4, 3, 2, 7, 6, 7]
    tokens, shape = picture_tokens(5, 7, seed=6), (5, 7)
    merge_map, table = found(tokens, "regions", grid=mpm.Grid(*shape, 8)), cosines(tokens[0])
    beside = [{*pair} for pair in touching(*shape)]
    for token in range(35):
        others = [other for other in range(35) if {token, other} in beside]
        assert merge_map.nearest[0, token] == max(others, key=lambda other: table[token, other])
        assert merge_map.similarity[0, token] == pytest.approx(max(table[token, others]), abs=1e-6)
    alone = found(tokens[:, :1], "regions", grid=mpm.Grid(1, 1, 8))
    assert alone.nearest.tolist() == [[0]] and alone.similarity.tolist() == [[-torch.inf]]


def test_a_recipe_reads_back_and_runs(tiny, smooth_image):
    text = "regions(0.93,6)@1+2,4|residual"
    assert str(mpm.Recipe.parse(text)) == text
    assert str(mpm.Recipe.parse("regions(largest=6, threshold=0.93)@1+2,4|residual")) == text
    run = tiny.segment(smooth_image, "regions(0.9,6)@1+2,3|residual")
    first, second, *_ = run.trace.token_counts
    assert second < first and run.labels.shape == smooth_image.shape[:2]
    assert run.trace.stages[0].rule == "regions(0.9,6)"


def test_reasons(tiny, smooth_image):
    trace = tiny.segment(smooth_image, "regions(0.97)@0").trace
    said = [trace.why(patch, 0) for patch in range(trace.grid.size)]
    assert any(one.startswith("merged into the region of row") for one in said)
    assert any(one.startswith("merged: the first of its region") for one in said)
    assert any("no neighbour is alike enough with room for it; the most alike is row" in one for one in said)
    nothing = np.zeros(1, np.int64)
    alone = mpm.MergeStage(0, nothing, nothing, nothing - 1, nothing.astype(np.float32), nothing, "regions")
    why = module.why(alone)
    assert why.sentences[why.code[0]] == "not merged: it touches no other token"
