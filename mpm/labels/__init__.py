"""Class names and colours of each data set."""

from mpm.errors import InputError
from mpm.labels.ade20k import ADE20K
from mpm.labels.cityscapes import CITYSCAPES
from mpm.labels.label_set import IGNORED, LabelSet
from mpm.labels.pascal_context import PASCAL_CONTEXT_59, PASCAL_CONTEXT_60
from mpm.labels.streets import STREETS

__all__ = [
    "ADE20K",
    "CITYSCAPES",
    "IGNORED",
    "LABEL_SETS",
    "PASCAL_CONTEXT_59",
    "PASCAL_CONTEXT_60",
    "STREETS",
    "LabelSet",
    "by_name",
]

LABEL_SETS = (STREETS, ADE20K, CITYSCAPES, PASCAL_CONTEXT_59, PASCAL_CONTEXT_60)


def by_name(name: str) -> LabelSet:
    """The label set of that name, such as "ade20k". Raises InputError naming those that exist."""
    for labels in LABEL_SETS:
        if labels.name == name:
            return labels
    raise InputError(f"no label set {name!r}: there are {', '.join(one.name for one in LABEL_SETS)}")
