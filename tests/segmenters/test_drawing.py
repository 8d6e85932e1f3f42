from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import mpm
from mpm.segmenters.drawing import LINE_RGB, OPACITY, patches_of_pixels


def insertion(index: list[int], position: list[int], block: int) -> mpm.MergeStage:
    nobody, unknown = np.full(len(index), -1), np.full(len(index), np.nan, np.float32)
    return mpm.MergeStage(block, np.array(index), nobody, nobody, unknown, np.array(position), "mutual")


@pytest.fixture
def row_of_four() -> tuple[np.ndarray, mpm.MergeTrace]:
    """A picture of one row of four patches, two pixels wide, and its two insertions."""
    picture = np.repeat(np.array([10, 30, 50, 70], np.uint8), 2)[None, :, None].repeat(2, 0).repeat(3, 2)
    stages = (insertion([0, 1, 2, 0], [0, 1, 2, 3], block=0), insertion([0, 0, 1], [0, 1, 2], block=1))
    return picture, mpm.MergeTrace(mpm.Grid(1, 4, patch_px=2), stages)


def test_groups_have_their_mean_colour_and_a_line_where_one_begins(row_of_four):
    picture, trace = row_of_four
    white = LINE_RGB[0]
    drawn = [mpm.draw_merges(picture, trace, stage)[0, :, 0].tolist() for stage in (0, 1, 2)]
    assert drawn[0] == [10, 10, white, 30, white, 50, white, 70]
    assert drawn[1] == [40, 40, white, 30, white, 50, white, 40]
    assert drawn[2] == [37, 37, 37, 37, white, 50, white, 37]  # (10 + 30 + 70) / 3


def test_without_a_stage_it_is_after_all_insertions(row_of_four):
    picture, trace = row_of_four
    assert np.array_equal(mpm.draw_merges(picture, trace), mpm.draw_merges(picture, trace, 2))
    with pytest.raises(IndexError):
        mpm.draw_merges(picture, trace, 3)


def test_every_group_of_a_real_run_has_its_mean_colour(tiny, smooth_image):
    run = tiny.segment(smooth_image, "1,2")
    before = smooth_image.copy()
    drawn = mpm.draw_merges(Image.fromarray(smooth_image), run.trace)
    assert drawn.shape == smooth_image.shape and np.array_equal(smooth_image, before)
    rows, cols = patches_of_pixels(run.grid, (90, 60))
    groups = run.trace.groups(2)[rows[:, None], cols]
    for group in np.unique(groups):
        inside = groups == group
        plain = drawn[inside & (drawn != LINE_RGB).any(2)]
        assert (np.abs(plain - smooth_image[inside].mean(0)) <= 0.5).all()


def test_pixels_lie_in_the_patches_whose_boxes_hold_them():
    # Scaled up three times, with padding on all sides: 5 x 4 pixels of content in 2 x 3 patches of 3 pixels.
    grid = mpm.Grid(2, 3, 3, content_wh_px=(5, 4), image_wh_px=(15, 12), content_xy_px=(2, 1))
    rows, cols = patches_of_pixels(grid, (15, 12))
    for y in range(12):
        for x in range(15):
            x0, y0, x1, y1 = grid.box(grid.token(int(rows[y]), int(cols[x])))
            assert x0 <= x + 0.5 <= x1 and y0 <= y + 0.5 <= y1


def test_the_mask_lies_over_the_picture():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (37, 5, 3), np.uint8)
    labels = rng.integers(0, 11, (37, 5))
    drawn = mpm.draw_mask(picture, labels, mpm.STREETS.palette)
    plain = OPACITY * mpm.STREETS.palette[labels] + (1 - OPACITY) * picture
    assert drawn.dtype == np.uint8 and np.abs(drawn - plain).max() <= 0.5 + 1e-3


def test_a_picture_of_another_size_is_refused(row_of_four):
    picture, trace = row_of_four
    with pytest.raises(mpm.InputError, match="8 x 2 pixels, but this one has 7 x 2"):
        mpm.draw_merges(picture[:, :-1], trace)
    with pytest.raises(mpm.InputError, match="9 x 2 pixels, but this one has 8 x 2"):
        mpm.draw_mask(picture, np.zeros((2, 9), int), mpm.STREETS.palette)
