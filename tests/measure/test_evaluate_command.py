"""`mpm evaluate` on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mpm.__main__ import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkpoint(tmp_path, segmenter):
    from mpm.zoo.checkpoints import save_segmenter

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
    assert written["images"] == 2
    assert [result["schedule"] for result in written["results"]] == ["none", "1"]
    assert f"{100 * written['results'][1]['mean_iou']:.2f} %" in shown
    assert [path.name for path in file.parent.iterdir()] == ["val.json"]


@pytest.fixture
def own_threads():
    """Puts the number of threads back that a command sets for its whole process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_command_with_sliding_windows(camvid, checkpoint, tmp_path, capsys, own_threads):
    file = tmp_path / "sliding.json"
    arguments = ["evaluate", "--model", str(checkpoint), "--root", str(camvid), "--schedule", "1"]
    assert main([*arguments, "--mode", "sliding", "--threads", "1", "--json", str(file)]) == 0
    assert "3 images; sliding windows" in capsys.readouterr().out
    written = json.loads(file.read_text())
    assert written["mode"] == "sliding" and torch.get_num_threads() == 1


def test_two_processes_give_the_results_of_one_bit_for_bit(camvid, checkpoint, tmp_path, capsys, own_threads):
    arguments = ["evaluate", "--model", str(checkpoint), "--root", str(camvid), "--device", "cpu"]
    arguments += ["--schedule", "1", "--schedule", "0,1,2", "--threads", "1"]
    alone, shared = tmp_path / "alone.json", tmp_path / "shared.json"
    assert main([*arguments, "--json", str(alone)]) == 0
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*launch, "-m", "mpm", *arguments, "--json", str(shared)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert shared.read_bytes() == alone.read_bytes()
    assert done.stdout == capsys.readouterr().out, "the table, once"


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


ONE_STREET = ["--dataset", "streets", "--count", "1"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--root", "no-such-folder"], "a CamVid copy holds val/images"),
        ([], "needs --root DIR"),
        (["--dataset", "cityscapes"], "needs --root DIR"),
        (["--dataset", "ade20k", "--root", "."], "ADEChallengeData2016 holds images/validation"),
        ([*ONE_STREET, "--threads", "0"], "--threads must be at least 1"),
        ([*ONE_STREET, "--schedule", "1", "--mode", "sliding", "--resolution", "9"], "Sliding windows"),
        (["--dataset", "streets", "--count", "0"], "number of scenes"),
        ([*ONE_STREET, "--limit", "0"], "at least 1"),
        ([*ONE_STREET, "--schedule", "2,x"], "2,x"),
        ([*ONE_STREET, "--schedule", "99"], "blocks 0 to 2"),
        ([*ONE_STREET, "--json", "."], "the path of a file"),
        ([*ONE_STREET, "--device", "no-such-device"], "cannot be used here"),
        ([*ONE_STREET, "--schedule", "1", "--resolution", "0"], "Resolution must be at least 1"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(checkpoint, capsys, arguments, sentence):
    assert main(["evaluate", "--model", str(checkpoint), *arguments]) == 2
    message = capsys.readouterr().err
    assert sentence in message and message.count("\n") == 1
