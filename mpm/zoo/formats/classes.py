"""Which classes a published checkpoint has: by the names in its file, or by the data set that it names.

The number of classes alone says nothing: nineteen may be Cityscapes' or the parts of a face.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from mpm.data.labels import LABEL_SETS, LabelSet
from mpm.data.labels.own import numbered_classes, own_classes
from mpm.zoo.formats.inert import as_list, as_table

LONGEST_NAME = 200
"""Characters; whoever needs more has not written a name."""

MOST_NAMES = 2 / 3
"""Of a data set's: several spellings of ADE20K are about."""

OTHER_WORDS = {"television receiver": "television"}
"""mmsegmentation's names that are not ours, where both mean one class."""


@dataclass(frozen=True)
class Told:
    """What is told of a checkpoint's classes, and by nobody checked.

    names, palette  from its file, which may hold anything
    data_sets       names of label sets, any of which it may have
    """

    names: Any = None
    palette: Any = None
    data_sets: tuple[str, ...] = ()

    @classmethod
    def by(cls, meta: Mapping[str, Any], data_set: str | None) -> Told:
        """From the "meta" of mmsegmentation's files: CLASSES and PALETTE, or 1.x' dataset_meta."""
        tables = (as_table(meta.get("dataset_meta")), meta)
        names, palette = (
            next((table[key] for table in tables for key in keys if table.get(key) is not None), None)
            for keys in (("classes", "CLASSES"), ("palette", "PALETTE"))
        )
        return cls(names, palette, (data_set,) if data_set else ())


def label_set(count: int, told: Told) -> tuple[LabelSet, str]:
    """The classes of a checkpoint, and a remark where their names are assumed; "" where they are told.

    The file's own names come first. What does not fit `count`, or is no list of names, counts as not told.
    """
    names = _names(told.names, count)
    if names:
        known = next((labels for labels in LABEL_SETS if _same(labels, names)), None)
        palette = _palette(told.palette, count)
        return known or _told_set(names, told) or own_classes(names, palette), ""
    for labels in LABEL_SETS:
        if labels.name in told.data_sets and len(labels.class_names) == count:
            return labels, ""
    remark = f"The checkpoint does not name its classes: class 1 to class {count} are assumed names."
    return numbered_classes(count), remark


def _names(value: Any, count: int) -> list[str]:
    """As they are shown, in one line each; none where any is no name."""
    told = value if isinstance(value, (list, tuple)) else ()
    if len(told) != count or not all(isinstance(name, str) and len(name) <= LONGEST_NAME for name in told):
        return []
    shown = ["".join(filter(str.isprintable, " ".join(name.split()))) for name in told]
    return shown if all(shown) else []


def _told_set(names: Sequence[str], told: Told) -> LabelSet | None:
    """The data set that the publisher names, where most of the file's names are its own, in its order."""
    for labels in LABEL_SETS:
        if labels.name in told.data_sets and len(labels.class_names) == len(names):
            agree = sum(map(str.__eq__, map(_plain, names), map(_plain, labels.class_names)))
            if agree >= MOST_NAMES * len(names):
                return labels
    return None


def _same(labels: LabelSet, names: Sequence[str]) -> bool:
    return list(map(_plain, names)) == list(map(_plain, labels.class_names))


def _plain(name: str) -> str:
    """A name as publishers write it, as we do: the first of several, without the endings of COCO's."""
    first = re.split("[,;]", name.lower())[0]
    plain = re.sub(r"-(?:merged|stuff|other)\b", "", first).replace("_", " ").replace("-", " ").strip()
    return OTHER_WORDS.get(plain, plain)


def _palette(value: Any, count: int) -> np.ndarray | None:
    """(count, 3) uint8, None where it is none."""
    rows = as_list(value)
    if len(rows) != count or not all(isinstance(row, (list, tuple)) and len(row) == 3 for row in rows):
        return None
    if not all(isinstance(level, Integral) and 0 <= int(level) <= 255 for row in rows for level in row):
        return None
    return np.array(rows, np.uint8)
