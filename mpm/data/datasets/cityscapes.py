"""Cityscapes with its fine annotations."""

from __future__ import annotations

from pathlib import Path

from mpm.data.datasets.labelled_files import LabelledFiles, files_in, label_codes
from mpm.data.labels import CITYSCAPES, IGNORED

_IMAGE = "_leftImg8bit.png"
_LAST_ID = 33
_EVALUATED_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""Label ids in the order of their train ids; all other ids are ignored."""

_NOT_EVALUATED = dict.fromkeys((*range(_LAST_ID + 1), 255), IGNORED)
_CODES = {
    "labelIds": label_codes(_NOT_EVALUATED | {label: train for train, label in enumerate(_EVALUATED_IDS)}),
    "labelTrainIds": label_codes({train: train for train in (*range(len(_EVALUATED_IDS)), 255)}),
}
"""What the labels of each kind of file mean: as published, and as the official scripts convert them."""


class Cityscapes(LabelledFiles):
    """root/leftImg8bit/SPLIT/CITY/*_leftImg8bit.png and root/gtFine/SPLIT/CITY/*_gtFine_labelIds.png.

    The 34 ids map to the 19 classes; without labelIds, *_gtFine_labelTrainIds.png are read. Raises InputError
    where a folder is missing or empty, or an image has no labels.
    """

    name = "cityscapes"
    label_set = CITYSCAPES
    layout = (
        "Cityscapes holds leftImg8bit/{split}/CITY/*_leftImg8bit.png and "
        "gtFine/{split}/CITY/*_gtFine_labelIds.png (or labelTrainIds)"
    )

    def __init__(self, root: str | Path, split: str = "val"):
        layout = self.layout.format(split=split)
        images = files_in(Path(root) / "leftImg8bit" / split, f"*/*{_IMAGE}", layout)
        labels = Path(root) / "gtFine" / split
        kind = next((kind for kind in _CODES if any(labels.glob(f"*/*_gtFine_{kind}.png"))), "labelIds")
        self.codes = _CODES[kind]
        super().__init__(
            split, [(path, labels / path.parent.name / _labels_of(path, kind)) for path in images]
        )


def _labels_of(image: Path, kind: str) -> str:
    return f"{image.name.removesuffix(_IMAGE)}_gtFine_{kind}.png"
