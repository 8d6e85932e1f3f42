"""A run as pictures: its mask over the photo, and which patches became one. NumPy only, nothing is shown."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from mpm.errors import InputError
from mpm.merging.grid import Grid
from mpm.merging.trace import MergeTrace, TraceBatch
from mpm.segmenters.preprocess import as_rgb

OPACITY = 0.55
"""Of a mask's colours over the picture."""
BAND_ROWS = 16
LINE_RGB = (255, 255, 255)


def draw_mask(image: Any, labels: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The mask's colours over the picture: (H, W, 3) uint8 RGB.

    image: PIL image or (H, W, 3) uint8 RGB. labels: (H, W) integers, rows of the palette (classes, 3) uint8.
    Raises InputError where picture and labels differ in size.

    >>> import numpy as np
    >>> import mpm
    >>> labels = np.array([[0, 3], [3, 3]])
    >>> mpm.draw_mask(np.zeros((2, 2, 3), np.uint8), labels, mpm.STREETS.palette).shape
    (2, 2, 3)
    """
    rgb = as_rgb(image)
    _check_size(rgb, labels.shape[::-1], "mask")
    offsets, table = palette.astype(np.intp) << 8, _blend_table()
    drawn = np.empty_like(rgb)
    # A band of rows at a time: places in the table weigh eight times as much as the picture.
    for top in range(0, len(rgb), BAND_ROWS):
        band = slice(top, top + BAND_ROWS)
        table.take(offsets.take(labels[band], 0) | rgb[band], out=drawn[band])
    return drawn


def draw_merges(image: Any, trace: MergeTrace | TraceBatch, stage: int | None = None) -> np.ndarray:
    """What is left of the picture: each group of patches in its mean colour, with lines between groups.

    image: the picture that was run, PIL image or (H, W, 3) uint8 RGB. stage: after so many insertions; None:
    after all of them. Patches that lie apart and are one token have one colour. Returns (H, W, 3) uint8.
    Raises InputError for a picture of another size, IndexError for a stage that is not there.

    >>> import numpy as np
    >>> import mpm
    >>> trace = mpm.MergeTrace(mpm.Grid(rows=1, cols=2, patch_px=2))
    >>> picture = np.full((2, 4, 3), 90, np.uint8)
    >>> mpm.draw_merges(picture, trace)[0, :, 0].tolist()  # a line where the second patch begins
    [90, 90, 255, 90]
    """
    rgb = as_rgb(image)
    grid = trace.grid
    _check_size(rgb, grid.image_wh_px or (grid.cols * grid.patch_px, grid.rows * grid.patch_px), "trace")
    groups = trace.groups(len(trace.stages) if stage is None else stage)
    rows, cols = patches_of_pixels(grid, (rgb.shape[1], rgb.shape[0]))
    named = groups[rows[:, None], cols]
    drawn = _mean_colours(rgb, named, grid.size)[named]
    drawn[:, 1:][named[:, 1:] != named[:, :-1]] = LINE_RGB
    drawn[1:][named[1:] != named[:-1]] = LINE_RGB
    return drawn


def patches_of_pixels(grid: Grid, image_wh_px: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Patch row of each pixel row of the user's image, (H,), and patch column of each column, (W,): int64."""
    found = []
    sides = zip(image_wh_px, grid.patch_wh_px(), grid.pad_xy_px(), (grid.cols, grid.rows), strict=True)
    for length, patch, pad, most in sides:
        # A pixel belongs to the patch that its centre lies in.
        found.append(((np.arange(length) + 0.5 + pad) / patch).astype(np.int64).clip(0, most - 1))
    return found[1], found[0]


def _mean_colours(rgb: np.ndarray, named: np.ndarray, names: int) -> np.ndarray:
    """(names, 3) uint8: mean colour of the pixels of each name, black for names without any."""
    flat = named.ravel()
    pixels = np.bincount(flat, minlength=names).clip(1)
    sums = [np.bincount(flat, rgb[:, :, channel].ravel(), names) for channel in range(3)]
    return (np.stack(sums, axis=1) / pixels[:, None]).round().astype(np.uint8)


def _check_size(rgb: np.ndarray, expected_wh_px: tuple[int, ...], what: str) -> None:
    got = (rgb.shape[1], rgb.shape[0])
    if tuple(expected_wh_px) != got:
        width, height = expected_wh_px
        raise InputError(
            f"The {what} is of a picture of {width} x {height} pixels, but this one has {got[0]} x {got[1]}."
        )


@cache
def _blend_table() -> np.ndarray:
    """(65536,) uint8: what 256 * colour + pixel becomes under a mask, for all of both."""
    colour, pixel = np.arange(256, dtype=np.float32)[:, None], np.arange(256, dtype=np.uint8)
    mixed = OPACITY * colour + (1 - OPACITY) * pixel
    table = mixed.round().astype(np.uint8).ravel()
    table.flags.writeable = False
    return table
