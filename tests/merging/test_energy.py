"""Energy against a slow, obvious reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from support.slow_rules import cosines, found, index_of, picture_tokens, slow_pairs, tied_tokens

import mpm
from mpm.merging import search
from mpm.merging.rules.energy import energies
from mpm.merging.search import normalise


def slow_energies(table: np.ndarray, margin: float) -> list[float]:
    values = []
    for one in range(len(table)):
        others = [float(table[one, other]) - margin for other in range(len(table)) if other != one]
        elus = [value if value > 0 else math.exp(value) - 1 for value in others]
        values.append(sum(elus) / max(len(elus), 1))
    return values


def reference(tokens: torch.Tensor, number: int | None, margin: float) -> tuple[list[int], list[int]]:
    """One image (N, C) -> index, whom each joined."""
    table, groups, joined = cosines(tokens), list(range(len(tokens))), [-1] * len(tokens)
    number = len(slow_pairs(table)) if number is None else min(number, len(tokens) // 2)
    energy = [round(value, 5) for value in slow_energies(table, margin)]
    mergeable = sorted(groups, key=lambda one: (-energy[one], one))[: 2 * number]
    for source in mergeable[0::2]:
        targets = sorted(mergeable[1::2])
        joined[source] = groups[source] = max(targets, key=lambda one: table[source, one])
    return index_of(groups), joined


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 9, 40])
@pytest.mark.parametrize("text", ["energy", "energy(0.2)", "energy(0.5)", "energy(0)"])
@pytest.mark.parametrize(("block", "depth"), [(0, 12), (5, 12), (3, 4)])
def test_random_tokens(rows, text, block, depth):
    tokens = picture_tokens(1, rows, seed=rows, batch=2)
    merge_map = found(tokens, text, block=block, depth=depth)
    share = text.partition("(")[2].rstrip(")")
    for image in range(2):
        number = int(float(share) * rows) if share else None
        index, joined = reference(tokens[image], number, 0.75 * (1 - block / depth))
        assert merge_map.index[image].tolist() == index
        assert merge_map.evidence.joined[image].tolist() == joined


@pytest.mark.parametrize("rows", [2, 5, 16, 33])
@pytest.mark.parametrize("seed", range(6))
def test_ties_go_to_the_first(rows, seed):
    generator = torch.Generator().manual_seed(100 * seed + rows)
    signs = torch.randint(0, 2, (rows, 1), generator=generator) * 2 - 1
    tokens = tied_tokens(rows, seed=seed) * signs
    for share in (0.1, 0.3, 0.5):
        index, joined = reference(tokens[0], int(share * rows), 0.75)
        merge_map = found(tokens, f"energy({share})")
        assert merge_map.index[0].tolist() == index
        assert merge_map.evidence.joined[0].tolist() == joined


def test_the_evidence_is_what_each_half_saw():
    tokens = picture_tokens(5, 8, seed=9)
    evidence, table = found(tokens, "energy(0.25)").evidence, cosines(tokens[0])
    sources = (evidence.joined[0] >= 0).nonzero().flatten().tolist()
    seen = (evidence.nearest[0] != torch.arange(40)).nonzero().flatten().tolist()
    targets = [one for one in seen if one not in sources]
    assert len(sources) == len(targets) == 10
    for own, others in ((sources, targets), (targets, sources)):
        for one in own:
            best = max(others, key=lambda other: table[one, other])
            assert int(evidence.nearest[0, one]) == best
            assert float(evidence.similarity[0, one]) == pytest.approx(table[one, best], abs=1e-6)


def test_what_is_rare_stays():
    # Four are alike, two are alone: only those of the crowd may merge, however many of them there are.
    tokens = torch.tensor([[[1.0, 0, 0], [0, 0, 1], [1, 0.1, 0], [1, 0.2, 0], [0, 1, 0], [1, 0.1, 0.1]]])
    index = found(tokens, "energy", removals=(2,)).index[0].tolist()
    assert index.count(index[1]) == index.count(index[4]) == 1 and max(index) == 3
    similar = found(tokens, "energy", removals=(2,)).evidence.similarity[0]
    assert similar[[1, 4]].eq(-torch.inf).all() and similar[[0, 2, 3, 5]].gt(0.9).all()


def test_the_energy_by_hand_and_in_tiles(monkeypatch):
    tokens = torch.tensor([[2.0, 0], [3, 4], [0, 1]])  # cosines 0.6, 0 and 0.8
    low, high = math.exp(-0.5) - 1, [0.1, 0.3]
    expected = [(high[0] + low) / 2, (high[0] + high[1]) / 2, (low + high[1]) / 2]
    assert energies(normalise(tokens), 0.5).tolist() == pytest.approx(expected, abs=1e-6)
    many = normalise(torch.randn(50, 6, generator=torch.Generator().manual_seed(0)))
    whole = energies(many, 0.3)
    monkeypatch.setattr(search, "TILE_ELEMENTS", 50 * 7)
    assert torch.allclose(energies(many, 0.3), whole, atol=1e-6)


def test_a_share_above_half_is_one_sentence():
    with pytest.raises(mpm.InputError, match="share must be a number, 0 to 0.5, or none, but got 0.6"):
        found(picture_tokens(1, 4), "energy(0.6)")


def test_reasons(tiny, smooth_image):
    trace = tiny.segment(smooth_image, "energy(0.2)@0").trace
    said = [trace.why(patch, 0) for patch in range(trace.grid.size)]
    joins = sum(one.startswith("joined row") for one in said)
    assert joins == int(0.2 * trace.grid.size)
    assert sum("so is protected" in one for one in said) == trace.grid.size - 2 * joins
