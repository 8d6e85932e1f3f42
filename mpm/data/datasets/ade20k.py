"""ADE20K's scene-parsing benchmark, ADEChallengeData2016."""

from __future__ import annotations

from pathlib import Path

from mpm.data.datasets.labelled_files import LabelledFiles, files_in, folder_within, label_codes
from mpm.data.labels import ADE20K as LABELS
from mpm.data.labels import IGNORED

_FOLDERS = {"train": "training", "val": "validation"}


class ADE20K(LabelledFiles):
    """ROOT/images/validation/*.jpg and ROOT/annotations/validation/*.png, labels 0 to 150.

    Label 0 is "other" and ignored; labels 1 to 150 are the classes 0 to 149. `root` may also be the folder
    above. Raises InputError where a folder is missing or empty, or an image has no labels.
    """

    name = "ade20k"
    label_set = LABELS
    layout = "ADEChallengeData2016 holds images/{split}/*.jpg and annotations/{split}/*.png of the same stems"
    codes = label_codes({0: IGNORED} | {label: label - 1 for label in range(1, 151)})

    def __init__(self, root: str | Path, split: str = "val"):
        folder = _FOLDERS.get(split, split)
        root = folder_within(root, "ADEChallengeData2016")
        images = files_in(root / "images" / folder, "*.jpg", self.layout.format(split=folder))
        labels = root / "annotations" / folder
        super().__init__(split, [(path, labels / f"{path.stem}.png") for path in images])
