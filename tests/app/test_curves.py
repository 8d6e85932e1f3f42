"""Methods as curves: which recipes, what a point is, and what happens to a rule that fails."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

import mpm
from app.inspector.curves import (
    MAX_RUNS,
    SMALLER,
    Method,
    curve_methods,
    curve_point,
    draw_curves,
    encode_curves,
)
from mpm.segmenters.sweep import sweep


def recipes(methods):
    return {one.name: list(one.recipes) for one in methods}


def test_every_rule_and_the_smaller_picture_within_the_limit():
    methods = curve_methods(12, 512, mpm.rules())
    assert [one.name for one in methods] == [*(rule.name for rule in mpm.rules()), SMALLER]
    assert 1 + sum(len(one.recipes) for one in methods) <= MAX_RUNS
    found = recipes(methods)
    assert found["mutual"] == ["5", "2,5", "2,4,6,8", "0,2,4,6,8"]
    assert found["random"] == [f"random@{blocks}" for blocks in found["mutual"]]
    assert found["bipartite"] == [f"bipartite({share})@0,2,4,6,8" for share in (0.05, 0.1, 0.2, 0.3)]
    assert found[SMALLER] == ["none|432px", "none|360px", "none|288px"]
    for texts in found.values():
        assert len({str(mpm.Recipe.parse(text)) for text in texts}) == len(texts)


def test_more_rules_get_fewer_strengths_but_two(no_rule_stays):
    for number in range(6):

        @mpm.rule(f"own{number}", title=f"Own {number}", source="a test")
        def own(tokens, context):
            raise AssertionError("nobody runs it here")

        own.function.__qualname__ = f"own{number}"

    found = recipes(curve_methods(12, 512, mpm.rules()))
    assert found["own5"] == ["own5@2,5", "own5@0,2,4,6,8"] and found["mutual"] == ["2,5", "0,2,4,6,8"]
    assert sum(map(len, found.values())) + 1 <= MAX_RUNS
    few = recipes(curve_methods(12, 512, mpm.rules()[:2]))
    assert few["mutual"] == ["5", "2,5", "2,5,8", "2,4,6,8", "0,2,4,6,8"]
    crowd = recipes(curve_methods(12, 512, mpm.rules(), max_runs=5))
    assert {len(texts) for name, texts in crowd.items() if name != SMALLER} == {2}


def test_models_of_other_depths_and_sizes():
    found = recipes(curve_methods(4, 48, mpm.rules()))
    for texts in found.values():
        for text in texts:
            mpm.Recipe.parse(text).check(4)
    assert found[SMALLER] == ["none|40px", "none|34px", "none|27px"]
    assert recipes(curve_methods(24, 512, mpm.rules()))["mutual"][1] == "2,5", "the paper's, at any depth"
    assert len(recipes(curve_methods(1, 1, mpm.rules()))[SMALLER]) == 1


def made_up(recipe, counts, labels):
    return SimpleNamespace(
        recipe=mpm.Recipe.parse(recipe), trace=SimpleNamespace(token_counts=counts), labels=np.array(labels)
    )


def test_a_point_by_hand():
    baseline = made_up("none", [100], [[0, 0], [1, 1]])
    merged = made_up("2,5", [100, 80, 60], [[0, 0], [1, 2]])
    assert curve_point(baseline, merged) == {"schedule": "2,5", "kept": 0.6, "agreement": 0.75}
    smaller = made_up("none|432px", [70], [[0]])
    assert curve_point(baseline, smaller) == {"schedule": "none|432px", "kept": 0.7, "agreement": 0.5}


def test_curves_are_those_of_single_runs(tiny, smooth_image):
    methods = (
        Method("mutual", "Mutual pairs", ("1", "0,2")),
        Method(SMALLER, "Smaller picture", ("none|24px",)),
    )
    told = list(draw_curves(lambda texts: sweep(tiny, smooth_image, texts), methods))
    assert [(one.done, one.of) for one in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    baseline = tiny.segment(smooth_image, "none")
    for curve, method in zip(told[-1].curves, methods, strict=True):
        single = [curve_point(baseline, tiny.segment(smooth_image, text)) for text in method.recipes]
        assert list(curve.points) == single and curve.left_out is None
    assert told[1].curves[1].points == () and len(told[1].curves[0].points) == 1


def test_a_rule_that_fails_is_left_out_with_its_sentence(tiny, smooth_image, no_rule_stays):
    @mpm.rule("broken", title="Broken", source="a test")
    def broken(tokens, context):
        raise ZeroDivisionError("at once")

    methods = (
        Method("broken", "Broken", ("broken@1", "broken@2")),
        Method("deep", "Deep", ("99",)),
        Method("mutual", "Mutual pairs", ("1",)),
    )
    *_, last = draw_curves(lambda texts: sweep(tiny, smooth_image, texts), methods)
    assert (last.done, last.of) == (5, 5)
    first, deep, mutual = last.curves
    assert "Rule broken failed: ZeroDivisionError" in first.left_out and not first.points
    assert "blocks 0 to 3" in deep.left_out and mutual.left_out is None and len(mutual.points) == 1


def test_what_is_no_rules_fault_ends_the_whole():
    class Overtaken(Exception):
        pass

    def runs(texts):
        if texts != ["none"]:
            raise Overtaken
        yield made_up("none", [4], [[0]])

    drawn = draw_curves(runs, (Method("mutual", "Mutual pairs", ("1",)),))
    assert next(drawn).done == 1
    with pytest.raises(Overtaken):
        next(drawn)


def test_stopping_closes_the_runs():
    closed = []

    def runs(texts):
        try:
            for text in texts:
                yield made_up(text, [4], [[0]])
        finally:
            closed.append(tuple(texts))

    drawn = draw_curves(runs, (Method("mutual", "Mutual pairs", ("1", "2", "3")),))
    next(drawn), next(drawn)
    drawn.close()
    assert ("1", "2", "3") in closed


def test_the_message(tiny, smooth_image):
    methods = (Method("mutual", "Mutual pairs", ("1",)), Method("deep", "Deep", ("99",)))
    *_, last = draw_curves(lambda texts: sweep(tiny, smooth_image, texts), methods)
    told = json.loads(encode_curves("key", last))
    assert (told["kind"], told["view"], told["done"], told["of"]) == ("curves", "key", 3, 3)
    assert set(told["curves"][0]) == {"method", "title", "points", "left_out"}
    (point,) = told["curves"][0]["points"]
    assert set(point) == {"schedule", "kept", "agreement"} and 0 < point["kept"] < 1
    assert told["curves"][1]["points"] == [] and told["curves"][1]["left_out"]
