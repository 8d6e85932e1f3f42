"""The patch grid: token index <-> row, column <-> pixel box of the user's image."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Grid:
    """Patches of one image in raster order.

    `patch_px` is the side of a patch in pixels of the model's input. `content_wh_px` is the resized image
    inside that input, its left top corner at `content_xy_px` (the rest is padding), and `image_wh_px` the
    user's image that it was resized from; left out, both are the whole input. Where tokens have merged,
    `positions` (B, M) int64 is the patch index of each token's representative; None: token t is patch t.
    """

    rows: int
    cols: int
    patch_px: int
    content_wh_px: tuple[int, int] | None = None
    image_wh_px: tuple[int, int] | None = None
    positions: Tensor | None = field(default=None, compare=False, repr=False)
    content_xy_px: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if min(self.rows, self.cols, self.patch_px) < 1:
            raise ValueError(
                f"a grid needs rows, cols and patch_px of at least 1, but got {self.rows} x {self.cols}, "
                f"patch_px {self.patch_px}"
            )

    @property
    def size(self) -> int:
        """Number of patches, N."""
        return self.rows * self.cols

    def row_col(self, token: int) -> tuple[int, int]:
        """Row and column of a patch index. Raises IndexError outside the grid."""
        if not 0 <= token < self.size:
            raise IndexError(f"patch index must be 0 to {self.size - 1}, but got {token}")
        return divmod(int(token), self.cols)

    def token(self, row: int, col: int) -> int:
        """Patch index of a row and column. Raises IndexError outside the grid."""
        if not (0 <= row < self.rows and 0 <= col < self.cols):
            raise IndexError(f"row, col must lie within {self.rows} x {self.cols}, but got {row}, {col}")
        return row * self.cols + col

    def patch_wh_px(self) -> tuple[float, float]:
        """Width and height of a patch in pixels of the user's image."""
        content_w, content_h = self._content()
        image_w, image_h = self._image()
        return self.patch_px * image_w / content_w, self.patch_px * image_h / content_h

    def pad_xy_px(self) -> tuple[float, float]:
        """Width and height of the padding left of and above the image, in pixels of the user's image."""
        (content_w, content_h), (image_w, image_h) = self._content(), self._image()
        return self.content_xy_px[0] * image_w / content_w, self.content_xy_px[1] * image_h / content_h

    def box(self, token: int) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of a patch in pixels of the user's image, clipped to it."""
        row, col = self.row_col(token)
        width, height = self.patch_wh_px()
        pad_x, pad_y = self.pad_xy_px()
        image_w, image_h = self._image()
        return (
            _clip(col * width - pad_x, image_w),
            _clip(row * height - pad_y, image_h),
            _clip((col + 1) * width - pad_x, image_w),
            _clip((row + 1) * height - pad_y, image_h),
        )

    def _content(self) -> tuple[int, int]:
        return self.content_wh_px or (self.cols * self.patch_px, self.rows * self.patch_px)

    def _image(self) -> tuple[int, int]:
        return self.image_wh_px or self._content()


@dataclass(frozen=True)
class Geometry:
    """How an image of any size becomes a padded model input (whole-image mode)."""

    image_wh_px: tuple[int, int]
    content_wh_px: tuple[int, int]
    grid: Grid
    scaled_down: bool

    @property
    def padded_wh_px(self) -> tuple[int, int]:
        return self.grid.cols * self.grid.patch_px, self.grid.rows * self.grid.patch_px


def plan_geometry(
    image_wh_px: tuple[int, int], resolution: int, patch_px: int, max_patches: int, centred: bool = False
) -> Geometry:
    """Short side to `resolution`, aspect kept, never more than `max_patches`, padded to whole patches.

    Padding goes to the right and the bottom; with centred=True to both sides, the odd pixel after the image.
    Raises ValueError for an empty image or for limits below one.
    """
    width, height = image_wh_px
    if min(width, height, resolution, patch_px, max_patches) < 1:
        raise ValueError(
            "width, height, resolution, patch_px and max_patches must be at least 1, but got "
            f"{width}, {height}, {resolution}, {patch_px}, {max_patches}"
        )
    scale = resolution / min(width, height)
    content = _scaled(image_wh_px, scale)
    scaled_down = _patches(content, patch_px) > max_patches
    while _patches(content, patch_px) > max_patches:
        # The square root lands near the limit; the factor makes sure that rounding up cannot stall the loop.
        scale *= 0.995 * min(1.0, math.sqrt(max_patches / _patches(content, patch_px)))
        content = _scaled(image_wh_px, scale)
    rows, cols = math.ceil(content[1] / patch_px), math.ceil(content[0] / patch_px)
    corner = tuple(-side % patch_px // 2 for side in content) if centred else (0, 0)
    grid = Grid(rows, cols, patch_px, content, image_wh_px, content_xy_px=corner)
    return Geometry(image_wh_px, content, grid, scaled_down)


def _clip(value: float, high: float) -> float:
    return min(max(value, 0), high)


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _patches(size: tuple[int, int], patch_px: int) -> int:
    return math.ceil(size[0] / patch_px) * math.ceil(size[1] / patch_px)
