"""Images and labels of one's own, with class names of one's own."""

from __future__ import annotations

import colorsys
import json
from pathlib import Path
from typing import Any

import numpy as np

from mpm.data.datasets.labelled_files import LabelledFiles, label_codes
from mpm.data.labels import IGNORED, LabelSet
from mpm.errors import InputError

DESCRIPTION = "classes.json"
MAX_CLASSES = 254
"""Labels have 8 bits; one means "ignored", and training marks what lies outside of an image by 255."""

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


class Folder(LabelledFiles):
    """DIR/SPLIT/images/*.jpg or *.png and DIR/SPLIT/labels/*.png with the same stems, and DIR/classes.json.

    Without a folder SPLIT, DIR/images and DIR/labels are read, whatever the split. classes.json:

        {"classes": ["road", "car"], "palette": [[128, 64, 128], [0, 0, 142]], "ignore_index": 255}

    A label image holds one 8-bit number a pixel, a class's place in the list; pixels of `ignore_index`
    (default: 255; null: there are none) count for nothing. Without a palette the colours are made up. Raises
    InputError where a file is missing or says something else.
    """

    name = "folder"
    label_set = LabelSet("folder", (), np.zeros((0, 3), np.uint8))
    layout = (
        "one's own data set holds classes.json, and {split}/images and {split}/labels (or images and labels) "
        "with files of the same stems, labels as 8-bit PNG of class numbers"
    )

    def __init__(self, root: str | Path, split: str = "val"):
        root, layout = Path(root), self.layout.format(split=split)
        labels, ignored = _read_description(root / DESCRIPTION, layout)
        self.label_set = labels  # type: ignore[misc]  # every folder has classes of its own
        meaning = {number: number for number in range(len(labels.class_names))}
        self.codes = label_codes(meaning if ignored is None else meaning | {ignored: len(meaning)})
        home = root / split if (root / split).is_dir() else root
        super().__init__(split, _pairs(home, layout))


def _pairs(home: Path, layout: str) -> list[tuple[Path, Path]]:
    images, labels = home / "images", home / "labels"
    for folder in (images, labels):
        if not folder.is_dir():
            raise InputError(f"No folder {folder}: {layout}")
    files = sorted(path for path in images.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise InputError(f"{images} holds no image: {layout}")
    seen: dict[str, Path] = {}
    for path in files:
        other = seen.setdefault(path.stem, path)
        if other != path:
            raise InputError(f"{other} and {path} would have the same labels: give one of them another name")
    return [(path, labels / f"{path.stem}.png") for path in files]


def _read_description(path: Path, layout: str) -> tuple[LabelSet, int | None]:
    """The classes, whose ignored index is the one behind the last class, and the one that files have."""
    try:
        told = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"Cannot read {path} ({error.strerror}): {layout}") from error
    except ValueError as error:  # no JSON, or no UTF-8
        raise InputError(f"{path} is not a JSON file: {error}") from error
    if not isinstance(told, dict):
        raise InputError(f'{path} must hold {{"classes": [...]}}, but got {type(told).__name__}')
    unknown = sorted(told.keys() - {"classes", "palette", "ignore_index"})
    if unknown:
        raise InputError(f"{path} has {unknown[0]!r}: it may have classes, palette and ignore_index")
    names = _names(told.get("classes"), path)
    labels = LabelSet("folder", names, _palette(told.get("palette"), len(names), path), len(names))
    return labels, _ignored(told.get("ignore_index", IGNORED), names, path)


def _names(told: Any, path: Path) -> tuple[str, ...]:
    listed = isinstance(told, list) and all(isinstance(name, str) and name.strip() for name in told)
    if not listed or not 1 <= len(told) <= MAX_CLASSES or len(set(told)) < len(told):
        raise InputError(f'"classes" in {path} must be a list of 1 to {MAX_CLASSES} different names')
    return tuple(told)


def _palette(told: Any, count: int, path: Path) -> np.ndarray:
    if told is None:
        return made_up_palette(count)
    try:
        colours = np.array(told)
    except ValueError:  # rows of unequal length
        colours = np.empty(0)
    whole = colours.shape == (count, 3) and colours.dtype.kind == "i"
    if not whole or colours.min() < 0 or colours.max() > 255:
        raise InputError(
            f'"palette" in {path} must be a list of {count} colours [red, green, blue], 0 to 255'
        )
    return colours.astype(np.uint8)


def made_up_palette(count: int) -> np.ndarray:
    """(count, 3) uint8: hues a golden section apart, so that neighbours in the list differ most."""
    hues = (0.618034 * np.arange(count)) % 1
    colours = [
        colorsys.hsv_to_rgb(hue, (0.85, 0.55)[number % 2], (0.9, 0.65)[number // 2 % 2])
        for number, hue in enumerate(hues.tolist())
    ]
    return (255 * np.array(colours)).round().astype(np.uint8)


def _ignored(told: Any, names: tuple[str, ...], path: Path) -> int | None:
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, int) or not len(names) <= told <= 255:
        raise InputError(f'"ignore_index" in {path} must be null or a whole number, {len(names)} to 255')
    return told
