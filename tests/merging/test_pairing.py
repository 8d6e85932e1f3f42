"""Pairing against a slow, obvious reference, tied, duplicate and zero tokens included."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import mpm
from mpm.merging import search
from mpm.merging.exact_float32 import exact_float32


def reference(tokens: np.ndarray) -> tuple[list[int], dict[int, int], list[int]]:
    """One image (N, C) -> b(i), partners, index; loops and the definition, nothing else."""
    rows = [row.astype(np.float64) for row in tokens]
    units = [row / max(np.sqrt((row * row).sum()), 1e-12) for row in rows]
    count = len(rows)
    nearest = []
    for i in range(count):
        best, value = i, -np.inf
        for j in range(count):
            similarity = float(np.float32(np.dot(units[i], units[j])))
            if j != i and similarity > value:
                best, value = j, similarity
        nearest.append(best)
    partner = {i: j for i, j in enumerate(nearest) if j != i and nearest[j] == i}
    index, place = [], 0
    for i in range(count):
        if partner.get(i, i) < i:
            index.append(index[partner[i]])
        else:
            index.append(place)
            place += 1
    return nearest, partner, index


def check(tokens: torch.Tensor) -> mpm.MergeMap:
    found = mpm.mutual_pairs(tokens)
    for image in range(tokens.shape[0]):
        nearest, partner, index = reference(tokens[image].float().numpy())
        assert found.nearest[image].tolist() == nearest
        assert found.partner[image].tolist() == [partner.get(i, -1) for i in range(len(nearest))]
        assert found.index[image].tolist() == index
        assert int(found.counts[image]) == max(index) + 1
    return found


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7, 33, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_random_tokens(rows, dtype):
    generator = torch.Generator().manual_seed(rows)
    check(torch.randn(3, rows, 16, generator=generator).to(dtype))


@pytest.mark.parametrize("rows", [2, 3, 5, 16, 40])
def test_ties_go_to_the_first_index(rows):
    # Axis-aligned units have similarities of exactly -1, 0 and 1: ties everywhere, no rounding.
    generator = torch.Generator().manual_seed(rows)
    axes = torch.eye(4)[torch.randint(0, 4, (2, rows), generator=generator)]
    signs = torch.randint(0, 2, (2, rows, 1), generator=generator) * 2 - 1
    check(axes * signs)


@pytest.mark.parametrize("rows", [2, 3, 8, 17, 130])
def test_duplicate_tokens(rows):
    # All alike: every token's first best is token 0, whose own is token 1; only these two agree.
    found = check(torch.full((1, rows, 8), 0.5))
    assert found.partner[0, :2].tolist() == [1, 0]
    assert int(found.counts) == rows - 1


def test_many_exact_duplicates_among_random_tokens():
    generator = torch.Generator().manual_seed(1)
    distinct = torch.randn(12, 192, generator=generator)
    check(distinct[torch.randint(0, 12, (1, 60), generator=generator)])


def test_zero_tokens():
    tokens = torch.zeros(1, 5, 4)
    check(tokens)
    tokens[0, 3] = torch.tensor([1.0, 0, 0, 0])
    tokens[0, 4] = torch.tensor([1.0, 0.1, 0, 0])
    found = check(tokens)
    assert found.partner[0, 3] == 4


def test_tiles_change_nothing(monkeypatch):
    tokens = torch.randn(1, 101, 12, generator=torch.Generator().manual_seed(5))
    whole = mpm.mutual_pairs(tokens)
    monkeypatch.setattr(search, "TILE_ELEMENTS", 101 * 7)
    tiled = mpm.mutual_pairs(tokens)
    assert torch.equal(whole.index, tiled.index) and torch.equal(whole.nearest, tiled.nearest)


@pytest.mark.parametrize("merger", [mpm.mutual_pairs, mpm.random_pairs])
def test_an_image_does_not_depend_on_its_batch_mates(merger):
    tokens = torch.randn(4, 50, 24, generator=torch.Generator().manual_seed(2))
    counts = torch.tensor([50, 31, 1, 0])
    together = merger(tokens, counts)
    order = [2, 0, 3, 1]
    permuted = merger(tokens[order], counts[order])
    for image, count in enumerate(counts.tolist()):
        assert torch.equal(together.index[image], permuted.index[order.index(image)])
        assert together.index[image, count:].eq(-1).all()
        if count:
            alone = merger(tokens[image : image + 1, :count])
            assert torch.equal(alone.index[0], together.index[image, :count])
            assert torch.equal(alone.similarity[0], together.similarity[image, :count])
            assert alone.counts[0] == together.counts[image]
    assert together.counts[3] == 0


def test_rows_past_the_count_may_hold_anything():
    tokens = torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(3))
    tokens[0, 4:] = torch.nan
    found = mpm.mutual_pairs(tokens, torch.tensor([4]))
    assert torch.equal(found.index[:, :4], mpm.mutual_pairs(tokens[:, :4]).index)


def test_properties_of_the_pairs():
    tokens = torch.randn(2, 300, 32, generator=torch.Generator().manual_seed(4))
    found = mpm.mutual_pairs(tokens)
    for partner, count in zip(found.partner, found.counts, strict=True):
        paired = torch.nonzero(partner >= 0).flatten()
        assert torch.equal(partner[partner[paired]], paired), "partner is an involution"
        assert 300 - len(paired) // 2 == int(count) >= 150, "At most half may go"
    units = torch.nn.functional.normalize(tokens, dim=2)
    expected = (units * units.gather(1, found.nearest.unsqueeze(2).expand_as(units))).sum(2)
    assert torch.allclose(found.similarity, expected, atol=1e-6)
    assert found.similarity.dtype == torch.float32


def test_random_pairs_have_the_same_counts_but_other_pairs():
    tokens = torch.randn(2, 80, 16, generator=torch.Generator().manual_seed(6))
    mutual, control = mpm.mutual_pairs(tokens), mpm.random_pairs(tokens)
    assert torch.equal(mutual.counts, control.counts)
    assert not torch.equal(mutual.partner, control.partner)
    assert torch.equal(control.partner, mpm.random_pairs(tokens).partner)
    assert not torch.equal(control.partner, partial(mpm.random_pairs, seed=1)(tokens).partner)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("rows", [1, 5])
def test_non_finite_tokens_raise(bad, rows):
    tokens = torch.ones(1, rows, 4)
    tokens[0, rows - 1, 2] = bad
    with pytest.raises(ValueError, match="finite"):
        mpm.mutual_pairs(tokens)


def test_huge_finite_tokens_pair_as_their_small_copies_do():
    tokens = torch.randn(1, 20, 8, generator=torch.Generator().manual_seed(7))
    assert torch.equal(mpm.mutual_pairs(tokens * 1e30).index, mpm.mutual_pairs(tokens).index)


@pytest.mark.parametrize(
    ("tokens", "counts", "words"),
    [
        (torch.zeros(4, 4), None, r"\(B, N, C\)"),
        (torch.zeros(1, 4, 4, dtype=torch.int64), None, "floating"),
        (torch.zeros(1, 0, 4), None, "at least 1"),
        (torch.zeros(2, 4, 4), torch.tensor([4]), r"\(2,\) int64"),
        (torch.zeros(1, 4, 4), torch.tensor([5]), "0 to 4"),
    ],
)
def test_bad_arguments_are_named(tokens, counts, words):
    with pytest.raises(ValueError, match=words):
        mpm.mutual_pairs(tokens, counts)


def test_autocast_does_not_reach_the_match():
    tokens = torch.randn(1, 128, 64, generator=torch.Generator().manual_seed(8))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = mpm.mutual_pairs(tokens)
    assert torch.equal(inside.similarity, mpm.mutual_pairs(tokens).similarity)


def test_arguments_are_left_alone():
    tokens = torch.randn(1, 9, 4)
    before = tokens.clone()
    mpm.mutual_pairs(tokens).merge(tokens)
    assert torch.equal(tokens, before)


@pytest.mark.parametrize("switch", [{"fp32_precision": "tf32"}, {"allow_tf32": True}])
def test_tf32_is_off_until_the_last_thread_has_left(switch, monkeypatch):
    matmul = SimpleNamespace(**switch)
    monkeypatch.setattr(torch.backends.cuda, "matmul", matmul)
    (name, before), exact = *switch.items(), {"fp32_precision": "ieee", "allow_tf32": False}
    first, second = exact_float32(torch.device("cuda")), exact_float32(torch.device("cuda"))
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert getattr(matmul, name) == exact[name]
    second.__exit__(None, None, None)
    assert getattr(matmul, name) == before
