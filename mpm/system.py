"""What this project needs of the system below Python."""

from __future__ import annotations

import importlib

from mpm.errors import InputError

DEBIAN_PACKAGES = "libgl1 libglib2.0-0"


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
