"""Houses: a facade along the street, a gable end towards the camera, and a roof."""

from __future__ import annotations

import numpy as np

from mpm.streets.camera import NEAR_M, Camera
from mpm.streets.canvas import BUILDING, Canvas
from mpm.streets.colours import Colour, Direction
from mpm.streets.facades import facade_tile
from mpm.streets.house_styles import Style, house_style
from mpm.streets.lighting import Light, LocalLight
from mpm.streets.textures import WALL_PX_PER_M
from mpm.streets.things import Lot

_CHIMNEY = (134, 78, 62)


def paint_house(canvas: Canvas, camera: Camera, light: Light, lot: Lot, covered_m: float) -> None:
    """Paint roof, gable end and facade of one lot; the nearer neighbour hides the gable up to covered_m."""
    style, x, deep = house_style(lot.seed), lot.side * lot.line_m, lot.side * (lot.line_m + 9)
    _roof(canvas, camera, light, lot, style, x, deep)
    gable = np.array([[x, 0, lot.start_m], [deep, 0, lot.start_m]])[:: lot.side]
    if lot.start_m > 1.0 and covered_m == 0:
        _wall(canvas, camera, light, lot, style, gable, (0.0, 0.0, -1.0), gable_end=True)
    elif lot.start_m > 1.0 and covered_m < lot.height_m:
        colour = light.at(x, lot.height_m, lot.start_m).colour(style.wall, (0, 0, -1))
        _fill(canvas, camera, np.concatenate([gable, gable[::-1] + (0, lot.height_m, 0)]), colour)
    # The far end is on the inner side: left to right runs towards us on the right, away on the left.
    ends = [lot.end_m, lot.start_m][:: lot.side]
    front = np.array([[x, 0, ends[0]], [x, 0, ends[1]]])
    _wall(canvas, camera, light, lot, style, front, (-float(lot.side), 0.0, 0.0), gable_end=False)


def _roof(
    canvas: Canvas, camera: Camera, light: Light, lot: Lot, style: Style, x: float, deep: float
) -> None:
    if style.roof_rise_m == 0:
        return
    ridge, over = (x + deep) / 2, lot.side * 0.35
    eave, top, z0, z1 = lot.height_m, lot.height_m + style.roof_rise_m, lot.start_m, lot.end_m
    local = light.at(x - lot.side, top, max(lot.start_m, 1))
    side = np.array(
        [[x - over, eave - 0.1, z0], [x - over, eave - 0.1, z1], [ridge, top, z1], [ridge, top, z0]]
    )
    rise = style.roof_rise_m
    _fill(canvas, camera, side, local.colour(style.roof, _unit(-lot.side * rise, abs(ridge - x), 0)))
    if lot.start_m > 1:
        end = np.array([[x, eave, z0], [deep, eave, z0], [ridge, top, z0]])
        _fill(canvas, camera, end, local.colour(style.wall, (0, 0, -1)))
    rng = np.random.default_rng(lot.seed + 1)
    for _ in range(1 + int(rng.random() * 2)):
        z = z0 + (z1 - z0) * rng.random()
        _chimney(canvas, camera, local, ridge - over, top, z)


def _chimney(canvas: Canvas, camera: Camera, local: LocalLight, x: float, top: float, z: float) -> None:
    if z < 2:
        return
    wide, low, tall = 0.45, top - 0.7, top + 1.0
    flank = x - wide if x > 0 else x + wide  # the side towards the street
    side = np.array([[flank, low, z], [flank, tall, z], [flank, tall, z + 0.9], [flank, low, z + 0.9]])
    left, right = x - wide, x + wide
    front = np.array([[left, low, z], [left, tall, z], [right, tall, z], [right, low, z]])
    _fill(canvas, camera, side, local.colour(_CHIMNEY, (-1.0 if x > 0 else 1.0, 0, 0)))
    _fill(canvas, camera, front, local.colour(_CHIMNEY, (0, 0, -1)))


def _fill(canvas: Canvas, camera: Camera, corners: np.ndarray, colour: Colour) -> None:
    points = camera.polygon(corners)
    if points is not None:
        canvas.poly(points, colour, BUILDING)


def _unit(x: float, y: float, z: float) -> Direction:
    length = (x * x + y * y + z * z) ** 0.5
    return x / length, y / length, z / length


def _wall(
    canvas: Canvas,
    camera: Camera,
    light: Light,
    lot: Lot,
    style: Style,
    base: np.ndarray,
    normal: Direction,
    gable_end: bool,
) -> None:
    """One upright wall on base[0] -> base[1] (left to right on the picture), lot.height_m tall."""
    shown = _in_sight(camera, base)
    if shown is None:
        return
    foot = np.array([base[0] + (base[1] - base[0]) * t for t in shown])
    depth = float(np.clip(camera.view(foot)[:, 2].min(), 2.2, 60))
    scale = float(np.clip(camera.focal_px / depth * 0.5, 7, WALL_PX_PER_M * 1.2))
    tile = facade_tile(light, lot, style, base, normal, shown, scale, gable_end)
    corners = np.concatenate([foot + (0, lot.height_m, 0), foot[::-1]])
    canvas.quad(tile, camera.to_pixels(camera.view(corners)), BUILDING)


def _in_sight(camera: Camera, base: np.ndarray) -> tuple[float, float] | None:
    """The share (from, to) of a wall between the near plane and the picture's left and right edges."""
    seen = camera.view(base)
    slope = camera.centre_px / camera.focal_px
    low, high = 0.0, 1.0
    # Each bound is linear along the wall: a value at both ends that must be positive.
    for start, end in (
        (seen[:, 2] - NEAR_M - 0.3),
        (slope * seen[:, 2] + seen[:, 0] + 0.1),
        (slope * seen[:, 2] - seen[:, 0] + 0.1),
    ):
        if start <= 0 and end <= 0:
            return None
        if start < 0 or end < 0:
            cut = start / (start - end)
            low, high = (max(low, cut), high) if start < 0 else (low, min(high, cut))
    return (low, high) if high - low > 1e-3 else None
