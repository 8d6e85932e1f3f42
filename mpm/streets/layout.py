"""Where everything stands: drawn from the seed alone, so that the other dials never move a wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpm.streets.camera import Camera
from mpm.streets.canvas import OVERSAMPLE
from mpm.streets.placing import place_things
from mpm.streets.things import Lot, Thing

START_M, END_M = -6, 84


@dataclass(frozen=True)
class Layout:
    """A street without its light: camera, widths, lots and things."""

    camera: Camera
    half_road_m: float
    pavement_m: tuple[float, float]
    crossing: tuple[float, float] | None
    zebra_m: float | None
    lots: tuple[Lot, ...]
    things: tuple[Thing, ...]
    noon_azimuth_rad: float
    fogginess: float
    marks: str
    tone: int
    lamps: tuple[tuple[float, float, float], ...]


def make_layout(rng: np.random.Generator, width_px: int, height_px: int) -> Layout:
    """Draw a street's layout."""
    half_road = 3.1 + 2.2 * rng.random()
    pavement = tuple(1.9 + 2.2 * rng.random(2))
    crossing = _crossing(rng)
    camera = _camera(rng, half_road, pavement, width_px, height_px)
    lots = tuple(
        lot for side in (-1, 1) for lot in _lots(rng, side, half_road + pavement[side > 0], crossing)
    )
    zebra = None
    if rng.random() < 0.35:
        zebra = crossing[0] - 3.4 if crossing else 8.0 + 8 * rng.random()
    things, lamps = place_things(rng, camera, half_road, pavement, crossing, zebra, lots)
    marks = str(rng.choice(["dashed", "solid", "double"], p=[0.6, 0.2, 0.2]))
    return Layout(
        camera,
        half_road,
        pavement,
        crossing,
        zebra,
        lots,
        things,
        float(rng.uniform(-2.2, 2.2)),
        float(rng.random()),
        marks,
        int(rng.integers(1 << 30)),
        lamps,
    )


def _crossing(rng: np.random.Generator) -> tuple[float, float] | None:
    pick, start, width = rng.random(3)
    return None if pick > 0.34 else (11 + 13 * start, 18 + 13 * start + 3 * width)


def _camera(
    rng: np.random.Generator, half_road: float, pavement: tuple[float, float], width_px: int, height_px: int
) -> Camera:
    where, lateral, height, tilt, yaw, focal, bend, bends = rng.random(8)
    if where < 0.8:  # in a lane
        x, turn = half_road * (-0.8 + 0.95 * lateral), 0.16 * (yaw - 0.5)
    else:  # on a kerb, turned towards the street
        side = -1 if where < 0.9 else 1
        x, turn = side * (half_road + 0.1 + 0.5 * lateral), -side * (0.05 + 0.22 * yaw)
    size = OVERSAMPLE * np.sqrt(width_px * height_px * 4 / 3)
    return Camera(
        focal_px=float(size * (0.78 + 0.34 * focal)),
        centre_px=OVERSAMPLE * width_px / 2,
        horizon_px=OVERSAMPLE * height_px * (0.40 + 0.16 * tilt),
        x_m=float(x),
        height_m=1.25 + 0.55 * height,
        yaw_rad=float(turn),
        bend_per_m=0.0 if bends < 0.45 else float(0.018 * (bend - 0.5)),
    )


def _lots(
    rng: np.random.Generator, side: int, line: float, crossing: tuple[float, float] | None
) -> list[Lot]:
    z, lots = float(START_M) - 8 * rng.random(), []
    base, green = 6.5 + 6 * rng.random(), 0.12 + 0.3 * rng.random()
    while z < END_M:
        width, rise, pick = 6 + 9 * rng.random(), rng.standard_normal(), rng.random()
        seed = int(rng.integers(1 << 30))
        end = z + width
        if crossing and z < crossing[0] < end + 2.5:
            end = max(crossing[0], z + 1.5)
        kind = "park" if pick < green else "house"
        lots.append(Lot(kind, side, z, end, line, float(np.clip(base + 1.7 * rise, 4.5, 15)), seed))
        z = end
        if crossing and abs(z - crossing[0]) < 0.01:
            lots.append(Lot("gap", side, z, crossing[1], line, 0.0, seed))
            z = crossing[1]
    return lots
