"""Pairs of an image file and a label file, whatever the data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

from mpm.data.datasets.dataset import Sample
from mpm.data.labels import LabelSet
from mpm.errors import InputError

Pair = tuple[Path, Path]

UNKNOWN = -1


class LabelledFiles:
    """Image and label files in pairs, read when asked for. A data set says how they are found and meant.

    codes   (256,) int16: the class that a stored label means, the ignored index, or UNKNOWN
    layout  what the folder should hold, for the sentence that says that it does not

    Labels belong to the stored pixels of a picture, whatever orientation its EXIF tag asks for, unless their
    size is that of the turned picture. Reading raises InputError for a broken file, labels of another size,
    and labels without a meaning.
    """

    name: ClassVar[str]
    label_set: ClassVar[LabelSet]
    layout: ClassVar[str]
    codes: np.ndarray

    def __init__(self, split: str, pairs: Sequence[Pair]):
        self.split = split
        self._pairs = tuple(pairs)
        for image_path, labels_path in self._pairs:
            if not labels_path.is_file():
                raise InputError(f"{image_path} has no labels: expected {labels_path}")

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> Sample:
        image_path, labels_path = self._pairs[index]
        image, stored = _read_rgb(image_path), _read_stored_labels(labels_path)
        if stored.shape == image.shape[1::-1] != image.shape[:2]:
            # Only then were the labels drawn on the picture as its EXIF tag turns it.
            image = _read_rgb(image_path, turned=True)
        if stored.shape != image.shape[:2]:
            raise InputError(
                f"{labels_path} is {stored.shape[1]} x {stored.shape[0]} pixels, "
                f"but its image is {image.shape[1]} x {image.shape[0]}"
            )
        return image, self._classes(stored, labels_path)

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def _classes(self, stored: np.ndarray, path: Path) -> np.ndarray:
        classes = self.codes[stored]
        unknown = stored[classes == UNKNOWN]
        if unknown.size:
            raise InputError(f"{path} holds label {unknown[0]}, which {self.name} does not have")
        return classes.astype(np.uint8)


def label_codes(meaning: Mapping[int, int]) -> np.ndarray:
    """(256,) int16 from stored labels to classes; all that are not named are UNKNOWN."""
    codes = np.full(256, UNKNOWN, np.int16)
    codes[list(meaning)] = list(meaning.values())
    return codes


def files_in(folder: Path, pattern: str, layout: str) -> list[Path]:
    """Files of a folder that match a pattern such as "*.jpg", sorted. InputError where there are none."""
    if not folder.is_dir():
        raise InputError(f"No folder {folder}: {layout}")
    files = sorted(folder.glob(pattern))
    if not files:
        raise InputError(f"{folder} holds no {pattern}: {layout}")
    return files


def folder_within(root: str | Path, name: str) -> Path:
    """`root` itself, or the folder `name` in it: both are what people call the data set's folder."""
    inner = Path(root) / name
    return inner if inner.is_dir() else Path(root)


def _read_rgb(path: Path, turned: bool = False) -> np.ndarray:
    """(H, W, 3): the pixels as stored, to which labels belong, or turned as the file's EXIF tag says."""
    # imdecode over imread: it neither prints a warning of its own nor trips over non-ASCII paths.
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    flags = cv2.IMREAD_COLOR if turned else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(data, flags) if data.size else None
    if image is None:
        raise InputError(f"{path} is not a readable image")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _read_stored_labels(path: Path) -> np.ndarray:
    """(H, W) uint8; a palette PNG would come out of OpenCV as colours, so Pillow reads the indices."""
    from PIL import Image

    try:
        with Image.open(path) as file:
            labels = np.array(file)
    except (OSError, SyntaxError, ValueError) as error:  # Pillow calls a broken PNG a SyntaxError
        raise InputError(f"{path} is not a readable label image") from error
    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise InputError(f"{path} must hold one 8-bit label a pixel, but got {labels.dtype} {labels.shape}")
    return labels
