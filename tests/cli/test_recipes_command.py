"""Recipes and rules on the command line: files of one's own, old flags, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from support.own_rule import STRIPES

import mpm
from mpm.__main__ import main
from mpm.merging.elsewhere import ELSEWHERE

pytestmark = pytest.mark.usefixtures("no_rule_stays")


@pytest.fixture
def rules_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(STRIPES)
    return str(path)


@pytest.fixture
def model(tiny, tmp_path):
    return str(mpm.save_segmenter(tiny, tmp_path / "tiny"))


@pytest.fixture
def photo(tmp_path, smooth_image):
    Image.fromarray(smooth_image).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


def test_segment_by_a_rule_of_ones_own(rules_file, model, photo, tmp_path, tiny, smooth_image, capsys):
    words = ["segment", photo, "--model", model, "--output-dir", str(tmp_path), "--rules", rules_file]
    assert main([*words, "--recipe", "stripes(3)@1+2|sizes"]) == 0
    assert "recipe stripes(3)@1+2|sizes: tokens" in capsys.readouterr().out
    saved = np.load(tmp_path / "photo.merge.npz")
    assert saved["rules"].tolist() == ["stripes(3)", "mutual"]
    run = mpm.load_segmenter(model).segment(smooth_image, "stripes(3)@1+2|sizes")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "photo.mask.png")), run.labels)


def test_bench_and_evaluate_by_a_rule_of_ones_own(rules_file, model, tmp_path, capsys):
    words = ["--model", model, "--rules", rules_file]
    quick = ["--runs", "1", "--warmup", "1", "--pictures", "1", "--resolution", "64"]
    assert main(["bench", *words, *quick, "--recipes", "stripes@1", "1|sizes"]) == 0
    shown = capsys.readouterr().out
    assert "stripes@1 ideal" in shown and "1|decode-merged,sizes" in shown
    written = tmp_path / "out.json"
    words += ["--dataset", "streets", "--count", "1", "--json", str(written)]
    assert main(["evaluate", *words, "--recipe", "stripes(5)@1", "--recipe", "none|48px"]) == 0
    results = json.loads(written.read_text())["results"]
    assert [one["schedule"] for one in results] == ["none", "stripes(5)@1", "none|48px"]
    assert results[1]["tokens_kept"] == pytest.approx(0.2, abs=0.01)


def test_old_flags_work_and_say_what_they_became(model, capsys):
    words = [
        "--model",
        model,
        "--dataset",
        "streets",
        "--count",
        "1",
        "--schedule",
        "1",
        "--merger",
        "random",
    ]
    assert main(["evaluate", *words]) == 0
    said = capsys.readouterr()
    assert 'mpm: --merger random is a recipe now: "random@1"' in said.err and "random@1" in said.out
    quick = ["--runs", "1", "--warmup", "1", "--pictures", "1", "--resolution", "64", "--no-extras"]
    assert main(["bench", "--model", model, "--schedules", "1", "--window", "3", *quick]) == 0
    said = capsys.readouterr()
    assert '--window 3 is a recipe now: "mutual(window=3)@1"' in said.err
    assert "mutual(window=3)@1" in said.out and "\n1 " in said.out


def test_the_rules_are_listed(rules_file, capsys):
    assert main(["rules", "--rules", rules_file]) == 0
    shown = capsys.readouterr().out
    assert "stripes  Stripes" in shown and "share: a number, 0 to 0.5, or none; left out: none" in shown
    assert "algm  windows(0.9)@0+bipartite(std=0.2)@4|after-attention,decode-merged,weighted\n" in shown
    assert all(f"{one.name} ({one.paper}): {one.why}" in shown for one in ELSEWHERE)
    assert main(["rules", "--json"]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)][:2] == ["mutual", "bipartite"]


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ("stripes(0)@1", "Rule stripes(0) failed: RuntimeError"),
        ("stripes(x)@1", "Rule stripes: width must be a whole number, but got 'x'"),
        ("nobody@1", "There is no rule 'nobody': choose one of mutual, bipartite"),
        ("1|fast", "no option 'fast'"),
        ("9", "blocks 0 to 3"),
    ],
)
def test_bad_recipes_are_one_sentence(rules_file, model, photo, tmp_path, recipe, expected, capsys):
    words = ["segment", photo, "--model", model, "--output-dir", str(tmp_path / "out")]
    assert main([*words, "--rules", rules_file, "--recipe", recipe]) == 2
    said = capsys.readouterr().err
    assert expected in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_rules_file_with_an_error_is_one_sentence(tmp_path, photo, capsys):
    path = tmp_path / "bad.py"
    path.write_text("def f(:")
    for command in (["segment", photo], ["bench"], ["evaluate"], ["rules"]):
        assert main([*command, "--rules", str(path)]) == 2
        said = capsys.readouterr().err
        assert "bad.py" in said and "SyntaxError" in said and said.count("\n") == 1
