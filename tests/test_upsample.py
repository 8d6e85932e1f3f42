"""Labels from logits against torch's own interpolation."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from mpm import upsample
from mpm.upsample import argmax_bilinear


def logits(classes=5, rows=4, cols=6, seed=0):
    return torch.randn(classes, rows, cols, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("factor", [1, 2, 3, 16])
@pytest.mark.parametrize("classes", [1, 2, 11, 300])
def test_equals_interpolate_and_argmax(factor, classes):
    maps = logits(classes)
    full = F.interpolate(maps[None], scale_factor=factor, mode="bilinear", align_corners=False)[0]
    labels = argmax_bilinear(maps, (4 * factor, 6 * factor), (factor, factor))
    assert labels.dtype == (torch.uint8 if classes <= 255 else torch.int16)
    # Where they differ, two classes must be level to within rounding.
    chosen = full.gather(0, labels.long()[None])[0]
    assert (full.amax(0) - chosen).max() < 1e-5
    assert (labels == full.argmax(0)).float().mean() > 0.999


@pytest.mark.parametrize("size", [(37, 61), (64, 96), (1, 1), (64, 5)])
def test_crops_and_fractional_factors(size):
    factor = (16.25, 15.875)
    full = F.interpolate(logits()[None], scale_factor=factor, mode="bilinear", align_corners=False)[0]
    height, width = min(size[0], full.shape[1]), min(size[1], full.shape[2])
    labels = argmax_bilinear(logits(), size, factor)
    chosen = full[:, :height, :width].gather(0, labels[:height, :width].long()[None])[0]
    assert (full[:, :height, :width].amax(0) - chosen).max() < 1e-4


def test_strips_change_nothing(monkeypatch):
    whole = argmax_bilinear(logits(), (64, 96), (16, 16))
    monkeypatch.setattr(upsample, "STRIP_ELEMENTS", 1)
    assert torch.equal(argmax_bilinear(logits(), (64, 96), (16, 16)), whole)


def test_ties_go_to_the_first_class():
    assert argmax_bilinear(torch.zeros(4, 2, 2), (8, 8), (4, 4)).eq(0).all()
