"""The learner and its loop: runs that stop, are killed and go on; what they leave behind."""

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
from support.tiny_training import endless, tiny_batch, tiny_learner

from mpm.errors import InputError
from mpm.training import optimise
from mpm.training.batches import Batch
from mpm.training.keep import load_state, prepare_output, save_state
from mpm.training.log import LogRow, TrainingLog
from mpm.training.loop import RunPlan, TrainingLoop, Validation
from mpm.zoo.checkpoints import load_segmenter

ROOT = Path(__file__).resolve().parents[2]


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


def test_a_half_written_row_of_an_earlier_step_is_dropped_too(tmp_path):
    TrainingLog(tmp_path).add(LogRow(10, 1.0, 1.5, 1.0))
    with open(tmp_path / "log.csv", "a") as file:
        file.write("20,2.0,1")
    assert [row.step for row in TrainingLog(tmp_path, step=30).rows] == [10]


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
    with pytest.raises(InputError, match="Cannot use"):
        prepare_output(file / "below", resume=True)


def test_broken_and_foreign_states_are_refused(tmp_path):
    assert load_state(tmp_path) is None
    (tmp_path / "state.pt").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(InputError, match="not a readable training state"):
        load_state(tmp_path)
    torch.save({"version": 99}, tmp_path / "state.pt")
    with pytest.raises(InputError, match="must have state version 2, but it has 99"):
        load_state(tmp_path)


def test_killed_at_any_time_it_can_go_on(tmp_path):
    """kill -9 in the middle of a run that saves all the time leaves a loadable state and model."""
    script = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from pathlib import Path\n"
        "import torch\n"
        "from mpm.training.log import TrainingLog\n"
        "from mpm.training.loop import RunPlan, TrainingLoop\n"
        "from support.tiny_training import endless, tiny_learner\n"
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
