"""Merge and reconstruct on tiny hand-computed tensors, and their properties."""

from __future__ import annotations

import pytest
import torch

import mpm


def hand_made() -> mpm.MergeMap:
    # Tokens 0 and 2 pair, 1 and 3 stay: merged tokens are (0 2), 1, 3.
    index = torch.tensor([[0, 1, 0, 2]])
    return mpm.MergeMap(index, torch.tensor([3]), partner=torch.tensor([[2, -1, 0, -1]]))


def test_by_hand():
    tokens = torch.tensor([[[1.0, 10], [2, 20], [3, 30], [4, 40]]])
    merged = hand_made().merge(tokens)
    assert merged.tolist() == [[[2, 20], [2, 20], [4, 40]]]
    assert hand_made().reconstruct(merged).tolist() == [[[2, 20], [2, 20], [2, 20], [4, 40]]]
    assert hand_made().group_sizes().tolist() == [[2, 1, 1]]


def test_compose_by_hand():
    later = mpm.MergeMap(torch.tensor([[0, 1, 0]]), torch.tensor([2]), partner=torch.tensor([[2, -1, 0]]))
    whole = hand_made().compose(later)
    assert whole.index.tolist() == [[0, 1, 0, 0]]
    assert whole.group_sizes().tolist() == [[3, 1]]
    with pytest.raises(ValueError, match="mean of means"):
        whole.merge(torch.zeros(1, 4, 2))


def random_maps(seed: int, counts: torch.Tensor | None = None):
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(3, 40, 8, generator=generator)
    first = mpm.mutual_pairs(tokens, counts)
    merged = first.merge(tokens)
    return tokens, first, merged, mpm.mutual_pairs(merged, first.counts)


@pytest.mark.parametrize("counts", [None, torch.tensor([40, 13, 1])])
def test_compose_is_two_steps(counts):
    _, first, merged, second = random_maps(0, counts)
    whole, twice = first.compose(second), second.merge(merged)
    assert torch.equal(whole.reconstruct(twice), first.reconstruct(second.reconstruct(twice)))
    assert torch.equal(whole.counts, second.counts)


@pytest.mark.parametrize("counts", [None, torch.tensor([40, 13, 0])])
def test_properties(counts):
    tokens, first, merged, _ = random_maps(1, counts)
    rows = torch.tensor([40] * 3) if counts is None else counts
    assert torch.equal(first.group_sizes().sum(1), rows)
    assert merged.shape[1] == int(first.counts.max())
    for image in range(3):
        count = int(first.counts[image])
        assert merged[image, count:].eq(0).all()
        members = first.index[image, : rows[image]]
        for group in range(count):
            mean = tokens[image, : rows[image]][members == group].mean(0)
            assert torch.allclose(merged[image, group], mean, atol=1e-6)
    restored = first.reconstruct(merged)
    assert restored[first.index < 0].eq(0).all()


def test_unpaired_tokens_come_through_bit_for_bit():
    tokens, first, merged, _ = random_maps(2)
    single = first.partner < 0
    assert torch.equal(first.reconstruct(merged)[single], tokens[single])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_means_are_taken_in_float32_and_keep_the_type(dtype):
    tokens = torch.randn(1, 30, 8, generator=torch.Generator().manual_seed(3)).to(dtype)
    found = mpm.mutual_pairs(tokens)
    merged = found.merge(tokens)
    assert merged.dtype == dtype
    wide = found.merge(tokens.double() if dtype == torch.float64 else tokens.float())
    assert torch.equal(merged, wide.to(dtype))


def test_a_custom_map_of_larger_groups_takes_plain_means():
    custom = mpm.MergeMap(torch.tensor([[0, 0, 0, 1]]), torch.tensor([2]))
    tokens = torch.tensor([[[3.0], [6], [9], [5]]])
    assert custom.merge(tokens).tolist() == [[[6], [5]]]


def test_merging_carries_gradients():
    tokens = torch.randn(1, 4, 2, requires_grad=True)
    hand_made().merge(tokens).sum().backward()
    assert tokens.grad[0, :, 0].tolist() == [0.5, 1, 0.5, 1]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"index": torch.zeros(3, dtype=torch.int64), "counts": torch.ones(1, dtype=torch.int64)},
            r"\(B, N\)",
        ),
        ({"index": torch.zeros(1, 3), "counts": torch.ones(1, dtype=torch.int64)}, "int64"),
        (
            {"index": torch.zeros(1, 3, dtype=torch.int64), "counts": torch.ones(2, dtype=torch.int64)},
            "Counts",
        ),
        ({"index": torch.tensor([[0, 4]]), "counts": torch.tensor([2])}, "counts - 1"),
        ({"index": torch.tensor([[-2, 0]]), "counts": torch.tensor([1])}, "-1"),
        (
            {
                "index": torch.tensor([[0, 1]]),
                "counts": torch.tensor([2]),
                "partner": torch.zeros(1, 3, dtype=torch.int64),
            },
            "partner",
        ),
    ],
)
def test_a_map_is_checked_when_made(fields, words):
    with pytest.raises(ValueError, match=words):
        mpm.MergeMap(**fields)


def test_wrong_tokens_are_named():
    with pytest.raises(ValueError, match=r"\(1, 4, C\), but got \(1, 5, 2\)"):
        hand_made().merge(torch.zeros(1, 5, 2))
