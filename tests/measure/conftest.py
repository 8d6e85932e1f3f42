"""A small segmenter and a tiny CamVid copy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from support.small_segmenter import small_config

from mpm.segmenters.segmenter import Segmenter


@pytest.fixture(scope="module")
def segmenter():
    torch.manual_seed(0)
    return Segmenter(small_config()).eval()


@pytest.fixture
def camvid(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (tmp_path / "val" / folder).mkdir(parents=True)
    for index in range(3):
        image = rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)
        labels = rng.integers(0, 12, (64, 96), dtype=np.uint8)
        Image.fromarray(image).save(tmp_path / "val" / "images" / f"{index}.png")
        Image.fromarray(labels).save(tmp_path / "val" / "labels" / f"{index}.png")
    return tmp_path
