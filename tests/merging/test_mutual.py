"""Mutual pairs with a threshold. The pairs themselves: see test_pairing."""

from __future__ import annotations

import pytest
import torch
from support.slow_rules import cosines, found, index_of, picture_tokens, slow_pairs, tied_tokens

import mpm


def reference(tokens: torch.Tensor, above: float) -> list[int]:
    table, groups = cosines(tokens), list(range(len(tokens)))
    for one, other in slow_pairs(table):
        if table[one, other] >= above:
            groups[other] = one
    return index_of(groups)


@pytest.mark.parametrize("rows", [1, 2, 3, 20, 49])
@pytest.mark.parametrize("above", [-1, 0.5, 0.9, 0.95])
def test_only_pairs_above_the_threshold(rows, above):
    tokens = picture_tokens(1, rows, seed=rows, batch=2)
    merge_map = found(tokens, f"mutual(above={above})")
    for image in range(2):
        assert merge_map.index[image].tolist() == reference(tokens[image], above)
    plain = mpm.mutual_pairs(tokens)
    assert torch.equal(merge_map.nearest, plain.nearest)
    assert torch.equal(merge_map.similarity, plain.similarity)


def test_exactly_the_threshold_is_enough():
    tokens = tied_tokens(20)
    assert found(tokens, "mutual(above=1)").index[0].tolist() == reference(tokens[0], 1)
    assert int(found(tokens, "mutual(above=1)").counts) < 20


def test_the_first_of_equal_pairs_stay():
    tokens = torch.eye(4).repeat_interleave(2, 0).unsqueeze(0)
    for asked, index in {1: [0, 0, 1, 2, 3, 4, 5, 6], 3: [0, 0, 1, 1, 2, 2, 3, 4]}.items():
        assert found(tokens, "mutual", removals=(asked,)).index[0].tolist() == index


def test_without_arguments_nothing_changes():
    tokens, counts = picture_tokens(5, 8, batch=3), torch.tensor([40, 11, 0])
    merge_map, plain = found(tokens, "mutual", counts), mpm.mutual_pairs(tokens, counts)
    for name in ("index", "counts", "partner", "nearest", "similarity"):
        assert torch.equal(getattr(merge_map, name), getattr(plain, name))


def test_a_pair_that_is_not_alike_enough_says_so(tiny, smooth_image):
    trace = tiny.segment(smooth_image, "mutual(above=0.9999)@0").trace
    said = " ".join(trace.why(patch, 0) for patch in range(trace.grid.size))
    assert "chose each other, but are not alike enough" in said and "preferred" in said


def test_a_threshold_out_of_range():
    with pytest.raises(mpm.InputError, match="above must be a number, -1 to 1, or none, but got 1.5"):
        found(picture_tokens(1, 4), "mutual(above=1.5)")
