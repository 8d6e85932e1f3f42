"""The linter's rules, and no traces of the machine that this was written on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_ruff_is_content():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "."], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_names_a_folder_of_the_author():
    inside = re.compile(r"/(?:home|root|work)/\w+/")
    texts = [path for kind in ("py", "md", "toml", "json", "js", "txt") for path in ROOT.rglob(f"*.{kind}")]
    others = {".git", "node_modules"}
    # Put together here, so that this file does not find itself.
    found = [path for path in texts if not others & {*path.parts} and inside.search(path.read_text("utf-8"))]
    assert [str(path.relative_to(ROOT)) for path in found if path != Path(__file__)] == []
