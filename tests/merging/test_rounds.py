"""Rounds of mutual pairs against a slow, obvious reference."""

from __future__ import annotations

import pytest
import torch
from support.slow_rules import after_pairs, cosines, found, index_of, picture_tokens, slow_pairs, tied_tokens

import mpm


def reference(tokens: torch.Tensor, sizes: list[int], threshold=None, asked=None) -> list[int]:
    """One image (N, C) -> index. threshold None: the mean of the first round's pairs."""
    clusters = [[token] for token in range(len(tokens))]
    while True:
        means = torch.stack(
            [
                sum(sizes[one] * tokens[one].double() for one in own) / sum(sizes[one] for one in own)
                for own in clusters
            ]
        )
        table = cosines(means)
        pairs = slow_pairs(table)
        if asked is not None:
            left = asked - (len(tokens) - len(clusters))
            pairs = sorted(pairs, key=lambda pair: -table[pair])[:left]
        elif threshold is None:
            threshold = min(sum(float(table[pair]) for pair in pairs) / max(len(pairs), 1), 1)
        if asked is None:
            pairs = [pair for pair in pairs if table[pair] >= threshold]
        if not pairs:
            break
        joined = dict(pairs)
        taken = set(joined.values())
        clusters = [
            own + clusters[joined[place]] if place in joined else own
            for place, own in enumerate(clusters)
            if place not in taken
        ]
    names = {token: place for place, own in enumerate(clusters) for token in own}
    return index_of([names[token] for token in range(len(tokens))])


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 30, 61])
@pytest.mark.parametrize("threshold", [None, 0.9, 0.6, -1.0])
def test_thresholds(rows, threshold):
    tokens = picture_tokens(1, rows, seed=rows, batch=2)
    merge_map = found(tokens, "rounds" if threshold is None else f"rounds({threshold})")
    for image in range(2):
        assert merge_map.index[image].tolist() == reference(tokens[image], [1] * rows, threshold)
    if threshold == -1:
        assert merge_map.counts.tolist() == [1, 1]


@pytest.mark.parametrize("asked", [0, 1, 4, 15, 20, 34, 40])
def test_exact_numbers_take_the_best_pairs_of_the_last_round(asked):
    for tokens in (picture_tokens(5, 7, seed=1), tied_tokens(35)):
        merge_map = found(tokens, "rounds", removals=(asked,))
        assert merge_map.index[0].tolist() == reference(tokens[0], [1] * 35, asked=asked)
        assert int(merge_map.counts) == 35 - min(asked, 34)


@pytest.mark.parametrize("threshold", [None, 0.8])
def test_after_a_merge_means_are_weighted_by_patches(threshold):
    tokens, known = after_pairs(picture_tokens(6, 8, seed=4, noise=0.8), mpm.Grid(6, 8, 8))
    sizes = known["maps"][0].group_sizes()[0].tolist()
    merge_map = found(tokens, "rounds" if threshold is None else f"rounds({threshold})", **known)
    assert merge_map.index[0].tolist() == reference(tokens[0], sizes, threshold)


def test_sizes_decide_by_hand():
    # The first two merge at 0.8. Their mean lies at (0.95, 0.15) where the first stands for three patches,
    # and at (0.9, 0.3) where it stands for one: its cosine to the last one is 0.468 or 0.316.
    tokens = torch.tensor([[[1.0, 0.0], [0.8, 0.6], [0.6, -0.8]]])
    before = mpm.MergeMap.from_groups(torch.tensor([[0, 0, 0, 1, 2]]))
    assert found(tokens, "rounds(0.4)", maps=(before,)).index.tolist() == [[0, 0, 0]]
    assert found(tokens, "rounds(0.4)").index.tolist() == [[0, 0, 1]]


def test_the_evidence_is_the_first_round_s():
    tokens = picture_tokens(6, 8)
    merge_map, first = found(tokens, "rounds(0.5)"), mpm.mutual_pairs(tokens)
    assert torch.equal(merge_map.nearest, first.nearest)
    assert torch.equal(merge_map.similarity, first.similarity)
    assert int(merge_map.counts) < int(first.counts)


def test_equal_pairs_all_reach_their_own_mean():
    turn = torch.arange(8) // 2 * 1.1 + torch.arange(8) % 2 * 0.1
    tokens = torch.stack([turn.cos(), turn.sin()], 1).unsqueeze(0).double()
    assert int(found(tokens, "rounds").counts) < 8


def test_reasons(tiny, smooth_image):
    trace = tiny.segment(smooth_image, "rounds@0").trace
    said = [trace.why(patch, 0) for patch in range(trace.grid.size)]
    assert any(one.startswith("merged with row") and "in one round" in one for one in said)
    assert any("in no round did it form a pair" in one for one in said)
