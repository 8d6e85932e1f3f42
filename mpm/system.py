"""What this project needs of the system below Python."""

from __future__ import annotations

import importlib
import os

from mpm.errors import InputError

DEBIAN_PACKAGES = "libgl1 libglib2.0-0"
SPIN_COUNT = "2000"
"""Some ten microseconds: long enough from one operator to the next, far below libgomp's own milliseconds."""


def share_cores() -> None:
    """Threads of PyTorch with nothing to do leave their cores soon: for programs, before torch is imported.

    After every operator libgomp's threads wait actively for the next one, by default for some milliseconds,
    and those of another runtime get half a core meanwhile. Whoever has set how to wait keeps that.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)


def check_opencv() -> None:
    """Raises InputError where OpenCV's system libraries are missing, as in slim containers."""
    try:
        importlib.import_module("cv2")
    except ModuleNotFoundError:
        raise  # not installed at all: Python's own message says so best
    except ImportError as error:
        raise InputError(
            f"OpenCV lacks a system library ({error}); on Debian: apt-get install {DEBIAN_PACKAGES}"
        ) from error
