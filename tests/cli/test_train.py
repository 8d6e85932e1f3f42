"""The training command: runs that stop and go on, what they begin with, bad input."""

import errno
import os

import numpy as np
import pytest
import torch
from PIL import Image
from support.tiny_training import tiny_config

from mpm.__main__ import main
from mpm.cli import train
from mpm.segmenters.segmenter import Segmenter
from mpm.training.keep import load_state
from mpm.zoo.checkpoints import load_segmenter, save_segmenter


@pytest.fixture
def camvid(tmp_path):
    root = tmp_path / "camvid"
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for folder in ("images", "labels"):
            (root / split / folder).mkdir(parents=True)
        for index in range(2):
            labels = np.kron(rng.integers(0, 11, (9, 12), dtype=np.uint8), np.ones((8, 8), np.uint8))
            Image.fromarray(np.stack([labels * 20] * 3, axis=2)).save(
                root / split / "images" / f"{index}.png"
            )
            Image.fromarray(labels).save(root / split / "labels" / f"{index}.png")
    return root


@pytest.fixture
def tiny_model(monkeypatch):
    """The command with a tiny model: its real one is for patient people."""
    monkeypatch.setattr(train, "streets_config", tiny_config)


def test_command_trains_then_resumes(tiny_model, camvid, tmp_path, capsys):
    output = tmp_path / "out"
    arguments = ["train", "--camvid", str(camvid), "--output", str(output), "--synthetic-share", "0"]
    arguments += ["--tokens-per-step", "256", "--device", "cpu", "--minutes", "0.01"]
    assert main(arguments) == 0
    first = load_state(output)
    assert main([*arguments, "--resume"]) == 0
    second = load_state(output)
    assert second["step"] > first["step"] >= 1 and second["minutes"] > first["minutes"]
    assert "mIoU CamVid val" in capsys.readouterr().out
    assert load_segmenter(output / "model").config.name == "tiny"
    assert main([*arguments, "--resume", "--total-minutes", "0.001"]) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert main(arguments) == 2
    assert "add --resume" in capsys.readouterr().err


def test_command_begins_with_given_weights_but_goes_on_with_its_own(tiny_model, camvid, tmp_path):
    given = save_segmenter(Segmenter(tiny_config()), tmp_path / "given")
    start = load_segmenter(given).decoder.proj_dec.weight
    output = tmp_path / "out"
    arguments = ["train", "--camvid", str(camvid), "--output", str(output), "--synthetic-share", "0"]
    arguments += ["--tokens-per-step", "256", "--device", "cpu", "--init-from", str(given), "--resume"]
    # Rates so low that what is trained stays what was given.
    assert main([*arguments, "--minutes", "0.001", "--peak-rate", "1e-9"]) == 0
    first = load_state(output)
    assert torch.allclose(first["model"]["decoder.proj_dec.weight"], start, atol=1e-6)
    assert main([*arguments, "--minutes", "0.01"]) == 0
    second = load_state(output)
    assert second["step"] > first["step"]
    trained = second["model"]["decoder.proj_dec.weight"].clone()
    assert not torch.allclose(trained, start, atol=1e-6)
    assert main([*arguments, "--minutes", "0.001", "--peak-rate", "1e-9"]) == 0
    assert torch.allclose(load_state(output)["model"]["decoder.proj_dec.weight"], trained, atol=1e-6)


def test_weights_of_another_model_are_no_beginning(camvid, tmp_path, capsys):
    other = save_segmenter(Segmenter(tiny_config()), tmp_path / "other")
    output = tmp_path / "out"
    arguments = ["train", "--camvid", str(camvid), "--output", str(output), "--init-from"]
    for name, sentence in ((other, "built as streets-vit-tiny"), ("no-such-model", "no-such-model")):
        assert main([*arguments, str(name)]) == 2
        message = capsys.readouterr().err
        assert sentence in message and message.count("\n") == 1
    assert not output.exists()


def test_command_on_synthetic_streets_alone(tiny_model, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(train, "VALIDATION_SCENES", 1)
    monkeypatch.setattr(train, "FEW_SCENES", 1)
    arguments = ["train", "--synthetic-only", "--output", str(tmp_path), "--minutes", "0.001"]
    assert main([*arguments, "--tokens-per-step", "256", "--device", "cpu"]) == 0
    assert "mIoU streets" in capsys.readouterr().out
    assert (tmp_path / "model" / "config.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "--camvid DIR or --synthetic-only"),
        (["--camvid", "x", "--synthetic-only"], "one of the two"),
        (["--camvid", "no-such-folder"], "a CamVid copy holds train/images"),
        (["--synthetic-only", "--minutes", "0"], "--minutes must be above 0"),
        (["--synthetic-only", "--minutes", "nan"], "--minutes must be above 0"),
        (["--synthetic-only", "--total-minutes", "-3"], "--total-minutes must be above 0"),
        (["--synthetic-only", "--peak-rate", "0"], "--peak-rate must be above 0"),
        (["--synthetic-only", "--threads", "0"], "--threads must be above 0"),
        (["--synthetic-only", "--synthetic-share", "1.5"], "--synthetic-share must be 0 to 1"),
        (["--synthetic-only", "--device", "no-such-device"], "cannot be used here"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(tmp_path, capsys, arguments, sentence):
    assert main(["train", "--output", str(tmp_path / "out"), *arguments]) == 2
    message = capsys.readouterr().err
    assert sentence in message and message.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_disk_that_fills_up_is_one_sentence_and_the_last_state_stays(
    tiny_model, camvid, tmp_path, capsys, monkeypatch
):
    output = tmp_path / "out"
    arguments = ["train", "--camvid", str(camvid), "--output", str(output), "--synthetic-share", "0"]
    arguments += ["--tokens-per-step", "256", "--device", "cpu", "--minutes", "0.001"]
    assert main(arguments) == 0
    before = (output / "state.pt").read_bytes()

    def half_a_state(state, file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(torch, "save", half_a_state)
    assert main([*arguments, "--resume"]) == 2
    said = capsys.readouterr().err
    assert said == f"mpm: Cannot write to {str(output)!r}: {os.strerror(errno.ENOSPC)}.\n"
    assert (output / "state.pt").read_bytes() == before and not (output / "state.pt.new").exists()
