"""What the figure for papers is made of, as arrays: the picture, its merges, its masks, its lines of text."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from mpm.merging.grid import Grid

FAMILY = "DejaVu Sans"
"""Comes with matplotlib, so that a figure is the same everywhere."""
POINTS_PER_INCH = 72
LINES_A_SIDE = 400
"""A border of a thing is about so many times narrower than the mask is long."""


def fitted(rgb: np.ndarray, long_side_px: int) -> np.ndarray:
    """The picture with that long side: (H, W, 3) uint8. Larger ones keep hard edges, as pixels are."""
    height, width = rgb.shape[:2]
    scale = long_side_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)


def merged_picture(picture: np.ndarray, grid: Grid, groups: np.ndarray) -> np.ndarray:
    """The picture (H, W, 3) uint8 with every group of patches in its mean colour; single patches stay.

    groups: (rows, cols), as `MergeTrace.groups` gives them. The picture may have any size: it is laid over
    the grid's own image.
    """
    rows, cols = cells_of(grid, picture.shape[1], picture.shape[0])
    group = groups[rows[:, None], cols]
    pixels = np.bincount(group.ravel(), minlength=grid.size).clip(min=1)
    sums = [np.bincount(group.ravel(), picture[..., one].ravel(), grid.size) for one in range(3)]
    mean = np.rint(np.stack(sums, axis=1) / pixels[:, None]).astype(np.uint8)
    shared = np.bincount(groups.ravel(), minlength=grid.size) > 1
    return np.where(shared[group][..., None], mean[group], picture)


def cells_of(grid: Grid, width_px: int, height_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Row of the grid for every row of pixels, and its column for every column of pixels."""
    image_w, image_h = grid.image_wh_px or (grid.cols * grid.patch_px, grid.rows * grid.patch_px)
    (patch_w, patch_h), (pad_x, pad_y) = grid.patch_wh_px(), grid.pad_xy_px()
    x = (np.arange(width_px) + 0.5) * image_w / width_px + pad_x
    y = (np.arange(height_px) + 0.5) * image_h / height_px + pad_y
    rows, cols = (y / patch_h).astype(int), (x / patch_w).astype(int)
    return rows.clip(max=grid.rows - 1), cols.clip(max=grid.cols - 1)


def outlines(grid: Grid, groups: np.ndarray) -> np.ndarray:
    """Borders of the groups of several patches: (L, 2, 2), from (x, y) to (x, y) in [0, 1] of the picture.

    Borders in one line are one. The picture's own edge is left out, and so is what lies beyond it.
    """
    shared = np.isin(groups, np.flatnonzero(np.bincount(groups.ravel()) > 1))
    below = (groups[1:] != groups[:-1]) & (shared[1:] | shared[:-1])
    right = (groups[:, 1:] != groups[:, :-1]) & (shared[:, 1:] | shared[:, :-1])
    across = [((start, row + 1), (end, row + 1)) for row, start, end in _streaks(below)]
    down = [((col + 1, start), (col + 1, end)) for col, start, end in _streaks(right.T)]
    corners = np.array([*across, *down], np.float64).reshape(-1, 2, 2)
    image = np.array(grid.image_wh_px or (grid.cols * grid.patch_px, grid.rows * grid.patch_px))
    lines = (corners * grid.patch_wh_px() - grid.pad_xy_px()) / image
    inside = ((lines.max(axis=1) > 0) & (lines.min(axis=1) < 1)).all(axis=1)
    return lines[inside].clip(0, 1)


def _streaks(lines: np.ndarray) -> list[tuple[int, int, int]]:
    """(line, first, one past the last) of every run of True in (lines, places) bool."""
    padded = np.pad(lines, ((0, 0), (1, 1))).astype(np.int8)
    steps = np.diff(padded, axis=1)
    starts, ends = np.argwhere(steps == 1), np.argwhere(steps == -1)
    return [(int(line), int(first), int(end[1])) for (line, first), end in zip(starts, ends, strict=True)]


def coloured_mask(run, palette: np.ndarray) -> np.ndarray:
    """A run's mask as (H, W, 3) uint8, with white borders of things where the model tells them apart."""
    image = palette[run.labels]
    segments = getattr(run, "segments", None)
    if segments is None:
        return image
    # The last place is that of pixels of no segment.
    things = np.array([one.is_thing for one in segments.table] + [False])
    ids = np.where(things[segments.ids], segments.ids, -1)
    width = max(1, round(max(ids.shape) / LINES_A_SIDE))
    inner = cv2.erode((ids + 1).astype(np.float32), np.ones((2 * width + 1,) * 2))
    outer = cv2.dilate((ids + 1).astype(np.float32), np.ones((2 * width + 1,) * 2))
    return np.where(((inner != outer) & (ids >= 0))[..., None], np.uint8(255), image)


def present(masks: Sequence[np.ndarray], classes: int) -> list[int]:
    """Classes that any of the masks holds, the largest first."""
    counts = np.sum([np.bincount(mask.ravel(), minlength=classes) / mask.size for mask in masks], axis=0)
    return [int(one) for one in np.argsort(-counts, kind="stable") if counts[one] > 0]


def text_width_in(text: str, size_pt: float) -> float:
    """Width of a line in inches."""
    font = FontProperties(family=FAMILY, size=size_pt)
    return TextToPath().get_text_width_height_descent(text, font, ismath=False)[0] / POINTS_PER_INCH


def wrapped(parts: Sequence[str], size_pt: float, width_in: float, between: str = " · ") -> list[str]:
    """Lines of parts that fit the width; a part that is too long for any line is cut into several."""
    lines: list[str] = []
    for part in parts:
        joined = lines[-1] + between + part if lines else part
        if lines and text_width_in(joined, size_pt) <= width_in:
            lines[-1] = joined
        else:
            lines += _cut(part, size_pt, width_in)
    return lines


def _cut(text: str, size_pt: float, width_in: float) -> list[str]:
    pieces = []
    while text_width_in(text, size_pt) > width_in and len(text) > 1:
        keep = max(1, min(len(text) - 1, int(len(text) * width_in / text_width_in(text, size_pt))))
        while keep > 1 and text_width_in(text[:keep], size_pt) > width_in:
            keep -= 1
        pieces.append(text[:keep])
        text = text[keep:]
    return [*pieces, text]
