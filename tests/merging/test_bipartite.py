"""Bipartite matching against a slow, obvious reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.slow_rules import cosines, tied_tokens

import mpm
from mpm.merging.insertion import apply_rule
from mpm.merging.recipe import Recipe


def reference(
    tokens: np.ndarray, share=None, std=None, count=None, above=None
) -> tuple[list[int], dict[int, int]]:
    """One image (N, C) -> index, {source: destination}; loops and the definition, nothing else."""
    rows = len(tokens)
    units = [row / max(np.sqrt(np.dot(row, row)), 1e-12) for row in tokens.astype(np.float64)]
    best = {}
    for source in range(0, rows, 2):
        for target in range(1, rows, 2):
            value = float(np.float32(np.dot(units[source], units[target])))
            if source not in best or value > best[source][0]:
                best[source] = value, target
    if std is not None:
        values = np.array([value for value, _ in best.values()])
        chosen = [one for one, (value, _) in best.items() if value >= values.mean() + std * values.std()]
    elif above is not None:
        chosen = [one for one, (value, _) in best.items() if value >= above]
    else:
        if count is not None:
            wanted = min(count, rows // 2)
        elif share is None:
            wanted = rows - int(mpm.mutual_pairs(torch.from_numpy(tokens)[None]).counts)
        else:
            wanted = int(share * rows)
        chosen = sorted(best, key=lambda one: (-best[one][0], one))[:wanted]
    joined = {source: best[source][1] for source in chosen}
    names, index = [], []
    for token in range(rows):
        name = joined.get(token, token)
        if name not in names:
            names.append(name)
        index.append(names.index(name))
    return index, joined


def found(tokens, text, counts=None):
    call = Recipe.parse(f"{text}@0").at(0)
    return apply_rule(call, mpm.Context(tokens, counts=counts))


WAYS = {
    "bipartite": {},
    "bipartite(0.2)": {"share": 0.2},
    "bipartite(0.5)": {"share": 0.5},
    "bipartite(0)": {"share": 0.0},
    "bipartite(std=1)": {"std": 1.0},
    "bipartite(std=-0.5)": {"std": -0.5},
    "bipartite(count=3)": {"count": 3},
    "bipartite(count=1000)": {"count": 1000},
    "bipartite(above=0.4)": {"above": 0.4},
}


@pytest.mark.parametrize("text", WAYS)
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 9, 50, 101])
def test_random_tokens(text, rows):
    tokens = torch.randn(2, rows, 12, generator=torch.Generator().manual_seed(rows))
    merge_map = found(tokens, text)
    for image in range(2):
        index, joined = reference(tokens[image].numpy(), **WAYS[text])
        assert merge_map.index[image].tolist() == index
        expected = [joined.get(token, -1) for token in range(rows)]
        assert merge_map.evidence.joined[image].tolist() == expected


@pytest.mark.parametrize("rows", [2, 5, 16, 33])
def test_ties_go_to_the_first(rows):
    axes = torch.eye(3)[torch.randint(0, 3, (1, rows), generator=torch.Generator().manual_seed(rows))]
    assert found(axes, "bipartite(0.3)").index[0].tolist() == reference(axes[0].numpy(), share=0.3)[0]
    same = torch.ones(1, rows, 4)
    assert found(same, "bipartite(0.5)").index[0].tolist() == reference(same[0].numpy(), share=0.5)[0]


def test_several_may_share_one():
    tokens = torch.tensor([[[1.0, 0], [1, 0.1], [1, 0.2], [0, 1], [1, 0.05], [0, 1]]])
    merge_map = found(tokens, "bipartite(0.5)")
    assert merge_map.evidence.joined[0].tolist() == [1, -1, 1, -1, 1, -1]
    assert merge_map.index[0].tolist() == [0, 0, 0, 1, 0, 2]


def test_a_count_by_hand():
    # Even places 0, 2 and 4 have the cosines 0.6, 1 and 0.8 to their best odd one: place 1, 3 and 1.
    tokens = torch.tensor([[[3.0, -4.0], [1.0, 0.0], [0.0, 2.0], [0.0, 1.0], [8.0, -6.0], [-1.0, 0.0]]])
    joined = {0: [], 1: [2], 2: [2, 4], 3: [0, 2, 4], 9: [0, 2, 4]}
    for count, sources in joined.items():
        merge_map = found(tokens, f"bipartite(count={count})")
        assert (merge_map.evidence.joined[0] >= 0).nonzero().flatten().tolist() == sources
        assert int(merge_map.counts) == 6 - len(sources)
    assert merge_map.evidence.joined[0].tolist() == [1, -1, 3, -1, 1, -1]
    assert merge_map.index[0].tolist() == [0, 0, 1, 1, 0, 2]
    assert merge_map.similarity[0, ::2].allclose(torch.tensor([0.6, 1.0, 0.8]))


@pytest.mark.parametrize("rows", [2, 3, 9, 50])
@pytest.mark.parametrize("kind", ["random", "tied"])
def test_the_evidence_of_who_waits_is_the_best_that_chose_it(rows, kind):
    generator = torch.Generator().manual_seed(rows)
    tokens = torch.randn(1, rows, 6, generator=generator) if kind == "random" else tied_tokens(rows, rows)
    evidence, table = found(tokens, "bipartite(0)").evidence, cosines(tokens[0])
    for one in range(rows):
        others = range(1 - one % 2, rows, 2)
        if one % 2:
            others = [source for source in others if int(evidence.nearest[0, source]) == one]
        best = max(others, key=lambda other: table[one, other], default=one)
        assert int(evidence.nearest[0, one]) == best
        expected = -torch.inf if best == one else table[one, best]
        assert float(evidence.similarity[0, one]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("rows", [3, 9, 10])
def test_with_removals_every_source_may_go(rows):
    tokens = torch.randn(1, rows, 5, generator=torch.Generator().manual_seed(rows))
    merge_map = apply_rule(Recipe.parse("bipartite(std=5)@0").at(0), mpm.Context(tokens, removals=(rows,)))
    assert int(merge_map.counts) == rows - (rows + 1) // 2


def test_keys_in_the_tokens_place():
    generator = torch.Generator().manual_seed(3)
    tokens, keys = torch.randn(2, 30, 8, generator=generator), torch.randn(2, 3, 30, 4, generator=generator)
    call = Recipe.parse("bipartite(0.25,keys=true)@0").at(0)
    merge_map = apply_rule(call, mpm.Context(tokens, find_keys=lambda: keys))
    assert torch.equal(merge_map.index, found(keys.mean(1), "bipartite(0.25)").index)
    assert not torch.equal(merge_map.index, found(tokens, "bipartite(0.25)").index)


def test_keys_in_a_run(tiny, smooth_image):
    run = tiny.segment(smooth_image, "bipartite(count=8,keys=true)@0,1|after-attention,sizes")
    start = run.trace.token_counts[0]
    assert run.trace.token_counts == [start, start - 8, start - 16]
    other = tiny.segment(smooth_image, "bipartite(count=8)@0,1|after-attention,sizes")
    assert not np.array_equal(run.trace.groups(1), other.trace.groups(1))


@pytest.mark.parametrize("text", WAYS)
def test_an_image_does_not_depend_on_its_batch_mates(text):
    tokens = torch.randn(3, 40, 8, generator=torch.Generator().manual_seed(2))
    counts = torch.tensor([40, 7, 1])
    together = found(tokens, text, counts)
    for image, count in enumerate(counts.tolist()):
        alone = found(tokens[image : image + 1, :count], text)
        assert torch.equal(alone.index[0], together.index[image, :count])
        assert together.index[image, count:].eq(-1).all()


def test_in_a_run_it_says_its_own_reasons(tiny, smooth_image):
    run = tiny.segment(smooth_image, "bipartite(0.25)@0,2")
    start, first, second = run.trace.token_counts
    assert first == start - int(0.25 * start) and second == first - int(0.25 * first)
    as_many = tiny.segment(smooth_image, "bipartite@0").trace.token_counts
    assert as_many == tiny.segment(smooth_image, "0").trace.token_counts, "as many as mutual pairs"
    said = {run.trace.why(patch, 0).split(",")[0].split(":")[0] for patch in range(start)}
    assert (
        "joined row 0" in {one[:12] for one in said} and "not merged" in said and "joined by others" in said
    )


def test_bad_arguments():
    tokens = torch.randn(1, 4, 4)
    for text, words in {
        "bipartite(0.6)": "0 to 0.5, or none, but got 0.6",
        "bipartite(0.1,std=1)": "takes one of share, std, count and above, but got share and std",
        "bipartite(0.1,count=2,above=0.5)": "but got share and count and above",
        "bipartite(count=-1)": "count must be a whole number, 0 or more",
        "bipartite(above=2)": "above must be a number, -1 to 1",
        "bipartite(std=9)": "std must be a number, -5 to 5",
    }.items():
        with pytest.raises(mpm.InputError, match=words):
            found(tokens, text)
    with pytest.raises(ValueError, match="finite"):
        found(torch.full((1, 4, 4), torch.nan), "bipartite(0.1)")
