"""Evaluation: the library function on a small real segmenter, and its table."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from support.small_segmenter import small_config

from mpm import random_pairs
from mpm.data.datasets import ADE20K, CamVid
from mpm.data.labels import STREETS, LabelSet, by_name
from mpm.errors import InputError
from mpm.measure.evaluate import Evaluation, ScheduleResult, evaluate, table
from mpm.merging.recipe import Recipe
from mpm.segmenters.segmenter import Segmenter
from mpm.segmenters.sliding import segment_sliding


def test_baseline_comes_first_and_only_once(segmenter, camvid):
    for schedules in (["2"], ["2", "none"], ["none", "2", "2"]):
        evaluation = evaluate(segmenter, CamVid(camvid, "val"), schedules)
        assert [result.schedule for result in evaluation.results] == ["none", "2"]
        baseline, merged = evaluation.results
        assert baseline.relative_drop == 0 and baseline.tokens_kept == 1
        assert 0.5 <= merged.tokens_kept < 1
        assert merged.relative_drop == pytest.approx(1 - merged.mean_iou / baseline.mean_iou)


def test_figures_are_those_of_the_masks(segmenter, camvid):
    dataset = CamVid(camvid, "val")
    result = evaluate(segmenter, dataset).results[0]
    predicted = np.concatenate(
        [segmenter.segment(image, schedule="none").labels.ravel() for image, _ in dataset]
    )
    truth = np.concatenate([labels.ravel() for _, labels in dataset])
    predicted, truth = predicted[truth != 11], truth[truth != 11]
    assert result.pixel_accuracy == pytest.approx((predicted == truth).mean())
    ious = []
    for index in range(11):
        union = ((predicted == index) | (truth == index)).sum()
        ious.append(((predicted == index) & (truth == index)).sum() / union)
        assert result.class_iou[index] == pytest.approx(ious[-1])
    assert result.mean_iou == pytest.approx(np.mean(ious))


def test_the_dataset_as_its_own_prediction_is_perfect(camvid):
    class Oracle:
        """A segmenter that knows the labels; its runs look like real ones."""

        depth, class_names = 3, list(STREETS.class_names)

        def read_recipe(self, text, merger=None):
            return Recipe.parse(text).with_merger(merger)

        def segment(self, image, recipe, resolution):
            labels = next(labels for other, labels in CamVid(camvid, "val") if np.array_equal(image, other))
            trace = type("Trace", (), {"token_counts": [10, 10 - len(recipe)]})
            return type("Run", (), {"labels": np.minimum(labels, 10), "trace": trace})

    baseline, merged = evaluate(Oracle(), CamVid(camvid, "val"), ["0,1"]).results
    assert baseline.mean_iou == baseline.pixel_accuracy == 1.0
    assert merged.tokens_kept == pytest.approx(0.8)


def test_random_control_keeps_as_many_tokens_after_one_insertion(segmenter, camvid):
    dataset = CamVid(camvid, "val")
    mutual = evaluate(segmenter, dataset, ["1"]).results[1]
    control = evaluate(segmenter, dataset, ["1"], merger=random_pairs).results[1]
    assert control.tokens_kept == mutual.tokens_kept
    assert control.class_iou != mutual.class_iou


def test_resolution_reaches_the_segmenter(segmenter, camvid):
    dataset = CamVid(camvid, "val")
    own, half = evaluate(segmenter, dataset), evaluate(segmenter, dataset, resolution=32)
    assert own.results[0].class_iou != half.results[0].class_iou


def test_sliding_mode_scores_the_sliding_masks(segmenter, camvid):
    dataset = CamVid(camvid, "val")
    whole, sliding = (
        evaluate(segmenter, dataset, ["1"], mode=mode).results[1] for mode in ("whole", "sliding")
    )
    runs = [segment_sliding(segmenter, image, "1") for image, _ in dataset]
    truth = np.concatenate([labels.ravel() for _, labels in dataset])
    predicted = np.concatenate([run.labels.ravel() for run in runs])
    right = (predicted == truth)[truth != 11].mean()
    assert sliding.pixel_accuracy == pytest.approx(right) and sliding.class_iou != whole.class_iou
    kept = np.mean([run.token_counts[-1] / run.token_counts[0] for run in runs])
    assert sliding.tokens_kept == pytest.approx(kept)


@pytest.fixture
def ade20k(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(2):
        for kind, suffix, pixels in (
            ("images", "jpg", rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)),
            ("annotations", "png", rng.integers(0, 151, (64, 96), dtype=np.uint8)),
        ):
            path = tmp_path / kind / "validation" / f"ADE_val_{index:08}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return tmp_path


def test_classes_are_those_of_the_data_set(ade20k):
    torch.manual_seed(0)
    model = Segmenter(small_config(labels=by_name("ade20k"))).eval()
    evaluation = evaluate(model, ADE20K(ade20k), ["1"])
    assert evaluation.class_names == by_name("ade20k").class_names
    result = evaluation.results[0]
    assert len(result.class_iou) == 150 and None not in result.class_iou
    hits, counted = 0, 0
    for image, labels in ADE20K(ade20k):
        predicted = model.segment(image, "none").labels
        hits += int((predicted == labels)[labels != 255].sum())
        counted += int((labels != 255).sum())
    assert result.pixel_accuracy == hits / counted


def test_refusals(segmenter, camvid):
    with pytest.raises(InputError, match="empty"):
        evaluate(segmenter, [])
    with pytest.raises(InputError, match="blocks 0 to 2"):
        evaluate(segmenter, CamVid(camvid, "val"), ["7"])
    other = LabelSet("two", ("a", "b"), np.zeros((2, 3), np.uint8))
    with pytest.raises(InputError, match="but the model has a, b"):
        evaluate(Segmenter(small_config(labels=other)), CamVid(camvid, "val"))
    dataset = CamVid(camvid, "val")
    with pytest.raises(InputError, match="mode must be one of whole, sliding, but got 'tiles'"):
        evaluate(segmenter, dataset, mode="tiles")
    with pytest.raises(InputError, match="Sliding windows have the resolution"):
        evaluate(segmenter, dataset, mode="sliding", resolution=64)
    with pytest.raises(InputError, match="has no sliding window"):
        evaluate(Segmenter(small_config(sliding=None)), dataset, mode="sliding")


def test_labels_that_are_all_ignored_are_refused(segmenter, camvid):
    for path in (camvid / "val" / "labels").iterdir():
        Image.fromarray(np.full((64, 96), 11, np.uint8)).save(path)
    with pytest.raises(InputError, match="No pixel of .* has a label"):
        evaluate(segmenter, CamVid(camvid, "val"))


def test_a_long_list_of_other_classes_is_cut_short(segmenter, ade20k):
    with pytest.raises(
        InputError, match="wall, building, .* and 130 more, but the model has sky, "
    ) as refusal:
        evaluate(segmenter, ADE20K(ade20k))
    assert len(str(refusal.value)) < 400


def test_table_shows_every_figure():
    first = ScheduleResult("none", 0.5, 0.9, (0.25, None), 1.0, 0.0)
    second = ScheduleResult("2,5", 0.49, 0.89, (0.24, None), 0.6234, 0.02)
    lines = table(Evaluation("camvid", "val", 3, ("sky", "building"), (first, second))).splitlines()
    cells = {" ".join(line.split("  ")[0].split()): line.split("  ")[1:] for line in lines}
    text = {name: " ".join(" ".join(parts).split()) for name, parts in cells.items()}
    assert text == {
        "schedule": "none 2,5",
        "mIoU": "50.00 % 49.00 %",
        "drop, relative": "0.00 % 2.00 %",
        "pixel accuracy": "90.00 % 89.00 %",
        "tokens kept": "100.00 % 62.34 %",
        "IoU sky": "25.00 % 24.00 %",
        "IoU building": "- -",
    }
    assert len({len(line) for line in lines}) == 1
