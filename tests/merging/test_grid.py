from __future__ import annotations

import pytest

from mpm.merging.grid import Grid
from mpm.segmenters.geometry import plan_geometry


def test_index_and_box():
    grid = Grid(2, 3, 16)
    assert grid.row_col(4) == (1, 1)
    assert grid.token(1, 1) == 4
    assert grid.box(4) == (16, 16, 32, 32)
    for token in range(grid.size):
        assert grid.token(*grid.row_col(token)) == token
    with pytest.raises(IndexError):
        grid.row_col(6)
    with pytest.raises(IndexError):
        grid.token(0, 3)
    with pytest.raises(ValueError):
        Grid(0, 3, 16)


def test_boxes_are_clipped_to_the_user_image():
    # 100 x 50 picture shown to the model at 40 x 20, padded to 48 x 32: a patch is 40 user pixels wide.
    grid = Grid(2, 3, 16, content_wh_px=(40, 20), image_wh_px=(100, 50))
    assert grid.box(0) == (0, 0, 40, 40)
    assert grid.box(5) == (80, 40, 100, 50)


@pytest.mark.parametrize(
    "size", [(480, 360), (360, 480), (512, 512), (1, 1), (6000, 200), (3, 9000), (17, 4096)]
)
@pytest.mark.parametrize("max_patches", [8192, 100, 1])
def test_geometry(size, max_patches):
    geometry = plan_geometry(size, resolution=360, patch_px=16, max_patches=max_patches)
    grid = geometry.grid
    assert 1 <= grid.size <= max_patches
    width, height = geometry.content_wh_px
    assert 0 <= grid.cols * 16 - width < 16 and 0 <= grid.rows * 16 - height < 16
    if not geometry.scaled_down:
        assert min(width, height) == 360
    if min(width, height) > 20:
        assert width / height == pytest.approx(size[0] / size[1], rel=0.06)
    assert grid.box(grid.size - 1)[2:] == size


def test_geometry_of_the_usual_sizes():
    geometry = plan_geometry((480, 360), 360, 16, 8192)
    assert (geometry.content_wh_px, geometry.grid.rows, geometry.grid.cols) == ((480, 360), 23, 30)
    assert not geometry.scaled_down
    assert plan_geometry((6000, 200), 360, 16, 8192).scaled_down


def test_centred_padding_lies_on_both_sides():
    # 480 x 360 in patches of 14: 490 x 364, so 5 pixels left and right, 2 above and below.
    grid = plan_geometry((480, 360), 360, 14, 8192, centred=True).grid
    assert grid.content_xy_px == (5, 2)
    assert grid.box(0) == (0, 0, 9, 12)
    assert grid.box(grid.token(1, 1)) == (9, 12, 23, 26)
    assert grid.box(grid.size - 1) == (471, 348, 480, 360)
    # The model sees half the size; 35 pixels need 7 more, 3 of them before.
    odd = plan_geometry((70, 70), 35, 14, 8192, centred=True).grid
    assert odd.content_xy_px == (3, 3)
    assert odd.box(0) == (0, 0, 22, 22)
