"""Costs: a table of seconds by tokens, read between and beyond its sizes."""

from __future__ import annotations

import json

import pytest

from mpm.errors import InputError
from mpm.merging.costs import PARTS, Costs

SIZES = (10, 20, 40)
PLAIN = {part: (1.0, 2.0, 3.0) for part in PARTS}
COSTS = Costs(SIZES, **{**PLAIN, "search": (0.0, 0.0, 4.0), "rest": (5.0, 5.0, 5.0)})


@pytest.mark.parametrize(
    ("tokens", "seconds"),
    [(0, 1.0), (1, 1.0), (10, 1.0), (15, 1.5), (20, 2.0), (30, 2.5), (40, 3.0), (60, 4.0), (240, 13.0)],
)
def test_a_straight_line_between_sizes_and_beyond_the_last(tokens, seconds):
    assert COSTS.seconds("block", tokens) == pytest.approx(seconds)


def test_a_run_is_the_sum_of_its_parts():
    plain = COSTS.run([(12, 40)], 40, 40, ())
    assert plain == pytest.approx(12 * 3 + 3 + 5), "blocks, decoder, rest: nothing is restored"
    merged = COSTS.run([(2, 40), (10, 20)], 40, 20, [40])
    assert merged == pytest.approx(2 * 3 + 10 * 2 + 2 + 4 + 3 + 5), "a search of 4, a restore of 3"


def test_json_and_back():
    text = json.dumps(COSTS.to_json())
    assert Costs.from_json(json.loads(text)) == COSTS
    assert set(json.loads(text)) == {"tokens", *PARTS}


@pytest.mark.parametrize("sizes", [(), (10,), (10, 10, 20), (20, 10, 40), (0, 10, 20), (-5, 10, 20)])
def test_sizes_must_grow(sizes):
    with pytest.raises(InputError, match="two sizes or more, growing"):
        Costs(sizes, **PLAIN)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "bad", [(), (1.0, 2.0), (1.0, 2.0, float("nan")), (1.0, 2.0, float("inf")), (-1.0, 2.0, 3.0)]
)
def test_every_part_needs_its_times(part, bad):
    with pytest.raises(InputError, match=f"a time for every size, but {part}"):
        Costs(SIZES, **{**PLAIN, part: bad})


def test_more_tokens_never_take_less():
    with pytest.raises(InputError, match="those of decode fall"):
        Costs(SIZES, **{**PLAIN, "decode": (1.0, 3.0, 2.0)})


@pytest.mark.parametrize(
    "change",
    [
        {"block": None},
        {"block": [1, 2, "x"]},
        {"block": [1, 2]},
        {"tokens": [10, 20, float("inf")]},
        {"tokens": 3},
    ],
)
def test_other_json_is_one_sentence(change):
    with pytest.raises(InputError, match="costs"):
        Costs.from_json({**COSTS.to_json(), **change})


@pytest.mark.parametrize("data", [{}, None, [], "costs"])
def test_no_json_object_of_costs(data):
    with pytest.raises(InputError, match="no costs of a device"):
        Costs.from_json(data)
