"""Training and evaluating classes of one's own, as docs/models.md tells it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from support.tiny_training import tiny_config

from mpm.__main__ import main
from mpm.cli import train
from mpm.segmenters.segmenter import Segmenter
from mpm.zoo.checkpoints import load_segmenter, save_segmenter

NAMES = ["dark", "bright"]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "streets_config", tiny_config)
    root, rng = tmp_path / "mine", np.random.default_rng(0)
    for split in ("train", "val"):
        for folder in ("images", "labels"):
            (root / split / folder).mkdir(parents=True)
        for index in range(2):
            labels = np.kron(rng.integers(0, 2, (6, 8), dtype=np.uint8), np.ones((16, 16), np.uint8))
            Image.fromarray(np.stack([labels * 200] * 3, 2)).save(root / split / "images" / f"{index}.png")
            labels[:9] = 255
            Image.fromarray(labels).save(root / split / "labels" / f"{index}.png")
    (root / "classes.json").write_text(json.dumps({"classes": NAMES}))
    return root


def words(mine, output, *more: str) -> list[str]:
    quick = ["--tokens-per-step", "256", "--device", "cpu", "--minutes", "0.02"]
    return ["train", "--dataset", "folder", "--root", str(mine), "--output", str(output), *quick, *more]


def test_train_then_evaluate_own_classes(mine, tmp_path, capsys):
    output = tmp_path / "own"
    assert main(words(mine, output)) == 0 and main(words(mine, output, "--resume")) == 0
    shown = capsys.readouterr().out
    assert "mIoU val" in shown and "CamVid" not in shown and "streets" not in shown
    model = load_segmenter(output / "model")
    assert model.class_names == NAMES and model.config.name == "own-vit-tiny"
    file = tmp_path / "out.json"
    arguments = ["--model", str(output / "model"), "--dataset", "folder", "--root", str(mine)]
    assert main(["evaluate", *arguments, "--recipe", "1", "--device", "cpu", "--json", str(file)]) == 0
    assert "IoU bright" in capsys.readouterr().out
    written = json.loads(file.read_text())
    assert written["class_names"] == NAMES and written["results"][0]["gflops"] > 0
    assert main(["evaluate", "--dataset", "folder", "--root", str(mine)]) == 2
    assert "The data set has the classes dark, bright, but the model has" in capsys.readouterr().err


def test_other_classes_begin_with_all_weights_but_those_of_classes(mine, tmp_path):
    given = Segmenter(tiny_config())
    torch.nn.init.normal_(given.encoder.pos_embed)
    folder = save_segmenter(given, tmp_path / "given")
    output = tmp_path / "own"
    # Rates so low that what is trained stays what was given.
    assert main(words(mine, output, "--init-from", str(folder), "--peak-rate", "1e-9")) == 0
    trained, start = load_segmenter(output / "model"), load_segmenter(folder)
    for name, weight in start.state_dict().items():
        own = trained.state_dict()[name]
        if name.startswith(train.WEIGHTS_OF_CLASSES):
            assert own.shape != weight.shape
        else:
            assert torch.allclose(own, weight, atol=1e-3), name


def test_a_training_of_other_classes_is_not_gone_on_with(mine, tmp_path, capsys):
    output = tmp_path / "own"
    assert main(words(mine, output)) == 0
    (mine / "classes.json").write_text(json.dumps({"classes": ["one", "two"]}))
    assert main(words(mine, output, "--resume")) == 2
    assert "holds a training with other classes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--dataset", "folder"], "--dataset folder and --root DIR belong together"),
        (["--root", "."], "belong together"),
        (["--dataset", "folder", "--root", ".", "--camvid", "x"], "neither --camvid"),
        (["--dataset", "folder", "--root", "."], "classes.json"),
    ],
)
def test_bad_words_are_one_sentence(tmp_path, monkeypatch, more, sentence, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--output", "out", *more]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
