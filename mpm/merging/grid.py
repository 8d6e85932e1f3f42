"""The patch grid: token index <-> row, column <-> pixel box of the user's image."""

from __future__ import annotations

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

    Raises ValueError for sides below 1.

    >>> import mpm
    >>> grid = mpm.Grid(rows=2, cols=3, patch_px=16, content_wh_px=(40, 32), image_wh_px=(80, 64))
    >>> grid.size
    6
    >>> grid.box(5)  # half of the last column is padding
    (64.0, 32.0, 80, 64.0)
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
                f"A grid needs rows, cols and patch_px of at least 1, but got {self.rows} x {self.cols}, "
                f"patch_px {self.patch_px}."
            )

    @property
    def size(self) -> int:
        """Number of patches, N."""
        return self.rows * self.cols

    def row_col(self, token: int) -> tuple[int, int]:
        """Row and column of a patch index. Raises IndexError outside the grid.

        >>> import mpm
        >>> mpm.Grid(rows=2, cols=3, patch_px=16).row_col(4)
        (1, 1)
        """
        if not 0 <= token < self.size:
            raise IndexError(f"Patch index must be 0 to {self.size - 1}, but got {token}.")
        return divmod(int(token), self.cols)

    def token(self, row: int, col: int) -> int:
        """Patch index of a row and column. Raises IndexError outside the grid.

        >>> import mpm
        >>> mpm.Grid(rows=2, cols=3, patch_px=16).token(1, 1)
        4
        """
        if not (0 <= row < self.rows and 0 <= col < self.cols):
            raise IndexError(f"Row, col must lie within {self.rows} x {self.cols}, but got {row}, {col}.")
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

    def inside(self, cells: tuple[int, int] | None = None) -> tuple[slice, slice]:
        """Rows and columns of the patches that touch the image: where it is padded to a square, not all.

        cells: of another raster that divides the model's input evenly, its rows and columns.
        """
        rows, cols = cells or (self.rows, self.cols)
        (left, top), (width, height) = self.content_xy_px, self._content()
        return (
            _touched(top, height, self.rows * self.patch_px, rows),
            _touched(left, width, self.cols * self.patch_px, cols),
        )

    def box(self, token: int) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of a patch in pixels of the user's image, clipped to it.

        Raises IndexError outside the grid.

        >>> import mpm
        >>> mpm.Grid(rows=2, cols=3, patch_px=16).box(4)
        (16.0, 16.0, 32.0, 32.0)
        """
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


def _clip(value: float, high: float) -> float:
    return min(max(value, 0), high)


def _touched(start: int, length: int, whole: int, parts: int) -> slice:
    """Which of the equal parts of a side some of its pixels lie in."""
    return slice(start * parts // whole, -(-(start + length) * parts // whole))
