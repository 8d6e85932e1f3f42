"""The training command: runs that stop, are killed and go on; what they leave behind."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from mpm.__main__ import main
from mpm.cli import train
from mpm.data.labels import STREETS
from mpm.errors import InputError
from mpm.segmenters.config import DecoderConfig, EncoderConfig, SegmenterConfig, streets_config
from mpm.segmenters.segmenter import Segmenter
from mpm.training import optimise
from mpm.training.batches import Batch
from mpm.training.initialise import initialise
from mpm.training.keep import load_state, prepare_output, save_state
from mpm.training.log import LogRow, TrainingLog
from mpm.training.loop import Learner, RunPlan, TrainingLoop, Validation
from mpm.zoo.checkpoints import load_segmenter, save_segmenter

ROOT = Path(__file__).resolve().parents[2]


def tiny_config() -> SegmenterConfig:
    streets = streets_config()
    return SegmenterConfig(
        name="tiny",
        encoder=EncoderConfig(
            "vit_tiny_patch16_224", {"img_size": [64, 64], "depth": 2, "embed_dim": 32, "num_heads": 2}
        ),
        decoder=DecoderConfig("mask_transformer", layers=1, heads=2, width=32),
        labels=STREETS,
        mean=streets.mean,
        std=streets.std,
        resolution=64,
    )


def tiny_learner(total_minutes=None, peak_rate=1.0) -> Learner:
    torch.manual_seed(0)
    model = Segmenter(tiny_config())
    initialise(model)
    loss = optimise.StreetLoss(torch.ones(11), STREETS.ignore_index)
    return Learner(model, loss, torch.device("cpu"), total_minutes, peak_rate)


def tiny_batch(seed: int) -> Batch:
    """Images whose brightness is their class: easy to learn."""
    generator = torch.Generator().manual_seed(seed)
    labels = (
        torch.randint(0, 3, (4, 4, 4), generator=generator).repeat_interleave(8, 1).repeat_interleave(8, 2)
    )
    pixels = (labels.float() - 1).unsqueeze(1).repeat(1, 3, 1, 1)
    return Batch(nn.functional.interpolate(pixels, scale_factor=2), labels)


def test_neither_a_broken_nor_a_void_batch_breaks_the_weights():
    learner = tiny_learner()
    batch = tiny_batch(0)
    with pytest.raises(FloatingPointError):
        learner.learn(Batch(batch.pixels * float("nan"), batch.labels))
    learner.learn(Batch(batch.pixels, torch.full_like(batch.labels, 11)))
    for name, value in learner.model.state_dict().items():
        assert torch.isfinite(value).all(), name


def test_it_learns():
    learner = tiny_learner()
    losses = [learner.learn(tiny_batch(step)) for step in range(80)]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])
    assert learner.step == 80


def test_a_lower_peak_rate_moves_the_weights_less():
    moved = []
    for peak_rate in (1.0, 0.1):
        learner = tiny_learner(peak_rate=peak_rate)
        before = learner.model.decoder.proj_dec.weight.detach().clone()
        learner.learn(tiny_batch(0))
        moved.append((learner.model.decoder.proj_dec.weight.detach() - before).norm().item())
        assert learner.rate == pytest.approx(peak_rate * optimise.rate_factor(1, 0, None))
    assert moved[1] == pytest.approx(0.1 * moved[0], rel=1e-2)


def test_average_follows_the_weights_and_is_apart_from_them():
    learner = tiny_learner()
    weight, average = (model.decoder.proj_dec.weight for model in (learner.model, learner.average))
    start = weight.detach().clone()
    for step in range(30):
        learner.learn(tiny_batch(step))
    assert not average.requires_grad and not learner.average.training
    assert 0 < (average - start).norm() < (weight - start).norm()


def test_a_resumed_learner_goes_on_as_if_never_stopped(tmp_path):
    straight, first = tiny_learner(), tiny_learner()
    for step in range(6):
        straight.learn(tiny_batch(step))
    for step in range(3):
        first.learn(tiny_batch(step))
    save_state(first.state_dict(), tmp_path)
    second = tiny_learner()
    second.load_state_dict(load_state(tmp_path))
    for step in range(3, 6):
        second.learn(tiny_batch(step))
    assert second.step == straight.step
    for kind in ("model", "average"):
        ours, theirs = getattr(second, kind).state_dict(), getattr(straight, kind).state_dict()
        for name, value in ours.items():
            assert torch.allclose(value, theirs[name], atol=1e-6), name


def endless():
    step = 0
    while True:
        yield tiny_batch(step)
        step += 1


def test_loop_saves_logs_and_measures(tmp_path):
    learner = tiny_learner(total_minutes=0.05)
    measured = []
    validation = Validation(lambda model: (measured.append(model) or 0.25, None), every_minutes=0.02)
    TrainingLoop(learner, RunPlan(9.0, tmp_path), TrainingLog(tmp_path), validation).run(endless())
    assert learner.finished and learner.rate == 0
    assert len(measured) >= 2 and all(model is learner.average for model in measured)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "log.png", "model", "state.pt"]
    assert load_state(tmp_path)["step"] == learner.step
    saved = load_segmenter(tmp_path / "model")
    weight = learner.average.decoder.proj_dec.weight
    assert torch.allclose(saved.decoder.proj_dec.weight, weight, atol=1e-3)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert int(rows[-1]["step"]) == learner.step and rows[-1]["camvid_miou"] == "0.25"
    assert rows[-1]["streets_miou"] == ""


def test_loop_ends_after_its_own_minutes(tmp_path):
    learner = tiny_learner()
    learner.minutes = 40.0
    start = time.monotonic()
    TrainingLoop(learner, RunPlan(0.02, tmp_path), TrainingLog(tmp_path)).run(endless())
    assert time.monotonic() - start < 10
    assert 40.02 <= learner.minutes < 40.2


def test_a_signal_saves_and_ends(tmp_path):
    learner = tiny_learner()

    def batches():
        for step, batch in enumerate(endless()):
            if step == 4:
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch

    before = signal.getsignal(signal.SIGTERM)
    TrainingLoop(learner, RunPlan(9.0, tmp_path), TrainingLog(tmp_path)).run(batches())
    assert signal.getsignal(signal.SIGTERM) is before
    assert learner.step == load_state(tmp_path)["step"] == 5


def test_log_drops_rows_that_were_lost_and_half_written_ones(tmp_path):
    log = TrainingLog(tmp_path)
    for step in (10, 20, 30):
        log.add(LogRow(step, step / 10, 1.5, 1.0, streets_miou=0.5 if step == 20 else None))
    with open(tmp_path / "log.csv", "a") as file:
        file.write("40,4.0,1")
    again = TrainingLog(tmp_path, step=25)
    assert [row.step for row in again.rows] == [10, 20]
    assert again.rows[1] == LogRow(20, 2.0, 1.5, 1.0, None, 0.5)
    again.draw()
    assert Image.open(tmp_path / "log.png").size[0] > 400
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


def test_output_folder_is_guarded(tmp_path):
    (tmp_path / ".model-x1").mkdir()
    prepare_output(tmp_path, resume=False)
    assert not (tmp_path / ".model-x1").exists()
    save_state({"step": 1}, tmp_path)
    with pytest.raises(InputError, match="add --resume"):
        prepare_output(tmp_path, resume=False)
    prepare_output(tmp_path, resume=True)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(InputError, match="cannot use"):
        prepare_output(file / "below", resume=True)


def test_broken_and_foreign_states_are_refused(tmp_path):
    assert load_state(tmp_path) is None
    (tmp_path / "state.pt").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(InputError, match="not a readable training state"):
        load_state(tmp_path)
    torch.save({"version": 99}, tmp_path / "state.pt")
    with pytest.raises(InputError, match="must have state version 2, but it has 99"):
        load_state(tmp_path)


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


def test_killed_at_any_time_it_can_go_on(tmp_path):
    """kill -9 in the middle of a run that saves all the time leaves a loadable state and model."""
    script = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from pathlib import Path\n"
        "from cli.test_train import *\n"
        "torch.set_num_threads(1)\n"
        "out = Path(sys.argv[3])\n"
        "plan = RunPlan(9.0, out, save_every_minutes=0)\n"
        "TrainingLoop(tiny_learner(), plan, TrainingLog(out)).run(endless())\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(ROOT), str(ROOT / "tests"), str(tmp_path)])
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "state.pt").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
    finally:
        child.kill()
        child.wait()
    learner = tiny_learner()
    prepare_output(tmp_path, resume=True)
    learner.load_state_dict(load_state(tmp_path))
    assert learner.step >= 1
    assert np.isfinite(learner.learn(tiny_batch(0)))


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
