"""The picture of a wall, drawn in the whole wall's pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mpm.streets.colours import Colour, Spot


@dataclass(frozen=True)
class Sheet:
    """The part of a wall's picture in sight: pixels (h, w, 3), its offset and the whole wall's size."""

    pixels: np.ndarray
    px: float
    left: int
    width: int
    height: int

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """Fill a rectangle given in the whole wall's pixels."""
        left, right = round(x0) - self.left, round(x1) - self.left - 1
        if right >= 0 and left < self.pixels.shape[1]:
            cv2.rectangle(self.pixels, (left, round(y0)), (right, round(y1) - 1), colour, -1)

    def ellipse(self, centre: Spot, axes: Spot, colour: Colour, start: int = 0, stop: int = 360) -> None:
        middle = (round(centre[0]) - self.left, round(centre[1]))
        cv2.ellipse(
            self.pixels, middle, (max(1, round(axes[0])), max(1, round(axes[1]))), 0, start, stop, colour, -1
        )
