"""Class names, colours and ignored labels of every data set."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mpm.data.labels import (
    ADE20K,
    CITYSCAPES,
    LABEL_SETS,
    PASCAL_CONTEXT_59,
    PASCAL_CONTEXT_60,
    LabelSet,
    by_name,
)
from mpm.errors import InputError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "classes", "ignored"),
    [
        ("streets", 11, 11),
        ("ade20k", 150, 255),
        ("cityscapes", 19, 255),
        ("pascal-context-59", 59, 255),
        ("pascal-context-60", 60, 255),
    ],
)
def test_by_name(name, classes, ignored):
    labels = by_name(name)
    assert labels.name == name and labels.ignore_index == ignored
    assert len(labels.class_names) == len(set(labels.class_names)) == classes
    assert labels.palette.shape == (classes, 3) and labels.palette.dtype == np.uint8


def test_an_unknown_name_hears_all_that_exist():
    with pytest.raises(InputError, match="No label set 'coco'") as refusal:
        by_name("coco")
    assert all(labels.name in str(refusal.value) for labels in LABEL_SETS)


def colours(labels: LabelSet) -> dict[str, tuple[int, ...]]:
    return dict(zip(labels.class_names, map(tuple, labels.palette.tolist()), strict=True))


def test_ade20k_has_its_own_order_and_colours():
    names, known = ADE20K.class_names, colours(ADE20K)
    assert names[:4] == ("wall", "building", "sky", "floor") and names[-2:] == ("clock", "flag")
    assert (names[44], names[58], names[130], names[141]) == (
        "chest of drawers",
        "screen door",
        "screen",
        "crt screen",
    )
    assert known["wall"] == (120, 120, 120) and known["sky"] == (6, 230, 230)
    assert known["chandelier"] == (0, 31, 255) and known["flag"] == (92, 0, 255)


def test_ade20k_colours_repeat_once_only():
    same = [name for name, colour in colours(ADE20K).items() if colour == (140, 140, 140)]
    assert same == ["road", "skyscraper"]
    assert len(np.unique(ADE20K.palette, axis=0)) == 149


def test_cityscapes_are_the_train_ids_with_official_colours():
    known = colours(CITYSCAPES)
    assert CITYSCAPES.class_names[0] == "road" and CITYSCAPES.class_names[-1] == "bicycle"
    assert known["road"] == (128, 64, 128) and known["car"] == (0, 0, 142)
    assert known["traffic light"] == (250, 170, 30) and known["bicycle"] == (119, 11, 32)


def test_pascal_context_is_alphabetical_and_the_background_comes_before():
    assert list(PASCAL_CONTEXT_59.class_names) == sorted(PASCAL_CONTEXT_59.class_names)
    assert PASCAL_CONTEXT_60.class_names == ("background", *PASCAL_CONTEXT_59.class_names)
    with_background = colours(PASCAL_CONTEXT_60)
    assert with_background["background"] == (120, 120, 120)
    assert with_background["aeroplane"] == (180, 120, 120) and with_background["wood"] == (31, 0, 255)
    assert colours(PASCAL_CONTEXT_59).items() <= with_background.items()


def test_a_palette_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"Palette must be \(2, 3\) uint8"):
        LabelSet("two", ("a", "b"), np.zeros((3, 3), np.uint8))


def test_labels_and_readers_load_without_torch():
    code = "import sys, mpm.data.labels, mpm.data.datasets; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_ade20k_names_are_the_first_of_the_published_table():
    """Needs the benchmark's own table: MPM_ADE20K names a folder with objectInfo150.csv."""
    if "MPM_ADE20K" not in os.environ:
        pytest.skip("MPM_ADE20K names no folder with objectInfo150.csv")
    with open(Path(os.environ["MPM_ADE20K"]) / "objectInfo150.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["Idx"]) for row in rows] == list(range(1, 151))
    for name, row in zip(ADE20K.class_names, rows, strict=True):
        # The table puts semicolons in the place of blanks, too: "pool;table;billiard;table".
        assert f"{row['Name']};".startswith(f"{name.replace(' ', ';')};")
