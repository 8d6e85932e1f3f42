"""Images with labels: each data set in the folder layout in which it is published, and synthetic streets.

Every data set here is a `Dataset`: `len(dataset)`, and `dataset[i]` gives `(image, labels)`: image
(H, W, 3) uint8 RGB, labels (H, W) uint8. `dataset.label_set` says which classes the labels are, and
`dataset.name` and `dataset.split` what it is.
"""

from __future__ import annotations

from pathlib import Path

from mpm.data.datasets.ade20k import ADE20K
from mpm.data.datasets.camvid import CamVid
from mpm.data.datasets.cityscapes import Cityscapes
from mpm.data.datasets.dataset import Dataset, Sample, Samples
from mpm.data.datasets.folder import Folder
from mpm.data.datasets.labelled_files import LabelledFiles
from mpm.data.datasets.pascal_context import PascalContext59, PascalContext60
from mpm.data.datasets.subsets import FirstOf, InMemory
from mpm.data.datasets.synthetic import (
    FIRST_TRAINING_SEED,
    SCENE_SIZE_PX,
    SyntheticStreets,
    draw_scene,
    held_out_streets,
    training_streets,
)
from mpm.errors import InputError

__all__ = [
    "ADE20K",
    "FIRST_TRAINING_SEED",
    "READERS",
    "SCENE_SIZE_PX",
    "CamVid",
    "Cityscapes",
    "Dataset",
    "FirstOf",
    "Folder",
    "InMemory",
    "LabelledFiles",
    "PascalContext59",
    "PascalContext60",
    "Sample",
    "Samples",
    "SyntheticStreets",
    "draw_scene",
    "held_out_streets",
    "open_dataset",
    "training_streets",
]

_READERS = (CamVid, ADE20K, Cityscapes, PascalContext59, PascalContext60, Folder)
READERS = {reader.name: reader for reader in _READERS}
"""Those that lie in a folder, by name."""


def open_dataset(name: str, root: str | Path, split: str = "val") -> LabelledFiles:
    """A split of a data set in the folder `root`. Raises InputError where it is not laid out as published."""
    if name not in READERS:
        raise InputError(f"No data set {name!r}: there are {', '.join(READERS)}")
    return READERS[name](root, split)
