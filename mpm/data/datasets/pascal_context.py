"""Pascal Context: all pixels of VOC2010 photographs labelled, in the folders that mmsegmentation has."""

from __future__ import annotations

from pathlib import Path

from mpm.data.datasets.labelled_files import LabelledFiles, folder_within, label_codes
from mpm.data.labels import IGNORED, PASCAL_CONTEXT_59, PASCAL_CONTEXT_60
from mpm.errors import InputError

_LAST_LABEL = 59


class PascalContext60(LabelledFiles):
    """ROOT/JPEGImages/STEM.jpg and ROOT/SegmentationClassContext/STEM.png, labels 0 (background) to 59.

    The stems of a split are the lines of ROOT/ImageSets/SegmentationContext/SPLIT.txt. `root` may also be the
    folder above VOC2010. Raises InputError where the list or a file on it is missing.
    """

    name = "pascal-context-60"
    label_set = PASCAL_CONTEXT_60
    layout = (
        "Pascal Context in VOC2010 holds ImageSets/SegmentationContext/{split}.txt, JPEGImages/*.jpg "
        "and SegmentationClassContext/*.png"
    )
    codes = label_codes({IGNORED: IGNORED} | {label: label for label in range(_LAST_LABEL + 1)})

    def __init__(self, root: str | Path, split: str = "val"):
        root = folder_within(root, "VOC2010")
        super().__init__(split, [self._pair(root, stem) for stem in self._stems(root, split)])

    def _stems(self, root: Path, split: str) -> list[str]:
        path, layout = (
            root / "ImageSets" / "SegmentationContext" / f"{split}.txt",
            self.layout.format(split=split),
        )
        try:
            stems = path.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"Cannot read {path}: {layout}") from error
        if not stems:
            raise InputError(f"{path} names no image: {layout}")
        return stems

    def _pair(self, root: Path, stem: str) -> tuple[Path, Path]:
        image = root / "JPEGImages" / f"{stem}.jpg"
        if not image.is_file():
            raise InputError(f"No image {image}, though the list of the split names it")
        return image, root / "SegmentationClassContext" / f"{stem}.png"


class PascalContext59(PascalContext60):
    """The same without the background: label 0 is ignored, labels 1 to 59 are the classes 0 to 58."""

    name = "pascal-context-59"
    label_set = PASCAL_CONTEXT_59
    codes = label_codes(
        {IGNORED: IGNORED, 0: IGNORED} | {label: label - 1 for label in range(1, _LAST_LABEL + 1)}
    )
