"""Counts rounded up to a multiple by leaving the least similar apart, against a slow reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from support.slow_rules import after_pairs, found, index_of, picture_tokens, tied_tokens

import mpm
from mpm.encoders.run import encode
from mpm.merging.recipe import Recipe
from mpm.merging.rounding import rounded_up
from mpm.segmenters.sweep import sweep

GRID = mpm.Grid(8, 6, 8)
PAIRS = ("mutual", "mutual(above=0.9)", "mutual(window=2)", "random")
JOINERS = ("bipartite", "bipartite(0.1)", "bipartite(above=0.9)", "energy")
REGIONS = ("windows(0.5)", "pool", "graph", "rounds", "rounds(0.9)", "regions", "regions(0.7)", "budget")
EVERY = (*PAIRS, *JOINERS, *REGIONS)


def groups_of(index: list[int]) -> list[list[int]]:
    return [[one for one, own in enumerate(index) if own == name] for name in range(max(index) + 1)]


def slow_rounded(index: list[int], joined: list[int] | None, similarity: list[float], multiple: int) -> list:
    """Groups of one image: members leave one by one, until the number of groups is a multiple."""
    groups = groups_of(index)
    wanted = min(math.ceil(len(groups) / multiple) * multiple, len(index))
    leavers = []
    for group in groups:
        waiting = [one for one in group if joined is not None and joined[one] < 0]
        stays = waiting[0] if len(waiting) == 1 else group[0]
        leavers += [one for one in group if one != stays]
    alike = [-math.inf if math.isnan(one) else one for one in similarity]
    leavers.sort(key=lambda one: (alike[one], -one))
    name = list(index)
    for one in leavers[: wanted - len(groups)]:
        name[one] = ("alone", one)
    return index_of(name)


def rounded_like_the_reference(whole: mpm.MergeMap, multiple: int) -> mpm.MergeMap:
    less = rounded_up(whole, multiple)
    joined = whole.evidence.joined if whole.evidence is not None else None
    for image, index in enumerate(whole.index.tolist()):
        rows = sum(one >= 0 for one in index)
        known = [0.0] * rows if whole.similarity is None else whole.similarity[image].tolist()
        own = None if joined is None else joined[image, :rows].tolist()
        assert less.index[image, :rows].tolist() == slow_rounded(index[:rows], own, known, multiple)
        assert less.index[image, rows:].eq(-1).all()
    return less


@pytest.mark.parametrize("text", EVERY)
@pytest.mark.parametrize("multiple", [2, 5, 8, 48, 49, 8192])
def test_every_rule_is_rounded_as_the_slow_reference_does(text, multiple):
    whole = found(picture_tokens(8, 6, batch=3), text, grid=GRID)
    less = rounded_like_the_reference(whole, multiple)
    for image in range(3):
        before, after = int(whole.counts[image]), int(less.counts[image])
        assert 0 <= after - before < multiple
        assert after % multiple == 0 or after == 48, "else nothing merges"
        kept = {tuple(group) for group in groups_of(less.index[image].tolist())}
        for group in kept:
            assert len(set(whole.index[image, list(group)].tolist())) == 1, "nobody finds a new mate"


@pytest.mark.parametrize("text", EVERY)
def test_images_of_a_batch_are_rounded_each_for_itself(text):
    pictures = picture_tokens(8, 6, batch=3)
    tokens, known = after_pairs(pictures, GRID)
    assert len(set(known["counts"].tolist())) > 1, "there must be padding"
    together = rounded_like_the_reference(found(tokens, text, **known), 8)
    for image, count in enumerate(known["counts"].tolist()):
        own, alone = after_pairs(pictures[image : image + 1], GRID)
        less = rounded_up(found(own, text, **alone), 8)
        assert less.counts[0] == together.counts[image]
        for name in ("index", "partner", "apart"):
            one, other = getattr(less, name), getattr(together, name)
            assert one is other is None or torch.equal(one[0], other[image, :count])


@pytest.mark.parametrize("text", PAIRS[:3])
def test_of_pairs_the_least_alike_part(text):
    whole = found(picture_tokens(8, 6), text, grid=GRID)
    less = rounded_up(whole, 9)
    kept, parted = less.partner[0] >= 0, less.apart[0]
    assert torch.equal(kept | parted, whole.partner[0] >= 0) and not (kept & parted).any()
    assert torch.equal(less.partner[0, kept], whole.partner[0, kept])
    # Both of a pair see the same similarity, but for its last bit.
    assert whole.similarity[0, kept].min() >= whole.similarity[0, parted].max() - 1e-6
    tokens = torch.randn(1, 48, 4)
    plain = mpm.MergeMap(less.index, less.counts)
    assert torch.allclose(less.merge(tokens), plain.merge(tokens), atol=1e-6)


def test_ties_part_from_the_end():
    whole = found(tied_tokens(40), "mutual", grid=None)
    rounded_like_the_reference(whole, 8)
    even = mpm.MergeMap.from_groups(torch.tensor([[0, 0, 2, 2, 4, 4, 6]]))
    assert rounded_up(even, 5).index.tolist() == [[0, 0, 1, 1, 2, 3, 4]]


def test_without_evidence_the_last_members_leave():
    whole = mpm.MergeMap.from_groups(torch.tensor([[0, 1, 0, 0, 1, 5]]))
    less = rounded_up(whole, 4)
    assert less.index.tolist() == [[0, 1, 0, 0, 2, 3]]
    assert less.apart.tolist() == [[False, True, False, False, True, False]]
    assert rounded_up(whole, 5).index.tolist() == [[0, 1, 0, 2, 3, 4]]
    assert rounded_up(whole, 7).index.tolist() == [[0, 1, 2, 3, 4, 5]], "nothing merges"
    assert rounded_up(whole, 3).index.tolist() == whole.index.tolist()
    assert rounded_up(whole, 1) is whole


def test_who_is_waited_for_stays_while_others_join_it():
    similarity = torch.tensor([[0.9, 0.1, 0.5, 0.7]])
    evidence = mpm.Evidence(torch.tensor([[1, 0, 1, 1]]), similarity, torch.tensor([[1, -1, 1, -1]]))
    whole = mpm.MergeMap.from_groups(torch.tensor([[0, 0, 0, 3]]), evidence=evidence)
    less = rounded_up(whole, 3)
    assert less.index.tolist() == [[0, 0, 1, 2]], "token 1 is the least similar, but token 0 joined it"
    assert less.evidence.joined.tolist() == [[1, -1, -1, -1]]
    assert less.apart.tolist() == [[False, False, True, False]]


def test_what_somebodys_own_rule_says_of_joining_need_not_fit():
    for joined in ([1, 0, -1, -1], [-1, -1, -1, -1], [1, 2, 0, -1]):
        evidence = mpm.Evidence(
            torch.zeros(1, 4, dtype=torch.int64), torch.full((1, 4), torch.nan), torch.tensor([joined])
        )
        whole = mpm.MergeMap.from_groups(torch.tensor([[0, 0, 0, 3]]), evidence=evidence)
        for multiple in (2, 3, 4):
            assert int(rounded_up(whole, multiple).counts) == multiple
            rounded_like_the_reference(whole, multiple)


@pytest.mark.parametrize("options", ["", ",sizes", ",residual", ",after-attention", ",decode-merged,sizes"])
@pytest.mark.parametrize("text", ["0,2", "bipartite(0.3)@0,2", "regions(0.8)@0+2", "random@0,1,3"])
def test_a_run_leaves_multiples_whatever_its_options(tiny, smooth_image, text, options):
    run = tiny.segment(smooth_image, f"{text}|round8{options}")
    start, *counts = run.trace.token_counts
    assert start % 8 and all(count % 8 == 0 or count == start for count in counts)
    exact = tiny.segment(smooth_image, text).trace.token_counts
    assert counts[0] == min(math.ceil(exact[1] / 8) * 8, start) and counts[-1] < start
    assert run.labels.shape == smooth_image.shape[:2]


def test_a_run_is_the_same_alone_and_in_a_batch(tiny):
    pixels = torch.nn.functional.interpolate(torch.randn(3, 3, 6, 6), (48, 64), mode="bilinear")
    together = tiny.logits(pixels, "0,2|round8")
    for image in range(3):
        assert torch.equal(together[image], tiny.logits(pixels[image : image + 1], "0,2|round8")[0])
    states = encode(tiny.runner, pixels, Recipe.parse("0,2|round8"))
    assert all(count % 8 == 0 for state in states for count in state.counts)


@pytest.mark.parametrize("text", [*EVERY, "nobody-asked"])
def test_the_trace_says_who_was_left_apart(tiny, smooth_image, no_rule_stays, text):
    @mpm.rule("nobody-asked", title="Without evidence", source="a test")
    def silent(tokens, context):
        order = torch.arange(tokens.shape[1]).expand(tokens.shape[:2])
        return mpm.MergeMap.from_groups(order // 3)

    exact = tiny.segment(smooth_image, f"{text}@0").trace
    trace = tiny.segment(smooth_image, f"{text}@0|round16").trace
    stage, whole = trace.stages[0], exact.stages[0]
    said = [trace.why(patch, 0) for patch in range(trace.grid.size)]
    for patch, sentence in enumerate(said):
        is_apart = bool(whole.is_shared[patch] and not stage.is_shared[patch])
        assert (sentence == "not merged: left apart to round the number of tokens") == is_apart
        assert is_apart or sentence == exact.why(patch, 0) or stage.is_shared[patch]
        assert sentence.startswith(("merged", "joined")) == stage.is_shared[patch]
    assert np.bincount(stage.index).size % 16 == 0 or stage.apart.any() == whole.is_shared.any()


def test_a_sweep_does_not_share_what_was_rounded_otherwise(tiny, smooth_image):
    wanted = ["0,2", "0,2|round8", "0,2|round16", "0,3|round8"]
    for text, run in zip(wanted, sweep(tiny, smooth_image, wanted), strict=True):
        assert run.trace.token_counts == tiny.segment(smooth_image, text).trace.token_counts


def test_a_name_takes_the_option(tiny, smooth_image):
    assert str(tiny.read_recipe("fast|round8")).endswith(",round8")
    assert tiny.segment(smooth_image, "fast|round8").trace.token_counts[-1] % 8 == 0
