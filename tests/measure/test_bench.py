"""The bench command on a tiny model: rows, JSON, figure, and that its controls are what they say."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import mpm
from mpm.__main__ import main
from mpm.cli import bench
from mpm.clock import Clock
from mpm.measure.bench import kernels
from mpm.measure.bench.measure import Extras, contenders, measure
from mpm.measure.bench.memory import peak_bytes
from mpm.measure.bench.pipelines import library, reference
from mpm.measure.bench.plot import draw
from mpm.measure.bench.results import BenchResult
from mpm.measure.bench.table import render
from mpm.measure.bench.workload import Workload, load_model
from mpm.merging.recipe import Recipe


@pytest.fixture
def work(tiny, smooth_image):
    return Workload(tiny, False, ((smooth_image, smooth_image[::-1].copy()), (smooth_image,) * 2), None)


@pytest.fixture
def checkpoint(tiny, tmp_path):
    return str(mpm.save_segmenter(tiny, tmp_path / "model"))


def test_rows_of_a_measurement(work):
    recipes = [Recipe.parse(text) for text in ("1", "0,2", "mutual(window=2)@1", "random@1")]
    rows = measure(work, contenders(work, recipes, Extras(reference=True)), runs=3, warmup=1)
    names = [row.name for row in rows]
    assert names[0] == "none" and "0,2 ideal" in names and "mutual(window=2)@1" in names
    assert "reference pipeline none" in names
    by_name = {row.name: row for row in rows}
    assert by_name["none"].speedup.value == 1
    assert all(row.seconds.runs == 3 and row.seconds.median > 0 for row in rows)
    assert by_name["0,2"].token_counts == by_name["0,2 ideal"].token_counts
    assert by_name["0,2"].token_counts[0] > by_name["0,2"].token_counts[2]
    assert by_name["random@1"].agreement < 1 == by_name["1"].agreement, "against the paper's rule"
    assert by_name["0,2|decode-merged"].kind == "decode merged"
    assert by_name["0,2"].agreement == 1 and by_name["0,2 ideal"].merge_share is None
    assert 0 < by_name["0,2"].merge_share < 1 and by_name["0,2"].of_ideal > 0
    assert set(by_name["0,2"].parts) == set(mpm.clock.PARTS)


def test_the_library_row_is_what_segment_gives(work):
    for schedule in ("none", "0,2"):
        pipeline = library(work, Recipe.parse(schedule))
        for pictures in work.batches:
            outcome = pipeline(pictures, Clock())
            for picture, labels, counts in zip(pictures, outcome.labels, outcome.token_counts, strict=True):
                run = work.segmenter.segment(picture, schedule)
                assert np.array_equal(labels, run.labels)
                assert list(counts) == run.trace.token_counts


def test_the_reference_row_gives_the_same_masks_another_way(work):
    outcome = reference(work, Recipe())(work.batches[0], Clock())
    expected = library(work, Recipe())(work.batches[0], Clock())
    for labels, own in zip(outcome.labels, expected.labels, strict=True):
        assert labels.shape == own.shape and np.mean(labels == own) > 0.99
    assert all(block.attn.fused_attn for block in work.segmenter.encoder.blocks), "The model is left alone"


def test_command_writes_json_and_figure(checkpoint, tmp_path, capsys):
    files = tmp_path / "out.json", tmp_path / "out.png"
    words = f"bench --model {checkpoint} --schedules 1 none --runs 2 --warmup 1 --pictures 1 --resolution 96"
    assert main([*words.split(), "--json", str(files[0]), "--plot", str(files[1])]) == 0
    shown = capsys.readouterr().out
    assert "1 ideal" in shown and "reference pipeline none" in shown and "images/s" in shown
    assert files[1].read_bytes().startswith(b"\x89PNG")
    data = json.loads(files[0].read_text())
    result = BenchResult.from_json(data)
    assert result.to_json() == json.loads(json.dumps(data), object_hook=lambda d: d) | {
        "rows": result.to_json()["rows"]
    }
    assert result.row("1").schedule == "1" and result.settings["weights"] == "trained"
    assert render(result) in shown
    assert len(draw(result).axes[0].get_yticklabels()) == len(result.rows)
    with pytest.raises(KeyError):
        result.row("nothing")


def test_a_timm_name_gets_random_weights(capsys):
    words = "bench --model vit_tiny_patch16_224 --resolution 64 --classes 5 --runs 1 --warmup 1 --pictures 1"
    assert main([*words.split(), "--schedules", "3", "--batch", "2", "--encoder-only"]) == 0
    assert "random weights, 5 classes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--model no_such_model", "No model"),
        ("--model resnet18", "no plain timm ViT"),
        ("--model vit_tiny_patch16_224 --resolution 64 --schedules 12", "0 to 11"),
        ("--model vit_tiny_patch16_224 --resolution 64 --device nowhere", "cannot be used"),
        ("--model vit_tiny_patch16_224 --encoder-only --card card.json", "without --encoder-only"),
        ("--model vit_tiny_patch16_224 --json .", "the path of a file"),
    ],
)
def test_bad_input_is_one_sentence(words, expected, capsys):
    assert main(["bench", "--pictures", "1", *words.split()]) == 2
    assert expected in capsys.readouterr().err


def test_random_weights_are_never_called_trained():
    name = "timm:vit_tiny_patch16_224+random"
    segmenter, trained = load_model(name, torch.device("cpu"), torch.float32, None, 5)
    assert not trained and "random" in segmenter.config.remark


def test_the_reference_never_attends_fused(work, monkeypatch):
    calls = []
    monkeypatch.setattr(F, "scaled_dot_product_attention", lambda *args, **rest: calls.append(args))
    images = work.batches[0] + work.batches[0]
    reference(work, Recipe.parse("0,2"))(images, Clock())
    assert not calls


def test_lack_of_memory_is_one_sentence_with_the_sizes(work):
    error = bench._explained(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ..."), work)
    assert isinstance(error, mpm.InputError) and "batch 2 of 54 patches" in str(error)
    other = RuntimeError("something else")
    assert bench._explained(other, work) is other


@pytest.mark.parametrize("data", [None, {}, {"schema": 2}, {"schema": 1}, {"schema": 1, "rows": [{}]}])
def test_foreign_json_is_refused(data):
    with pytest.raises(mpm.InputError):
        BenchResult.from_json(data)


def test_peak_memory_sees_what_a_call_holds():
    peak = peak_bytes(lambda: torch.ones(40_000_000).sum(), torch.device("cpu"))
    assert peak is None or peak > 100_000_000


def test_kernels_alone(monkeypatch):
    monkeypatch.setattr(kernels, "TAIL_GRID", (10, 12))
    monkeypatch.setattr(kernels, "MATCH_GRID", (12, 16))
    tail = kernels.tail(7, torch.device("cpu"), runs=1)
    assert tail["smooth_pixels_different"] == tail["noise_pixels_different"] == 0
    matcher = kernels.matcher(torch.device("cpu"), runs=1)
    assert matcher["own_partners_different"] == 0 and 0 <= matcher["windowed_partners_different"] < 1
