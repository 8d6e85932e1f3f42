"""The graph of neighbours against a slow, obvious reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.slow_rules import (
    after_pairs,
    cosines,
    found,
    index_of,
    picture_tokens,
    slow_components,
    tied_tokens,
)

import mpm
from mpm.merging.components import components, components_after


def neighbours(owner: list[int], rows: int, cols: int) -> list[tuple[int, int]]:
    """Pairs of tokens that hold patches beside each other: each once, the smaller one first."""
    edges = set()
    for row in range(rows):
        for col in range(cols):
            own = owner[row * cols + col]
            beside = [(row, col + 1)] * (col + 1 < cols) + [(row + 1, col)] * (row + 1 < rows)
            edges |= {tuple(sorted((own, owner[one * cols + other]))) for one, other in beside}
    return sorted(edge for edge in edges if edge[0] != edge[1])


def reference(tokens: torch.Tensor, edges: list[tuple[int, int]], threshold=None, asked=0) -> list[int]:
    table = cosines(tokens)
    if threshold is not None:
        links = [edge for edge in edges if table[edge] >= threshold]
        return index_of(slow_components(links, len(tokens)))
    names = list(range(len(tokens)))
    for first, second in sorted(edges, key=lambda edge: -table[edge]):  # a stable sort
        if len(set(names)) > len(tokens) - asked and names[first] != names[second]:
            names = [names[first] if name == names[second] else name for name in names]
    return index_of(names)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (1, 9), (5, 7), (8, 6)])
@pytest.mark.parametrize("threshold", [0.95, 0.88, 0.6, -1.0])
def test_thresholds(shape, threshold):
    tokens = picture_tokens(*shape, seed=2, batch=2)
    edges = neighbours(list(range(tokens.shape[1])), *shape)
    merge_map = found(tokens, f"graph({threshold})", grid=mpm.Grid(*shape, 8))
    for image in range(2):
        assert merge_map.index[image].tolist() == reference(tokens[image], edges, threshold)


@pytest.mark.parametrize("asked", [0, 1, 2, 7, 20, 33, 34, 99])
def test_exact_numbers_are_kruskal_s(asked):
    edges = neighbours(list(range(35)), 5, 7)
    for tokens in (picture_tokens(5, 7, seed=1), tied_tokens(35)):
        merge_map = found(tokens, "graph", grid=mpm.Grid(5, 7, 8), removals=(asked,))
        assert merge_map.index[0].tolist() == reference(tokens[0], edges, asked=asked)


@pytest.mark.parametrize("threshold", [0.9, 0.7])
def test_after_a_merge_neighbours_hold_patches_that_touch(threshold):
    tokens, known = after_pairs(picture_tokens(6, 8, seed=4), mpm.Grid(6, 8, 8))
    owner = known["maps"][0].index[0].tolist()
    expected = reference(tokens[0], neighbours(owner, 6, 8), threshold)
    merge_map = found(tokens, f"graph({threshold})", **known)
    assert merge_map.index[0].tolist() == expected and 1 < max(expected) + 1 < tokens.shape[1]


def test_a_chain_reaches_far_and_the_evidence_is_the_best_neighbour():
    turn = torch.arange(6) * 0.3
    tokens = torch.stack([turn.cos(), turn.sin()], 1).unsqueeze(0)
    merge_map = found(tokens, "graph(0.95)", grid=mpm.Grid(1, 6, 8))
    assert merge_map.counts.tolist() == [1], "both ends are nearly at right angles"
    assert merge_map.nearest[0, [0, 5]].tolist() == [1, 4]
    assert merge_map.similarity.allclose(torch.tensor(0.3).cos())
    alone = found(tokens[:, :1], "graph", grid=mpm.Grid(1, 1, 8))
    assert alone.nearest.tolist() == [[0]] and alone.similarity.tolist() == [[-torch.inf]]


def test_of_equal_neighbours_the_first():
    same = torch.ones(1, 9, 1)
    merge_map = found(same, "graph", grid=mpm.Grid(3, 3, 8))
    assert merge_map.nearest[0].tolist() == [1, 0, 1, 0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("count", [1, 2, 10, 60])
@pytest.mark.parametrize("links", [0, 1, 8, 60, 300])
def test_components(count, links):
    edges = np.random.default_rng((count, links)).integers(0, count, (links, 2))
    assert components(edges, count).tolist() == slow_components(edges.tolist(), count)
    for removals in (0, 1, count // 2, count):
        gone = count - len(set(components_after(edges, count, removals).tolist()))
        assert gone == min(removals, count - len(set(slow_components(edges.tolist(), count))))


def test_a_long_chain_in_any_order():
    order = np.random.default_rng(0).permutation(5000)
    edges = np.stack([order[:-1], order[1:]], 1)
    assert components(edges, 5000).tolist() == [0] * 5000


def test_reasons(tiny, smooth_image):
    trace = tiny.segment(smooth_image, "graph(0.97)@0").trace
    said = {trace.why(patch, 0).partition(":")[2] for patch in range(trace.grid.size)}
    assert " links between alike neighbours lead there" in said
    assert any("even its most similar neighbour, row" in one for one in said)
