"""Tiny copies of data sets in their published layouts."""

from __future__ import annotations

import pytest
from support.dataset_files import photo, stored, write


@pytest.fixture
def camvid(tmp_path):
    """A CamVid copy of three tiny val pairs: image i is filled with 40 i, labels with i."""
    for index in range(3):
        write(tmp_path / f"val/images/scene_{index}.png", photo(40 * index))
        write(tmp_path / f"val/labels/scene_{index}.png", stored(index))
    return tmp_path


@pytest.fixture
def ade20k(tmp_path):
    root = tmp_path / "ADEChallengeData2016"
    for number, split in ((1, "validation"), (2, "validation"), (1, "training")):
        name = f"ADE_{'val' if split == 'validation' else 'train'}_{number:08}"
        write(root / f"images/{split}/{name}.jpg", photo(100 * number))
        write(root / f"annotations/{split}/{name}.png", stored(0, 1, 2, 150))
    return root


@pytest.fixture
def cityscapes(tmp_path):
    """Two cities; label ids of unlabelled, road, parking, bicycle, train, ego vehicle."""
    for city in ("frankfurt", "lindau"):
        stem = f"val/{city}/{city}_000000_000019"
        write(tmp_path / f"leftImg8bit/{stem}_leftImg8bit.png", photo())
        write(tmp_path / f"gtFine/{stem}_gtFine_labelIds.png", stored(0, 7, 9, 33, 31, 1))
        write(tmp_path / f"gtFine/{stem}_gtFine_instanceIds.png", stored(200))
        write(tmp_path / f"gtFine/{stem}_gtFine_color.png", photo(9))
    return tmp_path


@pytest.fixture
def pascal(tmp_path):
    root = tmp_path / "VOC2010"
    for stem in ("2008_000002", "2008_000003", "2010_000001"):
        write(root / f"JPEGImages/{stem}.jpg", photo())
        write(root / f"SegmentationClassContext/{stem}.png", stored(0, 1, 59, 2))
    lists = root / "ImageSets/SegmentationContext"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("2008_000003\n2008_000002\n")
    return root
