"""What commands print, where stdout is closed, full, or cannot show every letter: never a traceback."""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import mpm
from mpm.__main__ import COMMANDS, _parser, main
from mpm.cli.output import Outlet, outlets

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


@pytest.fixture
def model(tiny, tmp_path) -> str:
    return str(mpm.save_segmenter(tiny, tmp_path / "tiny"))


@pytest.fixture
def photo(tmp_path, smooth_image) -> str:
    Image.fromarray(smooth_image).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


def shell(command: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which `mpm` is the program and "$@" the words; the first status of a pipe counts."""
    script = f'mpm() {{ "{sys.executable}" -m mpm "$@"; }}; {command}; exit "${{PIPESTATUS[0]}}"'
    return subprocess.run(
        ["bash", "-c", script, "bash", *words],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        errors="surrogateescape",
    )


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("mpm models | true", 0),
        ("mpm rules | true", 0),
        ("mpm rules >&-", 0),
        ("mpm --help | true", 0),
        ("mpm rules 2>&-", 0),
        ("mpm segment no-such-file.png 2>&-", 2),
        pytest.param("mpm models >/dev/full", 2, marks=needs_full),
        pytest.param("mpm rules --help >/dev/full", 2, marks=needs_full),
    ],
)
def test_a_closed_stream_is_no_failure_and_a_lost_answer_is_one_sentence(command, status):
    done = shell(command)
    assert done.returncode == status
    told = f"mpm: not everything could be printed: {os.strerror(28)}\n" if "full" in command else ""
    assert done.stderr == told


@pytest.mark.parametrize("stdout", ["| true", ">&-", pytest.param(">/dev/full", marks=needs_full)])
def test_segment_has_done_its_work_whatever_becomes_of_stdout(stdout, model, photo, tmp_path):
    words = ("segment", photo, "--model", model, "--recipe", "1", "--output-dir", str(tmp_path / "out"))
    done = shell(f'mpm "$@" {stdout}', *words)
    assert done.returncode == 0 and len(list((tmp_path / "out").iterdir())) == 3
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


@needs_full
@pytest.mark.parametrize("command", ["evaluate", "bench"])
def test_results_in_a_file_are_written_though_stdout_is_full(command, model, tmp_path, capsys):
    words = [command, "--model", model, "--recipe" if command == "evaluate" else "--recipes", "1"]
    quick = {
        "evaluate": ["--dataset", "streets", "--count", "1"],
        "bench": ["--runs", "1", "--warmup", "1", "--pictures", "1", "--resolution", "64", "--no-extras"],
    }
    for more, status in ((["--json", str(tmp_path / "out.json")], 0), ([], 2)):
        with open(FULL, "w") as full, pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", full)
            assert main([*words, *quick[command], *more]) == status
    assert (tmp_path / "out.json").stat().st_size > 100
    assert capsys.readouterr().err.count("not everything could be printed") == 2


@needs_full
def test_training_goes_on_without_a_reader():
    from mpm.training.log import LogRow
    from mpm.training.progress import Progress

    with open(FULL, "w") as full, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", full)
        with outlets() as out, Progress(1, 0) as progress:
            progress.report(LogRow(1, 0.1, 1.0, 1.0))
            progress.report(LogRow(2, 0.2, 1.0, 1.0))
            assert out.lost() == os.strerror(28)


def test_a_name_that_is_not_utf_8(model, smooth_image, tmp_path):
    odd = os.fsencode(tmp_path) + b"/caf\xe9 \xe2\x80\xa6.png"
    try:
        with open(odd, "wb") as file:
            Image.fromarray(smooth_image).save(file, "PNG")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    words = ("segment", os.fsdecode(odd), "--model", model, "--recipe", "1", "--output-dir", str(tmp_path))
    done = shell('mpm "$@"', *words, PYTHONIOENCODING="utf-8:strict")
    assert done.returncode == 0 and done.stderr == ""
    assert "caf\\udce9 \N{HORIZONTAL ELLIPSIS}.mask.png" in done.stdout
    assert len([name for name in os.listdir(os.fsencode(tmp_path)) if name.startswith(b"caf\xe9")]) == 4


def test_letters_that_a_stream_cannot_show_become_escapes():
    raw = io.BytesIO()
    out = Outlet(io.TextIOWrapper(raw, encoding="ascii"))
    print("1 \N{RIGHTWARDS ARROW} 2 \udcff", file=out, flush=True)
    assert raw.getvalue() == b"1 \\u2192 2 \\udcff\n" and out.lost() == ""


def all_helps() -> list[tuple[str, str]]:
    found = [("", _parser([]).format_help())]
    for name in COMMANDS:
        parser = _parser([name])
        action = next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
        found.append((name, action.choices[name].format_help()))
    return found


@pytest.mark.parametrize(("name", "text"), all_helps(), ids=lambda value: value[:8])
def test_helps_show_no_escapes(name, text):
    assert "%%" not in text and "%(" not in text
    assert name != "bench" or "95 % interval" in " ".join(text.split())
