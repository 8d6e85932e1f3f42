"""Labels from logits against torch's own interpolation: every pixel, at any factor and crop."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mpm.segmenters import exact_argmax, upsample
from mpm.segmenters.upsample import argmax_bilinear


def noise(classes=5, rows=4, cols=6, seed=0):
    return torch.randn(classes, rows, cols, generator=torch.Generator().manual_seed(seed))


def smooth(classes=5, rows=12, cols=18, seed=0):
    blurred = [cv2.GaussianBlur(one.numpy(), (0, 0), 3) for one in noise(classes, rows, cols, seed)]
    return torch.from_numpy(np.stack(blurred))


def reference(maps, factor):
    full = F.interpolate(maps[None], scale_factor=factor, mode="bilinear", align_corners=False)
    return full.argmax(1)[0]


def check(maps, factor, size=None):
    whole = reference(maps, factor)
    size = size or tuple(whole.shape)
    labels = argmax_bilinear(maps, size, factor)
    assert labels.dtype == (torch.uint8 if maps.shape[0] <= 255 else torch.int16)
    assert torch.equal(labels.long(), whole[: size[0], : size[1]])


@pytest.fixture(params=["by cells", "by classes"])
def way(request, monkeypatch):
    monkeypatch.setattr(exact_argmax, "MAX_SHARE", 1.0 if request.param == "by cells" else -1.0)


@pytest.mark.parametrize("factor", [1.0, 2.0, 3.0, 7.0, 16.0, 16.25, 15.6, 0.75])
@pytest.mark.parametrize("classes", [1, 2, 11, 300])
@pytest.mark.parametrize("maps", [noise, smooth])
def test_equals_interpolate_and_argmax(factor, classes, maps, way):
    check(maps(classes, 12, 18), (factor, factor))


@pytest.mark.parametrize("size", [(37, 61), (150, 3), (1, 1), (2, 200), (195, 288), (90, 16)])
@pytest.mark.parametrize("factor", [(16.0, 16.0), (16.25, 16.04), (19.9, 16.0)])
def test_any_crop(size, factor, way):
    check(smooth(), factor, (min(size[0], int(12 * factor[0])), min(size[1], int(18 * factor[1]))))


@pytest.mark.parametrize("grid", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_narrow_grids(grid, way):
    check(noise(7, *grid), (40.0, 30.0))


def test_factors_that_keep_the_number_of_rows_or_columns(way):
    # F.interpolate copies there: 18 columns at 1.05 are 18 columns again.
    check(smooth(11), (12.7, 1.05))
    check(smooth(11), (12.7, 4.3), (90, 18))


def test_a_size_a_pixel_beyond_the_grids_share_continues_its_border():
    labels = argmax_bilinear(smooth(), (12 * 16 + 1, 18 * 16), (16.0, 16.0))
    assert torch.equal(labels[:-1].long(), reference(smooth(), 16.0))
    assert torch.equal(labels[-1], labels[-2])


@pytest.mark.parametrize("factor", [16.0, 3.0, 11.3])
def test_close_calls_are_decided_as_torch_rounds(factor, way, monkeypatch):
    # Pairs of classes that differ by an ulp or so nearly everywhere, in either order, and exact copies.
    maps = smooth(8)
    maps[3] = maps[2] * (1 + 2e-7)
    maps[4] = maps[5] + 1e-7 * noise(1, 12, 18)[0]
    maps[7] = maps[1]
    monkeypatch.setattr(exact_argmax, "MAX_CLOSE_PIXELS", 10**9)
    check(maps, (factor, factor))


@pytest.mark.parametrize("limit", [0, 10**9])
def test_maps_full_of_exact_ties(limit, way, monkeypatch):
    monkeypatch.setattr(exact_argmax, "MAX_CLOSE_PIXELS", limit)
    check((smooth(6) * 8).round() / 8, (16.0, 16.0))
    check(smooth(6).bfloat16().float(), (5.0, 5.0))


def test_ties_go_to_the_first_class(way):
    assert argmax_bilinear(torch.zeros(4, 12, 18), (192, 288), (16, 16)).eq(0).all()
    maps = torch.zeros(4, 12, 18)
    maps[2:] = 1
    assert argmax_bilinear(maps, (192, 288), (16, 16)).eq(2).all()


def test_blocks_change_nothing(monkeypatch):
    whole = argmax_bilinear(smooth(20), (192, 288), (16, 16))
    monkeypatch.setattr(exact_argmax, "BLOCK_ELEMENTS", 1)
    assert torch.equal(argmax_bilinear(smooth(20), (192, 288), (16, 16)), whole)


def test_chunks_of_classes_change_nothing(monkeypatch):
    # As on an accelerator: several class maps at a time.
    maps = smooth(20)
    whole = reference(maps, 16.0)
    monkeypatch.setattr(upsample, "_chunk", lambda size, device: 3)
    labels = upsample._labels_by_classes(maps, (192, 288), (16.0, 16.0), torch.uint8)
    assert torch.equal(labels.long(), whole)


def test_few_classes_are_interpolated_on_smooth_maps(monkeypatch):
    rounds = []
    plain = exact_argmax._interpolate
    monkeypatch.setattr(exact_argmax, "_interpolate", lambda *a: rounds.append(a[0].shape[1]) or plain(*a))
    check(smooth(150), (16.0, 16.0))
    cells = 13 * 19
    assert 0 < sum(rounds) < 3 * cells, "far from 150 a cell"


def test_values_that_are_not_finite_still_give_labels():
    maps = smooth()
    maps[1] = -torch.inf
    check(maps.clamp(min=-1e30), (16.0, 16.0))
    assert not argmax_bilinear(maps, (192, 288), (16, 16)).eq(1).any()


def test_other_layouts_and_types_are_read_as_contiguous_float32():
    maps = smooth(9)
    strided = maps.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    assert torch.equal(argmax_bilinear(strided, (192, 288), (16, 16)).long(), reference(maps, 16.0))
    half = maps.bfloat16()
    assert torch.equal(argmax_bilinear(half, (192, 288), (16, 16)).long(), reference(half.float(), 16.0))
    assert maps.equal(smooth(9)), "arguments are left alone"
