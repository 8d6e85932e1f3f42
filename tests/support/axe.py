"""axe-core, which finds barriers on a page, from npm."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

PACKAGE = "axe-core@4"
LIMIT_S = 120
RUN_JS = """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
  .filter(({ impact }) => ['serious', 'critical'].includes(impact))
  .flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) =>
    `${id} (${help}) at ${target.join(' ')}: ${failureSummary.split('\\n').slice(1).join(' ').trim()}`))"""


def axe_script(folder: Path) -> str:
    """Its source. Where it cannot be had: a failure under CI=true, else the test is skipped."""
    refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    npm = shutil.which("npm")
    if npm is None:
        refuse("this test needs npm, for axe-core")
    command = [npm, "pack", PACKAGE, "--silent"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        refuse("axe-core could not be downloaded in time")
    if done.returncode:
        refuse(f"axe-core could not be downloaded: {done.stderr[:200]}")
    (archive,) = folder.glob("axe-core-*.tgz")
    with tarfile.open(archive) as files:
        return files.extractfile("package/axe.min.js").read().decode()


def barriers(page, script: str) -> list[str]:
    """What axe calls serious or critical, a line each."""
    page.evaluate(script)
    return page.evaluate(RUN_JS)
