"""`python -m mpm segment` from the outside: files, exit status, one sentence for what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mpm
from mpm.__main__ import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model(tiny, tmp_path_factory) -> Path:
    return mpm.save_segmenter(tiny, tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def photo(tmp_path, smooth_image) -> Path:
    path = tmp_path / "street view.png"
    Image.fromarray(smooth_image).save(path)
    return path


def test_segment_writes_mask_overlay_and_merge_map(model, photo, tmp_path, smooth_image, capsys):
    out = tmp_path / "out"
    arguments = ["segment", photo, "--model", model, "--schedule", "1,3", "--output-dir", out]
    assert main([str(argument) for argument in arguments]) == 0
    run = mpm.load_segmenter(model).segment(smooth_image, "1,3")

    mask = Image.open(out / "street view.mask.png")
    assert mask.mode == "P" and np.array_equal(np.asarray(mask), run.labels)
    assert np.array_equal(np.array(mask.getpalette()).reshape(-1, 3)[:11], mpm.STREETS.palette)

    overlay = np.asarray(Image.open(out / "street view.overlay.png")).astype(float)
    assert overlay.shape == smooth_image.shape
    assert (
        np.abs(overlay - (0.55 * mpm.STREETS.palette[run.labels] + 0.45 * smooth_image)).max() <= 0.5 + 1e-3
    )

    with np.load(out / "street view.merge.npz") as saved:
        assert saved["schema"] == 1
        assert saved["grid"].tolist() == [run.grid.rows, run.grid.cols, 8]
        assert saved["blocks"].tolist() == [1, 3]
        assert saved["counts"].tolist() == run.trace.token_counts
        for stage in range(3):
            assert np.array_equal(saved["groups"][stage], run.trace.groups(stage))
        for number, stage in enumerate(run.trace.stages):
            for name in ("index", "nearest", "partner", "similarity"):
                assert np.array_equal(saved[f"{name}_{number}"], getattr(stage, name))
    assert f"{run.trace.token_counts[0]} -> " in capsys.readouterr().out
    assert len(list(out.iterdir())) == 3, "nothing temporary is left"


BAD = {
    "No image": (lambda path: path.write_text("hello"), [], "image"),
    "broken": (lambda path: path.write_bytes(path.read_bytes()[:60]), [], "."),
    "empty": (lambda path: path.write_bytes(b""), [], "empty"),
    "missing": (Path.unlink, [], "."),
    "Schedule words": (None, ["--schedule", "2,x"], "none"),
    "Schedule range": (None, ["--schedule", "99"], "0 to 3"),
    "resolution": (None, ["--resolution", "0"], "Resolution"),
    "model": (None, ["--model", "nothing"], "No model"),
    "device": (None, ["--device", "nonsense"], "cannot be used"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_exit_status_2(case, model, photo, tmp_path, capsys):
    damage, extra, words = BAD[case]
    if damage:
        damage(photo)
    out = tmp_path / "out"
    arguments = [
        "segment",
        str(photo),
        "--model",
        str(model),
        "--schedule",
        "1",
        "--output-dir",
        str(out),
        *extra,
    ]
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert message.startswith("mpm: ") and message.count("\n") == 1
    assert words in message
    assert not out.exists(), "nothing is half-written"


def test_an_output_folder_that_cannot_be_made(model, photo, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "below"
    status = main(["segment", str(photo), "--model", str(model), "--schedule", "1", "--output-dir", str(out)])
    assert status == 2 and "Cannot write" in capsys.readouterr().err


def test_a_missing_system_library_names_the_debian_packages(monkeypatch, capsys):
    def refuse(name):
        raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr("mpm.system.importlib.import_module", refuse)
    assert main(["segment", "photo.png"]) == 2
    assert "apt-get install libgl1" in capsys.readouterr().err


def test_the_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "mpm", "segment", "no-such-file.png"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.startswith("mpm: ") and "Traceback" not in done.stderr
    listing = subprocess.run(
        [sys.executable, "-m", "mpm", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert listing.returncode == 0 and "segment" in listing.stdout and "evaluate" in listing.stdout
