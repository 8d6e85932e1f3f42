"""What cars there are: their side profiles, where they stand and the ground they cover."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mpm.streets.colours import Direction
from mpm.streets.things import Thing

Profile = tuple[tuple[float, float], ...]

# (z forward, y up) from the front bumper over the roof to the rear bumper; the last two fields
# are the profile edges that are windscreen and rear window.
PROFILES: dict[str, tuple[Profile, int, int]] = {
    "hatch": (
        (
            (2.0, 0.34),
            (2.05, 0.62),
            (1.88, 0.84),
            (0.98, 1.02),
            (0.22, 1.47),
            (-1.35, 1.48),
            (-1.82, 1.05),
            (-1.95, 0.86),
            (-1.98, 0.36),
        ),
        3,
        5,
    ),
    "saloon": (
        (
            (2.25, 0.33),
            (2.28, 0.6),
            (2.08, 0.80),
            (1.02, 0.96),
            (0.30, 1.41),
            (-1.0, 1.43),
            (-1.68, 1.04),
            (-2.2, 0.98),
            (-2.28, 0.7),
            (-2.26, 0.36),
        ),
        3,
        5,
    ),
    "van": (
        (
            (2.3, 0.38),
            (2.36, 0.8),
            (2.14, 1.08),
            (1.72, 1.2),
            (1.12, 2.05),
            (-2.3, 2.12),
            (-2.42, 1.2),
            (-2.44, 0.8),
            (-2.42, 0.4),
        ),
        3,
        5,
    ),
}


@dataclass(frozen=True)
class Frame:
    """Where a car stands: its own right, up and forward axes in street coordinates."""

    x_m: float
    z_m: float
    heading: float

    def place(self, points: np.ndarray) -> np.ndarray:
        cos, sin = np.cos(self.heading), np.sin(self.heading)
        out = np.empty_like(points)
        out[:, 0] = self.x_m + points[:, 0] * cos + points[:, 2] * sin
        out[:, 1] = points[:, 1]
        out[:, 2] = self.z_m - points[:, 0] * sin + points[:, 2] * cos
        return out

    def turn(self, normal: Direction) -> Direction:
        cos, sin = np.cos(self.heading), np.sin(self.heading)
        return (normal[0] * cos + normal[2] * sin, normal[1], -normal[0] * sin + normal[2] * cos)


@lru_cache(maxsize=1024)
def car_kind(seed: int) -> str:
    return str(np.random.default_rng(seed).choice(["hatch", "saloon", "van"], p=[0.5, 0.36, 0.14]))


def car_footprint(thing: Thing) -> tuple[np.ndarray, float]:
    """(4, 3) corners on the ground and the height, for the shadow."""
    kind = car_kind(thing.seed)
    profile = PROFILES[kind][0]
    front, rear = max(p[0] for p in profile), min(p[0] for p in profile)
    box = np.array(
        [[-0.84, 0, front - 0.1], [0.84, 0, front - 0.1], [0.84, 0, rear + 0.1], [-0.84, 0, rear + 0.1]]
    )
    return Frame(thing.x_m, thing.z_m, thing.heading_rad).place(box), max(p[1] for p in profile) - 0.25
