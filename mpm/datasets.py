"""Street scenes with labels: a CamVid folder and the project's own synthetic streets.

Every data set here is a plain sequence: `len(dataset)`, and `dataset[i]` gives
`(image, labels)`: image (H, W, 3) uint8 RGB, labels (H, W) uint8 with the indices of `mpm.labels.STREETS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from mpm.errors import InputError
from mpm.labels import STREETS

Sample = tuple[np.ndarray, np.ndarray]

# Synthetic streets below this seed are never trained on: they are the held-out set of `evaluate`.
FIRST_TRAINING_SEED = 10_000
SCENE_SIZE_PX = (480, 360)  # width, height: CamVid's own size, so that both sources mix in a batch

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


class CamVid(Sequence):
    """The `split` folder of a CamVid copy, read image by image when asked for.

    Expected: root/split/images/*.jpg and root/split/labels/*.png (one class index a pixel), matched by stem.
    Raises InputError where a folder is missing, empty, or an image has no labels.
    """

    name = "camvid"

    def __init__(self, root: str | Path, split: str = "train"):
        self.split = split
        self._pairs = _matched_pairs(Path(root), split)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> Sample:
        image_path, labels_path = self._pairs[index]
        image = _read_rgb(image_path)
        labels = _read_labels(labels_path)
        if labels.shape != image.shape[:2]:
            raise InputError(
                f"{labels_path} is {labels.shape[1]} x {labels.shape[0]} pixels, "
                f"but its image is {image.shape[1]} x {image.shape[0]}"
            )
        return image, labels


class SyntheticStreets(Sequence):
    """Scenes of the project's generator, one per seed, drawn when asked for."""

    name = "streets"

    def __init__(self, seeds: Sequence[int], size_px: tuple[int, int] = SCENE_SIZE_PX):
        self.split = "held-out"
        self._seeds = tuple(int(seed) for seed in seeds)
        self._size_px = size_px

    def __len__(self) -> int:
        return len(self._seeds)

    def __getitem__(self, index: int) -> Sample:
        return draw_scene(self._seeds[index], self._size_px)


class FirstOf(Sequence):
    """The first `count` samples of another data set, spread evenly over it."""

    def __init__(self, dataset: Sequence, count: int):
        if count < 1:
            raise InputError(f"the number of images must be at least 1, but got {count}")
        self.name, self.split = dataset.name, dataset.split
        self._dataset = dataset
        total = len(dataset)
        self._indices = np.linspace(0, total - 1, min(count, total)).round().astype(int).tolist()

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Sample:
        return self._dataset[self._indices[index]]


class InMemory(Sequence):
    """All samples of another data set, decoded once (CamVid train: 250 MB)."""

    def __init__(self, dataset: Sequence):
        self.name, self.split = dataset.name, dataset.split
        self._samples = list(dataset)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Sample:
        return self._samples[index]

    def __iter__(self) -> Iterator[Sample]:
        return iter(self._samples)


def held_out_streets(count: int) -> SyntheticStreets:
    """The scenes of seeds 0 .. count - 1, none of which training ever draws."""
    if not 1 <= count <= FIRST_TRAINING_SEED:
        raise InputError(f"the number of scenes must be 1 to {FIRST_TRAINING_SEED}, but got {count}")
    return SyntheticStreets(range(count))


def draw_scene(seed: int, size_px: tuple[int, int] = SCENE_SIZE_PX) -> Sample:
    """One synthetic street of `size_px` (width, height) as (image, labels)."""
    from mpm.streets import render_street

    street = render_street(seed, *size_px)
    return street.image, street.labels


def _matched_pairs(root: Path, split: str) -> list[tuple[Path, Path]]:
    images, labels = root / split / "images", root / split / "labels"
    for folder in (images, labels):
        if not folder.is_dir():
            raise InputError(
                f"no folder {folder}: a CamVid copy holds {split}/images/*.jpg and {split}/labels/*.png "
                "with the same stems, labels as 8-bit class indices (11 = void)"
            )
    image_paths = sorted(path for path in images.iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES)
    if not image_paths:
        raise InputError(f"{images} holds no image: expected *.jpg or *.png files")
    return [(path, _labels_of(path, labels)) for path in image_paths]


def _labels_of(image_path: Path, labels: Path) -> Path:
    path = labels / f"{image_path.stem}.png"
    if not path.is_file():
        raise InputError(f"{image_path} has no labels: expected {path}")
    return path


def _read_rgb(path: Path) -> np.ndarray:
    image = _decode(path, cv2.IMREAD_COLOR)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _read_labels(path: Path) -> np.ndarray:
    """(H, W) uint8; a palette PNG would come out of OpenCV as colours, so Pillow reads the indices."""
    from PIL import Image

    try:
        with Image.open(path) as file:
            labels = np.array(file)
    except OSError as error:
        raise InputError(f"{path} is not a readable label image") from error
    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise InputError(
            f"{path} must hold one 8-bit class index a pixel, but got {labels.dtype} {labels.shape}"
        )
    if labels.max(initial=0) > STREETS.ignore_index:
        raise InputError(
            f"{path} holds class {labels.max()}, but the largest allowed is {STREETS.ignore_index}"
        )
    return labels


def _decode(path: Path, flags: int) -> np.ndarray:
    # imdecode over imread: it neither prints a warning of its own nor trips over non-ASCII paths.
    data = np.fromfile(path, np.uint8)
    image = cv2.imdecode(data, flags) if data.size else None
    if image is None:
        raise InputError(f"{path} is not a readable image")
    return image
