"""The picture and its labels, painted together at twice the size and brought down at the end."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from mpm.streets.colours import Colour

OVERSAMPLE = 2
VOID = 11
SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST = range(11)


class Canvas:
    """image (H, W, 3) uint8 RGB and labels (H, W) uint8, both OVERSAMPLE times the street's size."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self.width, self.height = width_px * OVERSAMPLE, height_px * OVERSAMPLE
        self.image = np.zeros((self.height, self.width, 3), np.uint8)
        self.labels = np.full((self.height, self.width), VOID, np.uint8)

    def poly(self, points: ArrayLike, colour: Colour, label: int | None = None) -> None:
        """Fill a polygon, (n, 2) pixels; the label is left as it is when None."""
        corners = [_to_int(points)]
        cv2.fillPoly(self.image, corners, colour)
        if label is not None:
            cv2.fillPoly(self.labels, corners, label)

    def line(self, points: ArrayLike, width_px: float, colour: Colour, label: int | None = None) -> None:
        """A polyline with round ends, width_px wide."""
        corners, width = [_to_int(points)], max(1, round(width_px))
        cv2.polylines(self.image, corners, False, colour, width)
        if label is not None:
            cv2.polylines(self.labels, corners, False, label, width)

    def disc(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        colour: Colour,
        label: int | None = None,
        angle_deg: float = 0.0,
    ) -> None:
        """A filled ellipse."""
        middle = (round(centre[0]), round(centre[1]))
        axes = (max(1, round(radii[0])), max(1, round(radii[1])))
        cv2.ellipse(self.image, middle, axes, angle_deg, 0, 360, colour, -1)
        if label is not None:
            cv2.ellipse(self.labels, middle, axes, angle_deg, 0, 360, label, -1)

    def quad(
        self, tile: np.ndarray, corners: np.ndarray, label: int | None = None, alpha: np.ndarray | None = None
    ) -> None:
        """Lay a (h, w, 3) tile on corners in perspective (top left, top right, bottom right, bottom left).

        alpha (h, w) uint8 leaves holes in the picture; the label covers the whole quad.
        """
        box = self._box(corners)
        if box is None:
            return
        x0, y0, x1, y1 = box
        height, width = tile.shape[:2]
        source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        local = (corners - (x0, y0)).astype(np.float32)
        matrix = cv2.getPerspectiveTransform(source, local)
        size = (x1 - x0, y1 - y0)
        warped = cv2.warpPerspective(
            tile, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        mask: np.ndarray = np.zeros((size[1], size[0]), np.uint8)
        cv2.fillConvexPoly(mask, _to_int(local), 255)
        if label is not None:
            cv2.fillConvexPoly(self.labels[y0:y1, x0:x1], _to_int(local), label)
        if alpha is not None:
            mask &= cv2.warpPerspective(alpha, matrix, size, flags=cv2.INTER_LINEAR)
            mask = cv2.threshold(mask, 110, 255, cv2.THRESH_BINARY)[1]
        cv2.copyTo(warped, mask, self.image[y0:y1, x0:x1])

    def sprite(
        self,
        shades: np.ndarray,
        alpha: np.ndarray,
        centre: tuple[float, float],
        size: tuple[float, float],
        ramp: np.ndarray,
        label: int,
    ) -> None:
        """Paint a (h, w) sprite of shades, coloured by a (256, 3) ramp, where its alpha is set."""
        width, height = max(2, round(size[0])), max(2, round(size[1]))
        left, top = round(centre[0] - width / 2), round(centre[1] - height / 2)
        x0, y0, x1, y1 = (
            max(left, 0),
            max(top, 0),
            min(left + width, self.width),
            min(top + height, self.height),
        )
        if x1 <= x0 or y1 <= y0:
            return
        # Only the part on the canvas is resized: a near crown may be far larger than the picture.
        matrix = np.array(
            [
                [shades.shape[1] / width, 0, (x0 - left) * shades.shape[1] / width],
                [0, shades.shape[0] / height, (y0 - top) * shades.shape[0] / height],
            ]
        )
        size, flags = (x1 - x0, y1 - y0), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        mask = cv2.threshold(cv2.warpAffine(alpha, matrix, size, flags=flags), 127, 255, cv2.THRESH_BINARY)[1]
        if size[0] * size[1] > shades.size:  # colour whichever is the smaller picture
            tinted = cv2.warpAffine(cv2.LUT(cv2.merge([shades] * 3), ramp[None]), matrix, size, flags=flags)
        else:
            shade = cv2.warpAffine(shades, matrix, size, flags=flags)
            tinted = cv2.LUT(cv2.merge([shade] * 3), ramp[None])
        cv2.copyTo(tinted, mask, self.image[y0:y1, x0:x1])
        cv2.copyTo(np.full_like(mask, label), mask, self.labels[y0:y1, x0:x1])

    def finished(self) -> tuple[np.ndarray, np.ndarray]:
        """The image averaged and the labels voted down to the street's size."""
        size = (self.width // OVERSAMPLE, self.height // OVERSAMPLE)
        image = cv2.resize(self.image, size, interpolation=cv2.INTER_AREA)
        a, b = self.labels[::2, ::2], self.labels[::2, 1::2]
        c, d = self.labels[1::2, ::2], self.labels[1::2, 1::2]
        return image, np.where((b == c) | (b == d), b, np.where(c == d, c, a))

    def _box(self, corners: np.ndarray) -> tuple[int, int, int, int] | None:
        low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int) + 1
        x0, y0 = max(low[0], 0), max(low[1], 0)
        x1, y1 = min(high[0], self.width), min(high[1], self.height)
        return None if x1 <= x0 or y1 <= y0 else (int(x0), int(y0), int(x1), int(y1))


def _to_int(points: ArrayLike) -> np.ndarray:
    # OpenCV keeps fractions in the same 32 bits, so far-off corners are held in.
    whole = np.rint(points)
    return np.minimum(np.maximum(whole, -30000), 30000).astype(np.int32)
