"""The check that waits for a GPU, tried on the CPU with tiny shapes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "checks" / "measure_gpu.py"


def check(output: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SCRIPT), "--tiny", "--output", str(output), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_part_is_measured_once_and_kept(tmp_path):
    done = check(tmp_path, "--part", "deit", "bundled")
    assert done.returncode == 0, done.stderr
    kept = {name: (tmp_path / f"{name}.json").read_text() for name in ("deit", "bundled", "facts")}
    rows = json.loads(kept["bundled"])["cases"][0]["rows"]
    assert [row["name"] for row in rows] == ["none", "2,5", "0,2,4,6,8"]
    assert rows[1]["tokens"][0] == 16 and rows[1]["parts_s"]["match"] > 0

    again = check(tmp_path, "--part", "deit", "bundled")
    assert again.stdout == done.stdout
    assert {name: (tmp_path / f"{name}.json").read_text() for name in kept} == kept


def test_what_is_not_packed_gives_the_same_tokens(tmp_path):
    assert check(tmp_path, "--part", "ragged").returncode == 0
    for case in json.loads((tmp_path / "ragged.json").read_text())["cases"]:
        tokens = {row["name"]: row["tokens"] for row in case["rows"]}
        assert tokens["2,5"] == tokens["2,5, by length"]


def test_an_unknown_part_is_one_sentence(tmp_path):
    done = check(tmp_path, "--part", "speed")
    assert done.returncode == 2
    assert done.stderr.startswith("error: parts are flash, ") and done.stderr.count("\n") == 1
