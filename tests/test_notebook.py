"""The notebook of the docs runs from the first cell to the last, and is kept without what it printed."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.run_notebook import code_cells

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
RUNNER = ROOT / "tests" / "support" / "run_notebook.py"
INSTALLED_WITH_MPM = {"matplotlib", "mpm", "numpy", "timm", "torch"}


def run_elsewhere(notebook: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """In a folder of its own, so that it finds nothing of the checkout but the library."""
    # One thread: on a shared machine several would wait for each other most of the time.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error::FutureWarning", str(RUNNER), str(notebook)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_notebook_runs(tmp_path):
    done = run_elsewhere(NOTEBOOK, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "figures shown: 3" in done.stdout


def test_a_cell_that_fails_is_named(tmp_path):
    cell = {"cell_type": "code", "id": "broken", "source": ["value = 1\n", "value / 0"]}
    (tmp_path / "broken.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    done = run_elsewhere(tmp_path / "broken.ipynb", tmp_path)
    assert done.returncode == 1
    assert (
        "<cell broken>" in done.stderr and "value / 0" in done.stderr and "ZeroDivisionError" in done.stderr
    )


def test_it_needs_nothing_but_the_library_and_what_comes_with_it():
    imported = set()
    for source in code_cells(NOTEBOOK).values():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.partition(".")[0])
    assert imported - set(sys.stdlib_module_names) == INSTALLED_WITH_MPM


@pytest.fixture(scope="module")
def notebook() -> dict:
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))


def test_it_is_a_notebook_as_jupyter_writes_one(notebook):
    assert notebook["nbformat"] == 4 and notebook["nbformat_minor"] >= 5
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)
    assert {cell["cell_type"] for cell in notebook["cells"]} == {"code", "markdown"}
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_outputs_are_cleared(notebook):
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
    assert NOTEBOOK.stat().st_size < 200_000
