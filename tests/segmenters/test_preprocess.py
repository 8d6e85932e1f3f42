"""Resizing: the same on every processor, and bilinear."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mpm.segmenters.preprocess import resize_bilinear

DIGESTS = {
    (64, 48): "92b45d28e7a5aa54",
    (211, 157): "56bc75979d8202af",
    (512, 389): "0aeb32b3735083ba",
}
"""Printed on x86-64 and, emulated, on arm64."""


def picture(width: int = 320, height: int = 240) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", DIGESTS, ids=str)
def test_the_same_bytes_on_every_processor(size):
    resized = resize_bilinear(picture(), size)
    assert resized.shape == (size[1], size[0], 3)
    assert hashlib.sha256(resized.tobytes()).hexdigest()[:16] == DIGESTS[size]


def test_bilinear_and_neither_lighter_nor_darker():
    image, size = picture(), (301, 229)
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].double()
    exact = F.interpolate(planes, size[::-1], mode="bilinear", align_corners=False)[0].permute(1, 2, 0)
    wrong = resize_bilinear(image, size) - exact.numpy()
    assert np.abs(wrong).max() < 1.2 and abs(wrong.mean()) < 0.01
