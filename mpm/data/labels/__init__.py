"""Class names and colours of each data set."""

from mpm.data.labels.ade20k import ADE20K
from mpm.data.labels.cityscapes import CITYSCAPES
from mpm.data.labels.coco import COCO_PANOPTIC
from mpm.data.labels.label_set import IGNORED, LabelSet
from mpm.data.labels.pascal_context import PASCAL_CONTEXT_59, PASCAL_CONTEXT_60
from mpm.data.labels.streets import STREETS
from mpm.errors import InputError

__all__ = [
    "ADE20K",
    "CITYSCAPES",
    "COCO_PANOPTIC",
    "IGNORED",
    "LABEL_SETS",
    "PASCAL_CONTEXT_59",
    "PASCAL_CONTEXT_60",
    "STREETS",
    "LabelSet",
    "by_name",
]

LABEL_SETS = (STREETS, ADE20K, CITYSCAPES, PASCAL_CONTEXT_59, PASCAL_CONTEXT_60, COCO_PANOPTIC)


def by_name(name: str) -> LabelSet:
    """The label set of that name, such as "ade20k". Raises InputError naming those that exist."""
    for labels in LABEL_SETS:
        if labels.name == name:
            return labels
    raise InputError(f"No label set {name!r}: there are {', '.join(one.name for one in LABEL_SETS)}")
