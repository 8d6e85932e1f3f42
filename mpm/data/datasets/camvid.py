"""CamVid in the eleven-class form published with SegNet."""

from __future__ import annotations

from pathlib import Path

from mpm.data.datasets.labelled_files import LabelledFiles, files_in, label_codes
from mpm.data.labels import STREETS
from mpm.errors import InputError

_VOID = len(STREETS.class_names)
_SUFFIXES = (".jpg", ".jpeg", ".png")


class CamVid(LabelledFiles):
    """root/SPLIT/images/*.jpg and root/SPLIT/labels/*.png with the same stems; label 11 is void.

    Raises InputError where a folder is missing or empty, or an image has no labels.
    """

    name = "camvid"
    label_set = STREETS
    layout = (
        "a CamVid copy holds {split}/images/*.jpg and {split}/labels/*.png "
        "with the same stems, labels as 8-bit class indices (11 = void)"
    )
    codes = label_codes({label: label for label in range(_VOID + 1)})

    def __init__(self, root: str | Path, split: str = "train"):
        layout = self.layout.format(split=split)
        images, labels = Path(root) / split / "images", Path(root) / split / "labels"
        if not labels.is_dir():
            raise InputError(f"No folder {labels}: {layout}")
        files = [path for path in files_in(images, "*", layout) if path.suffix.lower() in _SUFFIXES]
        if not files:
            raise InputError(f"{images} holds no image: {layout}")
        super().__init__(split, [(path, labels / f"{path.stem}.png") for path in files])
