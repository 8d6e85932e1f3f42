"""`mpm evaluate`: the library function on a small real segmenter, the table, the command."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from mpm.__main__ import main
from mpm.config import DecoderConfig, EncoderConfig, SegmenterConfig, streets_config
from mpm.datasets import CamVid
from mpm.errors import InputError
from mpm.evaluate import Evaluation, ScheduleResult, evaluate, table
from mpm.labels import STREETS, LabelSet
from mpm.pairing import random_pairs
from mpm.segmenter import Segmenter


def small_config(**changes) -> SegmenterConfig:
    streets = streets_config()
    fields = {
        "name": "small",
        "encoder": EncoderConfig("vit_tiny_patch16_224", {"img_size": [64, 64], "depth": 3}),
        "decoder": DecoderConfig("linear"),
        "labels": STREETS,
        "mean": streets.mean,
        "std": streets.std,
        "resolution": 64,
    }
    return SegmenterConfig(**{**fields, **changes})


@pytest.fixture(scope="module")
def segmenter():
    torch.manual_seed(0)
    return Segmenter(small_config()).eval()


@pytest.fixture
def camvid(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (tmp_path / "val" / folder).mkdir(parents=True)
    for index in range(3):
        image = rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)
        labels = rng.integers(0, 12, (64, 96), dtype=np.uint8)
        Image.fromarray(image).save(tmp_path / "val" / "images" / f"{index}.png")
        Image.fromarray(labels).save(tmp_path / "val" / "labels" / f"{index}.png")
    return tmp_path


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

        def segment(self, image, schedule, resolution, merger):
            labels = next(labels for other, labels in CamVid(camvid, "val") if np.array_equal(image, other))
            trace = type("Trace", (), {"token_counts": [10, 10 - len(schedule)]})
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


def test_refusals(segmenter, camvid):
    with pytest.raises(InputError, match="empty"):
        evaluate(segmenter, [])
    with pytest.raises(InputError, match="blocks 0 to 2"):
        evaluate(segmenter, CamVid(camvid, "val"), ["7"])
    other = LabelSet("two", ("a", "b"), np.zeros((2, 3), np.uint8))
    with pytest.raises(InputError, match="but the model has a, b"):
        evaluate(Segmenter(small_config(labels=other)), CamVid(camvid, "val"))


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


@pytest.fixture
def checkpoint(tmp_path, segmenter):
    from mpm.checkpoints import save_segmenter

    return save_segmenter(segmenter, tmp_path / "checkpoint")


def test_command(camvid, checkpoint, capsys):
    file = camvid / "results" / "val.json"
    arguments = [
        "evaluate",
        "--model",
        str(checkpoint),
        "--root",
        str(camvid),
        "--limit",
        "2",
        "--device",
        "cpu",
    ]
    assert main([*arguments, "--schedule", "none", "--schedule", "1", "--json", str(file)]) == 0
    shown = capsys.readouterr().out
    written = json.loads(file.read_text())
    assert written["images"] == 2 and written["merger"] == "mutual"
    assert [result["schedule"] for result in written["results"]] == ["none", "1"]
    assert f"{100 * written['results'][1]['mean_iou']:.2f} %" in shown
    assert [path.name for path in file.parent.iterdir()] == ["val.json"]


def test_command_on_synthetic_streets(checkpoint, capsys):
    assert (
        main(
            [
                "evaluate",
                "--model",
                str(checkpoint),
                "--dataset",
                "streets",
                "--count",
                "2",
                "--schedule",
                "1",
            ]
        )
        == 0
    )
    assert "streets, held-out, 2 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--root", "no-such-folder"], "a CamVid copy holds val/images"),
        ([], "needs --root DIR"),
        (["--dataset", "streets", "--count", "0"], "number of scenes"),
        (["--dataset", "streets", "--count", "1", "--limit", "0"], "at least 1"),
        (["--dataset", "streets", "--count", "1", "--schedule", "2,x"], "2,x"),
        (["--dataset", "streets", "--count", "1", "--schedule", "99"], "blocks 0 to 2"),
        (["--dataset", "streets", "--count", "1", "--device", "no-such-device"], "cannot be used here"),
        (
            ["--dataset", "streets", "--count", "1", "--schedule", "1", "--resolution", "0"],
            "resolution must be at least 1",
        ),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(checkpoint, capsys, arguments, sentence):
    assert main(["evaluate", "--model", str(checkpoint), *arguments]) == 2
    message = capsys.readouterr().err
    assert sentence in message and message.count("\n") == 1
