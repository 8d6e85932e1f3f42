"""--runtime and --number-format of the commands and of the page."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from PIL import Image

import mpm
from app.engine.engine import Engine
from mpm.__main__ import main
from mpm.measure.bench.measure import Extras, contenders, measure
from mpm.measure.bench.results import BenchResult
from mpm.measure.bench.table import render
from mpm.measure.bench.workload import Workload
from mpm.merging.recipe import Recipe


@pytest.fixture(scope="module", autouse=True)
def onnxruntime():
    pytest.importorskip("onnx", reason="graphs are written by the package onnx")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


@pytest.fixture
def checkpoint(tiny, tmp_path) -> str:
    return str(mpm.save_segmenter(tiny, tmp_path / "model"))


@pytest.fixture
def picture(tmp_path, smooth_image) -> str:
    Image.fromarray(smooth_image).save(tmp_path / "picture.png")
    return str(tmp_path / "picture.png")


def test_segment(checkpoint, picture, tmp_path):
    for name in ("torch", "onnxruntime"):
        folder = str(tmp_path / name)
        words = ("--model", checkpoint, "--recipe", "1", "--output-dir", folder, "--runtime", name)
        assert main(["segment", picture, *words]) == 0
    own, other = (
        np.asarray(Image.open(tmp_path / name / "picture.mask.png")) for name in ("torch", "onnxruntime")
    )
    assert np.mean(own == other) >= 0.999


def test_what_is_not_there_is_one_sentence(checkpoint, picture, capsys, monkeypatch):
    words = ["segment", picture, "--model", checkpoint, "--runtime", "onnxruntime"]
    assert main([*words, "--number-format", "float16"]) == 2
    assert capsys.readouterr().err == "mpm: onnxruntime runs float32 or int8 here, but got float16.\n"
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert (
        said.startswith("mpm: onnxruntime is not installed: install it with pip")
        and len(said.splitlines()) == 1
    )


def test_evaluate_says_what_ran(checkpoint, tmp_path, capsys):
    words = [
        "--dataset",
        "streets",
        "--count",
        "1",
        "--recipe",
        "1",
        "--json",
        str(tmp_path / "figures.json"),
    ]
    words += ["--runtime", "onnxruntime", "--number-format", "int8"]
    assert main(["evaluate", "--model", checkpoint, *words]) == 0
    assert "whole images; onnxruntime int8\n" in capsys.readouterr().out
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert (kept["runtime"], kept["number_format"]) == ("onnxruntime", "int8")


def test_bench_compares_runtimes_in_one_run(tiny, smooth_image):
    work = Workload(tiny, False, ((smooth_image,),), None)
    listed = contenders(
        work, [Recipe.parse("0,2")], Extras(False, False, False), [tiny.with_runtime("onnxruntime")]
    )
    rows = {row.name: row for row in measure(work, listed, runs=2, warmup=1)}
    assert list(rows) == ["none", "0,2", "onnxruntime none", "onnxruntime 0,2"]
    unmerged, merged = rows["onnxruntime none"], rows["onnxruntime 0,2"]
    assert unmerged.speedup_own.value == 1 and merged.runtime == "onnxruntime" and merged.agreement >= 0.999
    assert merged.gflops == rows["0,2"].gflops and rows["none"].speedup_own is None
    machine, settings = {"device": "cpu", "torch": "2"}, {"image_wh_px": [1, 1], "threads": 1}
    settings |= dict.fromkeys(("model", "weights", "classes", "patches", "batch", "dtype", "runs"), 1)
    result = BenchResult("now", machine, settings, tuple(rows.values()))
    assert BenchResult.from_json(json.loads(json.dumps(result.to_json()))) == result
    assert f"{merged.speedup_own.value:.2f}x" in render(result)


def test_bench_by_command(checkpoint, picture, tmp_path, capsys):
    words = ["--image", picture, "--runs", "1", "--warmup", "1", "--recipes", "1", "--no-extras"]
    runtimes = ["--runtimes", "torch", "onnxruntime", "onnxruntime:int8"]
    assert main(["bench", "--model", checkpoint, *words, *runtimes]) == 0
    said = capsys.readouterr().out
    assert "onnxruntime int8 1 " in said and "torch none" not in said
    assert main(["bench", "--model", checkpoint, *words, "--runtimes", "tensorrt"]) == 2


def test_the_page_runs_in_it(checkpoint, smooth_image):
    engine = Engine(checkpoint, "cpu", runtime=("onnxruntime", None)).start()
    assert engine.segmenter.runtime == "onnxruntime"
