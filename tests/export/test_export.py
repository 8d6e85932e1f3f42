"""An exported model gives the library's masks without PyTorch, and what cannot be exported says why."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import mpm
from mpm.__main__ import main
from mpm.errors import InputError
from mpm.export import export, runner
from mpm.export.write import why_not
from mpm.merging.rules.mutual import mutual_pairs
from mpm.segmenters.preprocess import resize_bilinear
from mpm.streets import render_street


@pytest.fixture(scope="module", autouse=True)
def onnxruntime():
    pytest.importorskip("onnx", reason="graphs are written by the package onnx")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


@pytest.fixture(scope="module")
def bundled() -> mpm.Segmenter:
    return mpm.load_segmenter("streets-vit-tiny")


@pytest.fixture(scope="module")
def street() -> np.ndarray:
    return np.ascontiguousarray(render_street(11, 600, 410).image)


@pytest.mark.parametrize(
    "recipe", ["none|256px", "2,5|256px", "0,2,5|residual,256px", "3|decode-merged,256px"]
)
def test_masks_are_the_librarys(bundled, street, tmp_path, recipe):
    export(bundled, recipe, tmp_path)
    labels, counts = runner.Model(tmp_path).segment(street)
    run = bundled.segment(street, recipe)
    assert labels.dtype == run.labels.dtype and np.mean(labels == run.labels) >= 0.999
    assert counts == run.trace.token_counts


@pytest.mark.parametrize("size", [(48, 90), (61, 47), (40, 333)])
def test_any_size_of_picture(tiny, tmp_path, size):
    export(tiny, "0,2", tmp_path)
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    labels, _ = runner.Model(tmp_path).segment(cv2.GaussianBlur(picture, (0, 0), 4))
    run = tiny.segment(cv2.GaussianBlur(picture, (0, 0), 4), "0,2")
    assert np.mean(labels == run.labels) >= 0.99  # random weights have many close calls


NO_TORCH = """
import runpy, sys
class Refused:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("torch", "timm", "mpm", "cv2"):
            raise ImportError(name + " is not to be imported")
sys.meta_path.insert(0, Refused())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("kind", ["npy", "ppm", "png"])
def test_the_command_and_the_runner_alone(bundled, street, tmp_path, kind):
    words = ("--recipe", "2,5|160px", "--output", str(tmp_path / "model"))
    assert main(["export", *words]) == 0
    picture = tmp_path / f"street.{kind}"
    np.save(picture, street) if kind == "npy" else Image.fromarray(street).save(picture)
    command = [sys.executable, "-c", NO_TORCH, str(tmp_path / "model" / "run.py"), str(picture)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    run = bundled.segment(street, "2,5|160px")
    counts = " -> ".join(map(str, run.trace.token_counts))
    assert done.stdout == f"street.mask.png: recipe 2,5|160px, tokens {counts}\n"
    mask = Image.open(tmp_path / "street.mask.png")
    assert np.mean(np.asarray(mask) == run.labels) >= 0.999
    assert mask.getpalette()[:33] == bundled.palette.flatten().tolist()


def test_bad_input_to_the_runner_is_one_sentence(tiny, tmp_path, capsys):
    export(tiny, "none", tmp_path)
    np.save(tmp_path / "grey.npy", np.zeros((4, 4), np.uint8))
    assert runner.main([str(tmp_path / "grey.npy"), "--model", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "run.py: A picture must be (H, W, 3) uint8, but got (4, 4) uint8.\n"
    assert runner.main([str(tmp_path / "missing.npy"), "--model", str(tmp_path)]) == 2


def test_int8_is_near(bundled, street, tmp_path):
    export(bundled, "none|256px", tmp_path, "int8")
    labels, _ = runner.Model(tmp_path).segment(street)
    assert 0.98 < np.mean(labels == bundled.segment(street, "none|256px").labels) < 1
    assert (tmp_path / "blocks-0-11.onnx").stat().st_size < 7_000_000


def test_pairs_are_the_librarys():
    tokens = np.random.default_rng(3).standard_normal((1, 101, 8)).astype(np.float32)
    tokens[0, 40] = tokens[0, 7]  # a tie: the first wins
    wanted = mutual_pairs(torch.from_numpy(tokens[:, 1:]))
    merged, index, _ = runner.merge(tokens, 1, False)
    assert np.array_equal(index, wanted.index[0])
    assert np.allclose(merged[:, 1:], wanted.merge(torch.from_numpy(tokens[:, 1:])), atol=1e-6)


@pytest.mark.parametrize("wh", [(300, 200), (1000, 700), (129, 64), (64, 300), (512, 300)])
def test_resizing_is_opencvs(wh):
    picture = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    wanted, found = resize_bilinear(picture, wh), runner.resize(picture, *wh)
    assert np.abs(wanted.astype(int) - found).max() <= 1
    assert np.mean(wanted != found) < 0.02


REFUSED = {
    "random@2,5": "the runner knows mutual pairs, but not random",
    "mutual(window=2)@2": "but not mutual",
    "2,5|sizes": "does not know the option sizes",
    "2,5|weighted": "does not know the option weighted",
    "2|after-attention": "does not know the option after-attention",
    "2|decode-merged,residual": "do not go together",
}


@pytest.mark.parametrize("recipe", REFUSED)
def test_a_recipe_that_cannot_be_exported_says_why(bundled, tmp_path, recipe):
    with pytest.raises(InputError, match=REFUSED[recipe]) as raised:
        export(bundled, recipe, tmp_path / "model")
    assert len(str(raised.value).splitlines()) == 1 and not (tmp_path / "model").exists()


def test_a_model_that_cannot_be_exported_says_why(tiny, tmp_path, monkeypatch):
    recipe = tiny.read_recipe("none")
    for change, reason in (
        ({"padding": "square"}, "to a square"),
        ({"resampling": "bicubic"}, "as PIL does"),
    ):
        monkeypatch.setattr(tiny, "config", replace(tiny.config, **change))
        assert reason in why_not(tiny, recipe)
        monkeypatch.undo()
    with pytest.raises(InputError, match="An export is float32 or int8, but got float16"):
        export(tiny, "none", tmp_path, "float16")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install 'mpm-explorer\[onnx\]'\.$"):
        export(tiny, "none", tmp_path)
