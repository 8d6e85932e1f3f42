"""`mpm calibrate`: what is chosen goes into the model's own folder, whole or not at all."""

from __future__ import annotations

import json
import shutil

import cv2
import pytest

import mpm
from mpm.__main__ import main
from mpm.cli import calibrate as command
from mpm.cli.recipes import check_recipes
from mpm.measure.calibrate import Calibration, Candidate
from mpm.zoo import registry
from mpm.zoo.checkpoints import save_segmenter

FOUND = Calibration(
    pictures=1,
    candidates=(Candidate("1|residual", 0.5, 1.5, 0.6), Candidate("0,1", 2.5, 2.0, 0.4)),
    changed=((0.95, 0.5), (0.9, 2.0)),
    recipes={"light": "1|residual", "fastest": "0,1"},
)


@pytest.fixture
def model(tiny, tmp_path):
    return save_segmenter(tiny, tmp_path / "models" / "tiny")


@pytest.fixture
def photo(tmp_path, smooth_image) -> str:
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), smooth_image[:, :, ::-1])
    return str(path)


@pytest.fixture
def quick(monkeypatch) -> list:
    """Nothing is run: the figures are those of `FOUND`. The pictures of each call."""
    calls = []
    monkeypatch.setattr(
        command, "calibrate", lambda segmenter, pictures: (calls.append(list(pictures)), FOUND)[1]
    )
    return calls


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_whole_run(model, photo, tmp_path, capsys):
    file, before = tmp_path / "found.json", files(model)
    assert main(["calibrate", "--model", str(model), "--pictures", photo, "--json", str(file)]) == 0
    said, found = capsys.readouterr().out, json.loads(file.read_text())
    assert found["pictures"] == 1 and "adaptive(loss=...)" in said and "--write keeps it" in said
    for one in found["candidates"]:
        assert one["recipe"] in said and 0 <= one["changed"] <= 100 and 0 < one["tokens_kept"] <= 1
    assert len(found["changed"]) == 12 and files(model) == before, "nothing is written unasked"


def test_what_is_written_is_what_names_give(model, photo, quick, capsys):
    before = files(model)
    assert main(["calibrate", "--model", str(model), "--pictures", photo, "--write"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(model / "config.json")
    after = files(model)
    assert {name for name in after if after[name] != before.get(name)} == {"config.json"}
    loaded = mpm.load_segmenter(str(model))
    assert str(loaded.read_recipe("light")) == "1|residual" and str(loaded.read_recipe("fastest")) == "0,1"
    assert "regions" in str(loaded.read_recipe("fast")), "nobody was fit for it: the project's own"
    adaptive = str(loaded.read_recipe("adaptive(loss=2)"))
    assert adaptive == "budget(threshold=0.9)@0,1|decode-merged,residual,sizes"
    with pytest.raises(mpm.InputError, match="cannot be met"):
        loaded.read_recipe("adaptive(loss=0.1)")
    check_recipes(["adaptive(loss=0.1)"])  # before a model is loaded nobody can know


def test_only_the_confidence(model, photo, quick, tmp_path, capsys):
    file, before = tmp_path / "found.json", mpm.load_segmenter(str(model)).config
    words = ["calibrate", "--model", str(model), "--pictures", photo, "--only-confidence"]
    assert main([*words, "--json", str(file)]) == 0
    assert "median" in capsys.readouterr().out and not quick
    assert mpm.load_segmenter(str(model)).config.confidence is None, "nothing is written unasked"
    assert main([*words, "--write"]) == 0
    after = mpm.load_segmenter(str(model)).config
    assert after.to_json() == {**before.to_json(), **json.loads(file.read_text())}


def test_a_model_in_the_box_is_written_to_by_its_name(model, photo, quick, monkeypatch, tmp_path):
    box = tmp_path / "box"
    shutil.copytree(registry.BUNDLED / "streets-vit-tiny", box / "streets-vit-tiny")
    monkeypatch.setattr(registry, "BUNDLED", box)
    assert main(["calibrate", "--pictures", photo, "--write"]) == 0
    config = json.loads((box / "streets-vit-tiny" / "config.json").read_text())
    assert config["recipes"] == dict(FOUND.recipes) and config["changed"] == [[0.95, 0.5], [0.9, 2.0]]


@pytest.mark.parametrize("name", ["timm:vit_tiny_patch16_224+random", "no-such-folder"])
def test_only_a_folder_of_ours_can_be_written_to(name, photo, quick, capsys):
    assert main(["calibrate", "--model", name, "--pictures", photo, "--write"]) == 2
    said = capsys.readouterr().err
    assert "no checkpoint folder of ours" in said and len(said.strip().splitlines()) == 1
    assert not quick, "refused before the work"


def test_nothing_to_calibrate_on(model, quick, capsys):
    assert main(["calibrate", "--model", str(model), "--write"]) == 2
    assert "Give --pictures, --root or --streets" in capsys.readouterr().err and not quick


def test_pictures_and_streets_go_together(model, photo, quick):
    words = ["calibrate", "--model", str(model), "--pictures", photo, "--streets", "2"]
    assert main(words) == 0
    assert [one.shape for one in quick[0]] == [(60, 90, 3), (360, 480, 3), (360, 480, 3)]


@pytest.mark.parametrize("words", [["--limit", "0"], ["--streets", "-1"], ["--threads", "0"]])
def test_numbers_that_are_none(model, photo, quick, words, capsys):
    assert main(["calibrate", "--model", str(model), "--pictures", photo, *words]) == 2
    assert "at least 1" in capsys.readouterr().err


def test_a_configuration_is_never_half_written(model, photo, quick, monkeypatch, capsys):
    before = files(model)

    def fail(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mpm.files.os.replace", fail)
    assert main(["calibrate", "--model", str(model), "--pictures", photo, "--write"]) == 2
    assert "Cannot write" in capsys.readouterr().err and files(model) == before
