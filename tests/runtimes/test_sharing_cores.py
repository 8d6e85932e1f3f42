"""PyTorch's idle threads leave their cores to a runtime's: libgomp reads how while torch is imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mpm.system import SPIN_COUNT

PROGRAMS = {
    "The page": "import app; assert 'torch' not in sys.modules",
    "a command": "from mpm.__main__ import main; assert 'torch' not in sys.modules; main(['--help'])",
}


@pytest.mark.parametrize("start", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize(
    ("own", "kept"),
    [({}, SPIN_COUNT), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, None)],
    ids=["nobody chose", "a count chosen", "a policy chosen"],
)
def test_before_torch_is_there(start, own, kept):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    say = "print(os.environ.get('GOMP_SPINCOUNT'))"
    code = f"import os, sys, contextlib\nwith contextlib.suppress(SystemExit):\n    {start}\n{say}"
    done = subprocess.run([sys.executable, "-c", code], env={**clean, **own}, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == [str(kept)], done.stderr
