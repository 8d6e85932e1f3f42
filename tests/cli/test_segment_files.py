"""What `segment` leaves in its folder: three files or none, whatever fails, and nobody else's replaced."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mpm
from mpm import files
from mpm.__main__ import main
from mpm.segmenters import run_files

ROOT = Path(__file__).parents[2]
KINDS = ("mask.png", "overlay.png", "merge.npz")


@pytest.fixture(scope="module")
def model(tiny, tmp_path_factory) -> str:
    return str(mpm.save_segmenter(tiny, tmp_path_factory.mktemp("model") / "tiny"))


@pytest.fixture
def segment(model, smooth_image, tmp_path):
    """Runs the command on a picture made under some name, into OUT: its exit status."""

    def run(name: str, *words: str) -> int:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(smooth_image).save(path)
        rest = ["--model", model, "--output-dir", str(tmp_path / "out"), *words]
        return main(["segment", str(path), "--recipe", "1", *rest])

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("length", [233, 234, 235, 236, 243])
def test_long_names_are_written(segment, tmp_path, length):
    assert segment("x" * length + ".png") == 0
    assert sorted(contents(tmp_path / "out")) == sorted(f"{'x' * length}.{kind}" for kind in KINDS)


@pytest.mark.parametrize("length", [244, 246, 251])
def test_a_name_too_long_for_one_of_the_three_leaves_none(segment, tmp_path, length, capsys):
    assert segment("x" * length + ".png") == 2
    said = capsys.readouterr().err
    assert "Cannot write to" in said and "too long" in said and said.count("\n") == 1
    assert contents(tmp_path / "out") == {}


@pytest.mark.parametrize(("kib", "older"), [(0, False), (1, False), (1, True)])
def test_a_full_disk_leaves_none_and_the_older_result_whole(segment, model, tmp_path, kib, older):
    """No file may grow over so many KiB, which fails as a full disk does; those wanted have 0.3, 5 and 4."""
    assert segment("p.png") == 0
    out = tmp_path / "out" if older else tmp_path / "empty"
    out.mkdir(exist_ok=True)
    before = contents(out)
    words = [
        "segment",
        str(tmp_path / "p.png"),
        "--model",
        model,
        "--recipe",
        "1,3",
        "--output-dir",
        str(out),
    ]
    script = f'ulimit -f {kib}; exec "{sys.executable}" -B -m mpm "$@"'
    done = subprocess.run(["bash", "-c", script, "bash", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr == f"mpm: Cannot write to {str(out)!r}: {os.strerror(27)}.\n"
    assert contents(out) == before and len(before) == (3 if older else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_the_three_that_cannot_be_replaced_keeps_all_as_they_were(segment, tmp_path, kind):
    assert segment("p.png") == 0
    out = tmp_path / "out"
    (out / f"p.{kind}").unlink()
    (out / f"p.{kind}").mkdir()
    names = [f"p.{other}" for other in KINDS if other != kind]
    before = {name: (out / name).read_bytes() for name in names}
    assert segment("p.png", "--recipe", "1,3", "--overwrite") == 2
    assert {name: (out / name).read_bytes() for name in names} == before
    assert len(list(out.iterdir())) == 3


@pytest.mark.parametrize("links", [True, False])
def test_a_rename_that_fails_half_way_brings_the_older_files_back(tmp_path, monkeypatch, links):
    paths = [tmp_path / name for name in "abc"]
    paths[0].write_bytes(b"old a")
    real, calls = os.replace, []

    def replace(source, target):
        calls.append(target)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "full")
        real(source, target)

    def no_links(*_, **__):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(files.os, "replace", replace)
    if not links:
        monkeypatch.setattr(files.os, "link", lambda path, *_, **__: os.stat(path) and no_links())
    with pytest.raises(OSError, match="full"):
        files.write_all({path: b"new" for path in paths})
    assert contents(tmp_path) == {"a": b"old a"}


@pytest.mark.parametrize(("first", "second"), [("p.jpg", "p.png"), ("a/p.png", "b/p.png")])
def test_another_picture_of_the_same_stem_is_refused(segment, tmp_path, first, second, capsys):
    assert segment(first) == 0 and segment(first, "--recipe", "2") == 0, "the same picture again"
    before = contents(tmp_path / "out")
    capsys.readouterr()
    assert segment(second) == 2
    said = capsys.readouterr().err
    assert f"is from another picture, {Path(first).name!r}" in said and "--overwrite" in said
    assert contents(tmp_path / "out") == before
    assert segment(second, "--overwrite") == 0
    with np.load(tmp_path / "out" / "p.merge.npz") as saved:
        assert saved["source"][0] == Path(second).name and str(tmp_path) not in str(saved["source"])


def test_a_file_of_unknown_origin_is_not_replaced(segment, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "p.mask.png").write_text("my own")
    assert segment("p.png") == 2
    assert "does not say which picture it is from" in capsys.readouterr().err
    assert contents(out) == {"p.mask.png": b"my own"}


def test_a_device_is_written_to_and_stays_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        files.write_json(pipe, {"a": 1})
        assert reader.communicate()[0] == b'{\n  "a": 1\n}\n'
    assert pipe.is_fifo()


def test_the_overlay_is_the_one_of_plain_arithmetic():
    grey = np.arange(256, dtype=np.uint8)
    palette = np.stack([grey, grey[::-1], np.roll(grey, 77)], 1)
    labels, rgb = np.repeat(grey[:, None], 256, 1), np.repeat(np.repeat(grey[None, :, None], 256, 0), 3, 2)
    colours = palette[labels].astype(np.float32)
    plain = (0.55 * colours + (1 - 0.55) * rgb).round().astype(np.uint8)
    made = np.asarray(Image.open(run_files.io.BytesIO(run_files.overlay_png(rgb, labels, palette))))
    assert np.array_equal(made, plain), "every colour with every pixel"


MEASURE = """
import sys, numpy as np
from pathlib import Path
from mpm.segmenters import run_files
def peak(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) * 1024
rows = np.arange(3000)[:, None] + np.arange(4000)
labels = (rows // 97 % 11).astype(np.uint8)
rgb = np.stack([labels * 20] * 3, 2)
palette = np.zeros((11, 3), np.uint8)
Path("/proc/self/clear_refs").write_text("5")
before = peak("VmRSS")
with open(sys.argv[1], "wb") as file:
    run_files._write_overlay(rgb, labels, palette, file)
    run_files._write_mask(labels, palette, file)
print((peak("VmHWM") - before) / labels.size)
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="no peak memory here")
def test_mask_and_overlay_take_little_more_than_the_picture(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    # Pillow's own copy has 4 bytes a pixel; blended at once in float64 it were over 60.
    assert float(done.stdout) < 8
