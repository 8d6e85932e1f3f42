"""A pinhole camera over a street whose centre line may bend."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

NEAR_M = 0.5


@dataclass(frozen=True)
class Camera:
    """Street coordinates (x right of the centre line, y up, z along the street, metres) to canvas pixels.

    The pitch is a shift of the horizon row, so uprights stay upright on the picture.
    """

    focal_px: float
    centre_px: float
    horizon_px: float
    x_m: float
    height_m: float
    yaw_rad: float
    bend_per_m: float

    def view(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) street points -> (n, 3) right, up and depth seen from the camera, metres."""
        z = points[:, 2]
        x = points[:, 0] - self.x_m
        if self.bend_per_m:
            x += 0.5 * self.bend_per_m * z * np.abs(z)
        cos, sin = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        seen = np.empty((len(points), 3))
        seen[:, 0] = x * cos - z * sin
        seen[:, 1] = points[:, 1] - self.height_m
        seen[:, 2] = x * sin + z * cos
        return seen

    def to_pixels(self, seen: np.ndarray) -> np.ndarray:
        """(n, 3) view points in front of the camera -> (n, 2) canvas pixels."""
        pixels = seen[:, :2] * (self.focal_px / seen[:, 2:])
        pixels[:, 0] += self.centre_px
        pixels[:, 1] = self.horizon_px - pixels[:, 1]
        return pixels

    def polygon(self, points: np.ndarray) -> np.ndarray | None:
        """(n, 3) street points -> (m, 2) pixels, cut at the near plane; None when wholly behind it."""
        seen = self.view(points)
        if seen[:, 2].min() < NEAR_M:
            if seen[:, 2].max() < NEAR_M:
                return None
            seen = _cut_near(seen)
        return self.to_pixels(seen)

    def spot(self, x_m: float, y_m: float, z_m: float) -> tuple[float, float, float]:
        """One street point -> column px, row px and px per metre there (0 behind the camera)."""
        x = x_m - self.x_m + 0.5 * self.bend_per_m * z_m * abs(z_m)
        cos, sin = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        depth = x * sin + z_m * cos
        if depth < NEAR_M:
            return 0.0, 0.0, 0.0
        scale = self.focal_px / depth
        column = self.centre_px + (x * cos - z_m * sin) * scale
        return column, self.horizon_px - (y_m - self.height_m) * scale, scale

    def shows(self, column_px: float, half_width_px: float) -> bool:
        """Whether something this wide around a column reaches into the picture."""
        return -half_width_px < column_px < 2 * self.centre_px + half_width_px

    def ground_at(self, columns_px: np.ndarray, rows_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Canvas pixels below the horizon -> street x and z (metres) of the ground seen there."""
        depth = self.focal_px * self.height_m / np.maximum(rows_px - self.horizon_px, 0.5)
        right = (columns_px - self.centre_px) * depth / self.focal_px
        cos, sin = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        z = depth * cos - right * sin
        x = right * cos + depth * sin + self.x_m - 0.5 * self.bend_per_m * z * np.abs(z)
        return x, z

    def ground_matrix(self, px_per_m: float) -> np.ndarray:
        """(3, 3) homography, canvas pixels to a ground texture of px_per_m (the bend left out)."""
        to_view = np.array(
            [
                [self.height_m, 0, -self.height_m * self.centre_px],
                [0, 0, self.focal_px * self.height_m],
                [0, 1, -self.horizon_px],
            ]
        )
        cos, sin = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        turn = np.array([[cos, sin, self.x_m], [-sin, cos, 0], [0, 0, 1]])
        return np.diag([px_per_m, px_per_m, 1.0]) @ turn @ to_view


def _cut_near(seen: np.ndarray) -> np.ndarray:
    out = []
    for here, there in zip(seen, np.roll(seen, -1, axis=0), strict=True):
        if here[2] >= NEAR_M:
            out.append(here)
        if (here[2] >= NEAR_M) != (there[2] >= NEAR_M):
            out.append(here + (there - here) * (NEAR_M - here[2]) / (there[2] - here[2]))
    return np.array(out)
