"""The log line of a run: what it says, how it ends, and what it never says."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import Overtaken
from app.server.log import log_run, watched_run
from mpm.errors import InputError

ROOT = Path(__file__).parents[2]
FIELDS = {
    "time", "run", "model", "schedule", "size_px", "patches", "parts_ms", "total_ms", "outcome",
}  # fmt: skip


@pytest.fixture
def lines(caplog, monkeypatch):
    """Log lines so far, parsed."""
    monkeypatch.setattr(logging.getLogger("mpm.run"), "propagate", True)
    caplog.set_level(logging.INFO, "mpm.run")
    return lambda: [json.loads(record.getMessage()) for record in caplog.records]


def test_a_line_says_what_ran_and_nothing_else(lines):
    log_run("segment", "tiny", "2,5", (640, 480), {"blocks": 0.25}, 0.5, "ok", patches=1200)
    (line,) = lines()
    assert set(line) == FIELDS
    assert line["size_px"] == [640, 480] and line["parts_ms"] == {"blocks": 250.0}
    assert (line["total_ms"], line["patches"], line["outcome"]) == (500.0, 1200, "ok")


def test_a_run_is_measured(lines, tiny, smooth_image):
    with watched_run("segment", "tiny", "1,3", smooth_image.shape[1::-1]) as watched:
        run = tiny.segment(smooth_image, "1,3", profile=True)
        watched.measured(run)
    (line,) = lines()
    assert line["size_px"] == [90, 60] and line["patches"] == run.trace.token_counts[0]
    assert line["parts_ms"]["blocks"] == pytest.approx(run.timing.parts["blocks"] * 1000, abs=0.01)
    assert line["total_ms"] >= sum(line["parts_ms"].values())


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (InputError("no"), "bad_input"),
        (GeneratorExit(), "stopped"),
        (Overtaken(), "stopped"),
        (RuntimeError("/secret"), "failed"),
    ],
)
def test_however_it_ends_it_is_logged_and_the_error_goes_on(lines, error, outcome):
    with pytest.raises(type(error)), watched_run("explore", "tiny", "none"):
        raise error
    (line,) = lines()
    assert line["outcome"] == outcome and "secret" not in json.dumps(line)


def test_a_callers_novel_is_cut_and_cannot_forge_a_line(lines):
    log_run("segment", "tiny", 'x"}\n{"run":"forged' * 50, None, {}, 0.0, "bad_input")
    (line,) = lines()
    assert len(line["schedule"]) == 80


def test_unknown_outcomes_are_refused():
    with pytest.raises(ValueError, match="bad_input"):
        log_run("segment", "tiny", "2", None, {}, 0.0, "fine")


def test_runs_are_bare_json_on_stderr():
    code = (
        "import logging; from app.server.log import configure_logging, log_run; configure_logging(VERBOSE);"
        "configure_logging(VERBOSE); log_run('segment', 'tiny', '2', None, {}, 0.1, 'ok');"
        "logging.getLogger('mpm.app').debug('detail'); logging.getLogger('mpm.app').info('ready')"
    )
    for verbose in (False, True):
        done = subprocess.run(
            [sys.executable, "-c", code.replace("VERBOSE", str(verbose))],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        line, *others = done.stderr.splitlines()
        assert json.loads(line)["run"] == "segment" and done.stdout == ""
        assert others == (["mpm.app: detail"] if verbose else []) + ["mpm.app: ready"]
