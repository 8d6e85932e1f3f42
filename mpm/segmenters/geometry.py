"""How a picture of any size becomes a padded model input (whole-image mode)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mpm.merging.grid import Grid


@dataclass(frozen=True)
class Geometry:
    """How an image of any size becomes a padded model input (whole-image mode). Sizes are width, height.

    image_wh_px    the user's image
    content_wh_px  the resized image, before padding
    padded_wh_px   the model's input: `content_wh_px` and the padding, whole patches
    scaled_down    whether it is smaller than asked for, to keep the limit on patches

    >>> import mpm
    >>> segmenter = mpm.load_segmenter("streets-vit-tiny")
    >>> geometry = segmenter.plan((1000, 500), resolution=100)
    >>> geometry.content_wh_px, geometry.padded_wh_px
    ((200, 100), (208, 112))
    >>> geometry.grid.rows, geometry.grid.cols
    (7, 13)
    """

    image_wh_px: tuple[int, int]
    content_wh_px: tuple[int, int]
    grid: Grid
    scaled_down: bool

    @property
    def padded_wh_px(self) -> tuple[int, int]:
        """Width and height of the model's input: whole patches."""
        return self.grid.cols * self.grid.patch_px, self.grid.rows * self.grid.patch_px


def plan_geometry(
    image_wh_px: tuple[int, int],
    resolution: int,
    patch_px: int,
    max_patches: int,
    centred: bool = False,
    square: bool = False,
) -> Geometry:
    """Short side to `resolution`, aspect kept, never more than `max_patches`, padded to whole patches.

    Padding goes to the right and the bottom; with centred=True to both sides, the odd pixel after the image.
    With square=True it is the long side that gets `resolution` pixels, and padding fills the square.
    Raises ValueError for an empty image or for limits below one.
    """
    width, height = image_wh_px
    if min(width, height, resolution, patch_px, max_patches) < 1:
        raise ValueError(
            "Width, height, resolution, patch_px and max_patches must be at least 1, but got "
            f"{width}, {height}, {resolution}, {patch_px}, {max_patches}."
        )
    if square:
        return _plan_square(image_wh_px, resolution, patch_px, max_patches)
    scale = resolution / min(width, height)
    content = _scaled(image_wh_px, scale)
    scaled_down = _patches(content, patch_px) > max_patches
    while _patches(content, patch_px) > max_patches:
        # The square root lands near the limit; the factor makes sure that rounding up cannot stall the loop.
        scale *= 0.995 * min(1.0, math.sqrt(max_patches / _patches(content, patch_px)))
        content = _scaled(image_wh_px, scale)
    rows, cols = math.ceil(content[1] / patch_px), math.ceil(content[0] / patch_px)
    left, top = (-side % patch_px // 2 for side in content) if centred else (0, 0)
    grid = Grid(rows, cols, patch_px, content, image_wh_px, content_xy_px=(left, top))
    return Geometry(image_wh_px, content, grid, scaled_down)


def picture_size(geometry: Geometry, max_side_px: int | None = None) -> tuple[int, int]:
    """Height and width of the picture, or of its copy whose longer side is at most that."""
    width, height = geometry.image_wh_px
    shrink = min(1.0, (max_side_px or max(width, height)) / max(width, height))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def _plan_square(image_wh_px: tuple[int, int], resolution: int, patch_px: int, max_patches: int) -> Geometry:
    patches = min(math.ceil(resolution / patch_px), math.isqrt(max_patches))
    side = min(resolution, patches * patch_px)
    content = _within(image_wh_px, side)
    grid = Grid(patches, patches, patch_px, content, image_wh_px)
    return Geometry(image_wh_px, content, grid, scaled_down=side < resolution)


def _within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Long side to `side`, rounded as by the image processors of transformers, which pad like this."""
    short, long = sorted(size)
    exact = side * short / long
    lengths = max(1, round(exact)), max(1, int(exact * long / short))
    return lengths if size[0] < size[1] else lengths[::-1]


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _patches(size: tuple[int, int], patch_px: int) -> int:
    return math.ceil(size[0] / patch_px) * math.ceil(size[1] / patch_px)
