"""Comparisons as a function: counts, equal removals, files that are gone on with."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import mpm
from mpm.data.datasets import CamVid
from mpm.errors import InputError
from mpm.measure.compare import Pictures, compare, store
from mpm.measure.compare.picture import order_of
from mpm.measure.evaluate import evaluate

QUICK = {"smaller": [48], "equal_at": []}


@pytest.fixture
def data(camvid):
    return CamVid(camvid, "val")


@pytest.fixture
def front(no_rule_stays):
    """A rule that removes exactly as many tokens as it is told, and never more than 9."""

    @mpm.rule("front", title="Front", source="a test")
    def front(tokens, context, most: int = 999):
        groups = torch.arange(tokens.shape[1]).expand(tokens.shape[:2]).clone()
        for image, count in enumerate(context.removals or [1]):
            groups[image, : min(count, most) + 1] = 0
        return mpm.MergeMap.from_groups(groups, context.counts)


def test_figures_are_those_of_an_evaluation(segmenter, data):
    recipes = ["1", "random@0,2|residual"]
    found = compare(segmenter, data, recipes, **QUICK)
    expected = evaluate(segmenter, data, [*recipes, "none|48px"]).results
    assert [row.recipe for row in found.rows] == [one.schedule for one in expected]
    for row, one in zip(found.rows, expected, strict=True):
        assert row.mean_iou == one.mean_iou and row.loss == pytest.approx(one.relative_drop)
        if row.kind == "recipe":
            assert row.tokens_kept == one.tokens_kept
    none, *_, smaller = found.rows
    assert (none.kind, none.loss, none.agreement, none.speedup) == ("unmerged", 0, 1, 1)
    assert smaller.kind == "smaller" and smaller.tokens_kept == pytest.approx(3 * 5 / 24, abs=0.2)
    assert all(row.seconds.median > 0 and row.seconds.runs == 3 for row in found.rows)
    assert not found.equal_rows


def test_agreement_is_the_share_of_all_pixels(segmenter, data):
    row = compare(segmenter, data, ["0,1"], **QUICK).rows[1]
    same = [
        segmenter.segment(image, "0,1").labels == segmenter.segment(image, "none").labels for image, _ in data
    ]
    assert row.agreement == np.mean(same)


def test_equal_counts_are_kept_on_every_picture_and_insertion(segmenter, data, front):
    options = ["copy", "residual,sizes"]
    found = compare(segmenter, data, [], smaller=[], equal=["front"], equal_at=["0,2"], equal_options=options)
    assert [(row.rule, row.options) for row in found.equal_rows] == [
        (rule, option) for option in options for rule in ("mutual", "front")
    ]
    for start in (1, 3):
        paper, own = found.tallies[start : start + 2]
        assert [one.tokens for one in own.seen] == [one.tokens for one in paper.seen]
        assert all(one.tokens[0] > one.tokens[1] > one.tokens[2] for one in own.seen)
    assert all(row.missing_tokens == row.extra_tokens == 0 for row in found.equal_rows)
    run = segmenter.segment(data[0][0], "0,2")
    assert list(found.tallies[1].seen[0].tokens) == run.trace.token_counts


def test_a_rule_that_misses_its_count_is_told(segmenter, data, front):
    found = compare(
        segmenter, data, [], smaller=[], equal=["front(2)"], equal_at=["1"], equal_options=["copy"]
    )
    row, paper = found.equal_rows[1], found.tallies[1]
    missing = [one.tokens[0] - one.tokens[1] - 2 for one in paper.seen]
    assert (row.missing_pictures, row.missing_tokens, row.extra_tokens) == (3, sum(missing), 0)


def test_rules_of_the_recipes_are_compared_at_equal_counts(segmenter, data, front):
    found = compare(segmenter, data, ["front@1"], smaller=[], equal_at=["1"], equal_options=["copy"])
    names = [row.rule for row in found.equal_rows]
    assert names[0] == "mutual" and {"bipartite", "random", "front"} < set(names)


def stops_after(count: int):
    def progress(todo):
        yield from todo[:count]
        raise KeyboardInterrupt

    return progress


def test_a_resumed_run_equals_an_uninterrupted_one(segmenter, data, tmp_path):
    how = {"smaller": [48], "equal": ["random"], "equal_at": ["1"], "file": tmp_path / "found.json"}
    with pytest.raises(KeyboardInterrupt):
        compare(segmenter, data, ["0,1"], progress=stops_after(2), **how)
    assert json.loads(how["file"].read_text())["done"] == 2
    resumed = compare(segmenter, data, ["0,1"], **how)
    whole = compare(segmenter, data, ["0,1"], **{**how, "file": None})
    assert [row.mean_iou for row in resumed.rows] == [row.mean_iou for row in whole.rows]
    assert resumed.equal_rows == whole.equal_rows
    for one, other in zip(resumed.tallies, whole.tallies, strict=True):
        assert np.array_equal(one.cells, other.cells) and one.cells.dtype == np.int64
        assert [seen.tokens for seen in one.seen] == [seen.tokens for seen in other.seen]
    again = compare(segmenter, data, ["0,1"], progress=stops_after(0), **how)
    assert again.to_json() == resumed.to_json() == json.loads(how["file"].read_text()), (
        "nothing is left to do"
    )


def test_the_file_is_written_on_the_way(segmenter, data, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "SAVE_EVERY_S", 0)
    file = tmp_path / "deep" / "found.json"
    done = []

    def progress(todo):
        for number in todo:
            done.append(json.loads(file.read_text())["done"])
            yield number

    compare(segmenter, data, ["1"], file=file, progress=progress, **QUICK)
    assert done == [0, 1, 2] and [path.name for path in file.parent.iterdir()] == ["found.json"]


def test_files_of_other_settings_are_refused(segmenter, data, tmp_path):
    file = tmp_path / "found.json"
    compare(segmenter, data, ["1"], file=file, **QUICK)
    with pytest.raises(InputError, match=r"other settings \(recipes\): give another file, or --overwrite"):
        compare(segmenter, data, ["2"], file=file, **QUICK)
    with pytest.raises(InputError, match=r"other settings \(rounds\)"):
        compare(segmenter, data, ["1"], rounds=2, file=file, **QUICK)
    found = compare(segmenter, data, ["2"], file=file, overwrite=True, **QUICK)
    assert json.loads(file.read_text()) == found.to_json()


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"schema": 1, "tallies": []}', "cells", "short"])
def test_files_that_are_no_comparison_are_refused(segmenter, data, tmp_path, damage):
    file = tmp_path / "found.json"
    written = compare(segmenter, data, ["1"], file=file, **QUICK).to_json()
    if damage == "cells":
        written["tallies"][0]["confusion"] = [[0.5]]
    elif damage == "short":
        written["tallies"][0]["pictures"].pop()
    file.write_text(json.dumps(written) if damage in ("cells", "short") else damage)
    with pytest.raises(InputError, match="--overwrite"):
        compare(segmenter, data, ["1"], file=file, **QUICK)


def test_other_weights_are_other_settings(segmenter, data, tmp_path):
    file = tmp_path / "found.json"
    compare(segmenter, data, ["1"], file=file, **QUICK)
    bias = segmenter.encoder.patch_embed.proj.bias
    with torch.no_grad():
        bias += 1
    try:
        with pytest.raises(InputError, match=r"other settings \(weights\)"):
            compare(segmenter, data, ["1"], file=file, **QUICK)
    finally:
        with torch.no_grad():
            bias -= 1


def test_without_labels_the_unmerged_mask_stands_in(segmenter, camvid):
    pictures = Pictures([camvid / "val" / "images"])
    found = compare(segmenter, pictures, ["0,1"], **QUICK)
    none, merged, _ = found.rows
    assert (none.mean_iou, none.loss, none.agreement) == (1, 0, 1)
    assert 0 < merged.loss == 1 - merged.agreement and merged.mean_iou < 1
    assert len(Pictures([camvid / "val" / "images"], limit=2)) == 2


def test_names_that_only_the_model_knows(segmenter, data, monkeypatch):
    def read(self, text, *rest):
        return mpm.Recipe.parse("0,1|sizes" if text == "swift" else text)

    monkeypatch.setattr(type(segmenter), "read_recipe", read)
    row = compare(segmenter, data, ["swift"], **QUICK).rows[1]
    assert (row.name, row.recipe, row.label) == ("swift", "0,1|sizes", "swift = 0,1|sizes")


def test_rounds_are_timed_and_everybody_runs_first_once(segmenter, data):
    found = compare(segmenter, data, ["1"], rounds=3, **QUICK)
    assert all(len(seen.seconds) == 3 for tally in found.tallies for seen in tally.seen)
    orders = [order_of(turn, 4) for turn in range(8)]
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert {order[0] for order in orders} == {0, 2} | {order[0] for order in orders[1::2]}
