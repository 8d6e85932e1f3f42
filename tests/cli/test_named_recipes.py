"""Names of recipes on the command line: each command spells them out for the model that it loads."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import pytest

import mpm
from mpm.__main__ import main
from mpm.zoo.checkpoints import save_segmenter

TOME = "bipartite(count=4,keys=true)@0,1,2,3|after-attention,sizes"
OWN = "0+random@2|residual"


@pytest.fixture(scope="module")
def model(tiny_config, tmp_path_factory) -> str:
    """The tiny segmenter with a recipe of its own for "fast"."""
    segmenter = mpm.Segmenter(replace(tiny_config, recipes={"fast": OWN})).eval()
    return str(save_segmenter(segmenter, tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture
def photo(tmp_path, smooth_image) -> str:
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), smooth_image[:, :, ::-1])
    return str(path)


def test_segment(model, photo, tmp_path, capsys):
    words = ["segment", photo, "--model", model, "--output-dir", str(tmp_path / "out")]
    assert main([*words, "--recipe", "tome(4)"]) == 0
    assert f"recipe {TOME}: tokens" in capsys.readouterr().out
    assert main([*words, "--recipe", "fast"]) == 0
    assert f"recipe {OWN}: tokens" in capsys.readouterr().out


def test_evaluate(model, tmp_path, capsys):
    file = tmp_path / "found.json"
    words = ["evaluate", "--model", model, "--dataset", "streets", "--limit", "1", "--device", "cpu"]
    assert main([*words, "--recipe", "fast", "--recipe", "tome(4)", "--json", str(file)]) == 0
    results = json.loads(file.read_text())["results"]
    assert [one["schedule"] for one in results][-2:] == [OWN, TOME]
    assert OWN in capsys.readouterr().out


def test_compare(model, photo, tmp_path):
    file = tmp_path / "found.json"
    words = ["compare", "--model", model, "--device", "cpu", "--pictures", photo, "--smaller", "--json"]
    assert main([*words, str(file), "--equal-at", "none", "--recipes", "fast", "tome(4)|residual"]) == 0
    rows = json.loads(file.read_text())["recipes"]
    assert [row["recipe"] for row in rows] == ["none", OWN, TOME.replace("sizes", "residual,sizes")]


def test_bench(model, tmp_path):
    file = tmp_path / "found.json"
    words = ["bench", "--model", model, "--recipes", "fast", "tome(4)", "--runs", "1", "--warmup", "1"]
    assert main([*words, "--resolution", "64", "--no-extras", "--json", str(file)]) == 0
    written = file.read_text()
    assert OWN in written and TOME in written


@pytest.mark.parametrize("command", ["segment", "evaluate", "compare", "bench"])
@pytest.mark.parametrize(
    ("recipe", "words"),
    [("tome(x)", "count must be a whole number"), ("fast@2", "no rule 'fast'"), ("2+fast", "stands alone")],
)
def test_a_bad_name_is_one_sentence_before_a_model_is_loaded(command, recipe, words, photo, capsys):
    place = [photo] if command == "segment" else []
    option = "--recipes" if command in ("compare", "bench") else "--recipe"
    assert main([command, *place, "--model", "nowhere/nothing", option, recipe]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
