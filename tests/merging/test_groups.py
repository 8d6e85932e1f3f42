"""Maps in which many join one: from groups, means plain and weighted, and what the trace says of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import mpm
from mpm.merging.trace import trace_image


def slow_index(groups: list[int]) -> list[int]:
    names: list[int] = []
    for group in groups:
        if group not in names:
            names.append(group)
    return [names.index(group) for group in groups]


@pytest.mark.parametrize("rows", [1, 2, 7, 40, 300])
@pytest.mark.parametrize("kinds", [1, 3, 1000])
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
def test_equal_numbers_become_one_token_in_raster_order(rows, kinds, dtype):
    generator = torch.Generator().manual_seed(rows)
    groups = torch.randint(0, min(kinds, 255), (3, rows), generator=generator).to(dtype)
    found = mpm.MergeMap.from_groups(groups)
    for image in range(3):
        expected = slow_index(groups[image].tolist())
        assert found.index[image].tolist() == expected and int(found.counts[image]) == max(expected) + 1
    assert found.partner is None and found.evidence is None


def test_any_numbers_do_negative_and_huge():
    groups = torch.tensor([[-5, 2**62, -5, 0, 2**62]])
    assert mpm.MergeMap.from_groups(groups).index.tolist() == [[0, 1, 0, 2, 1]]


def test_padding_never_joins():
    groups = torch.tensor([[4, 4, 4, 4], [1, 2, 1, 2], [7, 7, 7, 7]])
    found = mpm.MergeMap.from_groups(groups, torch.tensor([2, 3, 0]))
    assert found.index.tolist() == [[0, 0, -1, -1], [0, 1, 0, -1], [-1, -1, -1, -1]]
    assert found.counts.tolist() == [1, 2, 0]
    tokens = torch.full((3, 4, 2), torch.nan)
    tokens[0, :2], tokens[1, :3] = 1.0, 2.0
    merged = found.merge(tokens)
    assert merged[0, 0].tolist() == [1, 1] and merged[1].eq(2).all() and merged[2].eq(0).all()


@pytest.mark.parametrize(
    "bad", [torch.zeros(4, dtype=torch.int64), torch.zeros(1, 4), torch.zeros(1, 4).bool()]
)
def test_groups_of_another_kind_are_refused(bad):
    with pytest.raises(ValueError, match=r"Groups must be \(B, N\) integers"):
        mpm.MergeMap.from_groups(bad)


def test_means_by_hand():
    tokens = torch.tensor([[[0.0], [2.0], [10.0], [4.0]]])
    found = mpm.MergeMap.from_groups(torch.tensor([[0, 0, 1, 0]]))
    assert found.merge(tokens).flatten().tolist() == [2.0, 10.0]
    sizes = torch.tensor([[1, 2, 3, 1]])
    assert found.merge(tokens, sizes=sizes).flatten().tolist() == [2.0, 10.0]
    pairs = mpm.MergeMap(torch.tensor([[0, 0, 1, 2]]), torch.tensor([3]), torch.tensor([[1, 0, -1, -1]]))
    assert pairs.merge(tokens, sizes=sizes).flatten().tolist() == pytest.approx([4 / 3, 10.0, 4.0])
    with pytest.raises(ValueError, match=r"Sizes must be \(1, 4\)"):
        found.merge(tokens, sizes=sizes[:, :2])


def test_weighted_means_over_two_insertions_are_those_of_all_patches():
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(2, 60, 5, generator=generator, dtype=torch.float64)
    first = mpm.mutual_pairs(tokens)
    once = first.merge(tokens)
    second = mpm.mutual_pairs(once, first.counts)
    twice = second.merge(once, sizes=first.group_sizes())
    groups = first.compose(second)
    for image in range(2):
        for group in range(int(groups.counts[image])):
            members = tokens[image, groups.index[image] == group]
            assert torch.allclose(twice[image, group], members.mean(0))
    alone = groups.group_sizes() == 1
    first_patch = tokens.gather(1, groups.representatives().unsqueeze(-1).expand_as(twice))
    assert torch.equal(twice[alone], first_patch[alone]), "who is alone stays the very same"


def test_the_trace_says_who_joined_whom():
    found = mpm.MergeMap.from_groups(torch.tensor([[0, 1, 0, 0, 1, 2]]))
    trace = trace_image(mpm.Grid(2, 3, 8), [1], [found], rules=["nobody knows it"])
    stage = trace.stages[0]
    assert stage.partner.tolist() == [-1, -1, 0, 0, 1, -1]
    assert stage.pairs().tolist() == [[0, 2], [0, 3], [1, 4]]
    assert trace.token_counts == [6, 3] and trace.distances(0).tolist() == [2, 1, 1]
    assert trace.why(2, 0) == "merged with row 0, column 0" and trace.why(5, 0) == "not merged"
    assert trace.why(0, 0) == "merged: others joined it"
    assert np.isnan(stage.similarity).all() and (stage.nearest == -1).all()


def test_evidence_may_name_a_link_that_groups_do_not():
    evidence = mpm.Evidence(
        torch.tensor([[1, 2, 1]]), torch.tensor([[0.5, 0.9, 0.9]]), torch.tensor([[1, -1, 1]])
    )
    found = mpm.MergeMap.from_groups(torch.zeros(1, 3, dtype=torch.int64), evidence=evidence)
    stage = trace_image(mpm.Grid(1, 3, 8), [0], [found]).stages[0]
    assert stage.partner.tolist() == [1, -1, 1] and stage.pairs().tolist() == [[0, 1], [1, 2]]
    assert stage.nearest.tolist() == [1, 2, 1]
