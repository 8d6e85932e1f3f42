"""What recipes are compared on: a data set, or pictures without labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from mpm.data.images import decode_image
from mpm.data.labels import LabelSet
from mpm.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif")
"""Files of a folder that are taken for pictures."""


class Source(Protocol):
    """Pictures (H, W, 3) uint8 RGB with labels (H, W), or None where there are none. Data sets are such."""

    @property
    def name(self) -> str: ...

    @property
    def split(self) -> str: ...

    @property
    def label_set(self) -> LabelSet | None: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[np.ndarray, np.ndarray | None]: ...


class Pictures:
    """Image files, and those of folders, in order; nothing is known of what they show.

    limit: only so many, spread evenly. Raises InputError where there is none.
    """

    name = "pictures"
    split = "without labels"
    label_set = None

    def __init__(self, paths: Sequence[str | Path], limit: int | None = None) -> None:
        files = [file for path in paths for file in _files(Path(path))]
        if not files:
            raise InputError("There is no picture: give image files, or folders of them")
        if limit is not None and limit < 1:
            raise InputError(f"The number of images must be at least 1, but got {limit}")
        count = min(limit or len(files), len(files))
        self._files = [files[place] for place in np.linspace(0, len(files) - 1, count).round().astype(int)]

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> tuple[np.ndarray, None]:
        return decode_image(self._files[index]).rgb, None


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"There is no picture and no folder {str(path)!r}")
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    if not found:
        raise InputError(f"The folder {str(path)!r} holds no picture")
    return found
