"""Operations that are counted, and the class accuracy, by hand; both in tables and files."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import mpm
from mpm.__main__ import main
from mpm.data.datasets import CamVid
from mpm.measure.bench.measure import Extras, contenders, measure
from mpm.measure.bench.results import BenchResult
from mpm.measure.bench.table import render
from mpm.measure.bench.workload import Workload
from mpm.measure.evaluate import evaluate
from mpm.measure.flops import count_flops
from mpm.measure.metrics import ConfusionMatrix
from mpm.measure.scores import table
from mpm.merging.recipe import Recipe


@pytest.mark.parametrize("guard", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_a_multiply_add_counts_twice_and_fused_attention_counts(guard):
    layer, tokens = torch.nn.Linear(6, 5), torch.randn(2, 7, 6)
    q, k, v = (torch.randn(1, 2, length, 8) for length in (10, 12, 12))
    with guard():
        assert count_flops(lambda: layer(tokens)) == 2 * 2 * 7 * 6 * 5
        attend = torch.nn.functional.scaled_dot_product_attention
        assert count_flops(lambda: attend(q, k, v)) == 2 * (2 * 2 * 10 * 12 * 8)


def expected_unmerged(segmenter: mpm.Segmenter, tokens: int) -> int:
    """A ViT without class token below a mask transformer: written down, not counted."""
    encoder, decoder = segmenter.encoder, segmenter.decoder
    width, patch = encoder.embed_dim, segmenter.patch_px
    with_prefix, own, classes = tokens + encoder.num_prefix_tokens, decoder.proj_patch.shape[0], 11

    def block(count: int, channels: int) -> int:
        return 2 * 12 * count * channels**2 + 4 * count**2 * channels

    adds = 2 * tokens * 3 * patch**2 * width + segmenter.depth * block(with_prefix, width)
    adds += 2 * tokens * width * own + len(decoder.blocks) * block(tokens + classes, own)
    return adds + 2 * (tokens + classes) * own**2 + 2 * tokens * own * classes


def test_bench_counts_what_the_architecture_says(tiny, smooth_image):
    pictures = (smooth_image, smooth_image[::-1].copy())
    work = Workload(tiny, False, (pictures,), None)
    rows = measure(work, contenders(work, [Recipe.parse("0,2")], Extras()), runs=1, warmup=1)
    flops = {row.name: row.gflops for row in rows}
    tokens = int(rows[0].token_counts[0])
    assert flops["none"] * 1e9 == pytest.approx(expected_unmerged(tiny, tokens), rel=1e-9)
    assert flops["reference pipeline none"] == flops["none"], "plain attention is the same work"
    assert flops["0,2|decode-merged"] < flops["0,2"] < flops["none"]
    assert flops["0,2 ideal"] < flops["0,2"], "the search for partners costs"
    alone = Workload(tiny, False, (pictures[:1],), None)
    assert measure(alone, contenders(alone, [], Extras(False, False, False)), 1, 1)[0].gflops == flops["none"]


def test_older_benchmark_files_load_and_newer_ones_say_gflops(tiny, tmp_path, capsys):
    model, file = mpm.save_segmenter(tiny, tmp_path / "tiny"), tmp_path / "out.json"
    quick = ["--runs", "1", "--warmup", "1", "--pictures", "1", "--resolution", "64", "--no-extras"]
    assert main(["bench", "--model", str(model), "--recipes", "1", *quick, "--json", str(file)]) == 0
    data = json.loads(file.read_text())
    assert all(row["gflops"] > 0 for row in data["rows"]) and "GFLOPs" in capsys.readouterr().out
    for row in data["rows"]:
        del row["gflops"]
    older = BenchResult.from_json(data)
    assert older.rows[0].gflops is None and "GFLOPs" in render(older)


def test_evaluate_counts_a_few_images(segmenter, camvid):
    dataset = CamVid(camvid, "val")
    plain = evaluate(segmenter, dataset, ["1"])
    assert plain.results[0].gflops is None and "GFLOPs" not in table(plain)
    counted = evaluate(segmenter, dataset, ["1"], flop_images=2)
    by_hand = [count_flops(lambda i=i: segmenter.segment(dataset[i][0], "1")) for i in (0, 2)]
    assert counted.results[1].gflops == pytest.approx(np.mean(by_hand) / 1e9)
    assert counted.results[1].gflops < counted.results[0].gflops
    assert counted.results[1].class_iou == plain.results[1].class_iou
    assert f"{counted.results[1].gflops:.2f}" in table(counted).split("GFLOPs an image")[1].splitlines()[0]
    windows = evaluate(segmenter, dataset, ["1"], mode="sliding", flop_images=9)
    assert windows.results[0].gflops > 0


def test_mean_class_accuracy_is_mmsegmentations():
    truth = np.array([[0, 0, 0, 1], [1, 1, 3, 9]])
    predicted = np.array([[0, 0, 1, 1], [2, 2, 3, 0]])
    matrix = ConfusionMatrix(5, 9)
    matrix.add(predicted, truth)
    # mmseg: total_area_intersect / total_area_label, nanmean. Class 2 is only predicted: it does not count.
    assert matrix.class_accuracy[[0, 1, 3]].tolist() == pytest.approx([2 / 3, 1 / 3, 1])
    assert np.isnan(matrix.class_accuracy[[2, 4]]).all()
    assert matrix.mean_class_accuracy == pytest.approx((2 / 3 + 1 / 3 + 1) / 3)
    assert np.isnan(ConfusionMatrix(3).mean_class_accuracy)


def test_class_accuracy_in_table_and_results(segmenter, camvid):
    dataset = CamVid(camvid, "val")
    evaluation = evaluate(segmenter, dataset)
    result = evaluation.results[0]
    predicted = np.concatenate([segmenter.segment(image, "none").labels.ravel() for image, _ in dataset])
    truth = np.concatenate([labels.ravel() for _, labels in dataset])
    shares = [(predicted[truth == index] == index).mean() for index in range(11)]
    assert result.class_accuracy == pytest.approx(shares)
    assert result.mean_class_accuracy == pytest.approx(np.mean(shares))
    assert (
        f"{100 * np.mean(shares):.2f} %" in table(evaluation).split("mean class accuracy")[1].splitlines()[0]
    )
    written = evaluation.to_json()["results"][0]
    assert written["mean_class_accuracy"] == result.mean_class_accuracy
