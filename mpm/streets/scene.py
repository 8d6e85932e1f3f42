"""A street from its seed: layout, light, then everything painted from far to near."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from mpm.errors import InputError
from mpm.streets.atmosphere import develop
from mpm.streets.canvas import OVERSAMPLE, Canvas
from mpm.streets.dials import Dials
from mpm.streets.fences import paint_fence
from mpm.streets.furniture import (
    paint_billboard,
    paint_bollard,
    paint_lamp,
    paint_lights,
    paint_sign,
)
from mpm.streets.ground import paint_ground
from mpm.streets.house_styles import house_style
from mpm.streets.houses import paint_house
from mpm.streets.layout import END_M, START_M, Layout, make_layout
from mpm.streets.lighting import Light, Roofs, make_light
from mpm.streets.nature import paint_bush, paint_tree
from mpm.streets.people import paint_rider, paint_walker
from mpm.streets.shadows import object_shadows
from mpm.streets.sky import paint_sky, paint_skyline
from mpm.streets.things import Lot, Thing
from mpm.streets.vehicles import paint_car

MIN_SIZE_PX, MAX_SIZE_PX = 64, 4096
_PAINTERS = {
    "tree": paint_tree,
    "bush": paint_bush,
    "fence": paint_fence,
    "railing": paint_fence,
    "lamp": paint_lamp,
    "sign": paint_sign,
    "lights": paint_lights,
    "billboard": paint_billboard,
    "bollard": paint_bollard,
    "car": paint_car,
    "walker": paint_walker,
    "rider": paint_rider,
}


@dataclass(frozen=True)
class Street:
    """image (H, W, 3) uint8 RGB; labels (H, W) uint8, 11 street classes and 11 for void; dials, seed."""

    image: np.ndarray
    labels: np.ndarray
    dials: Dials
    seed: int


def render_street(seed: int, width_px: int = 480, height_px: int = 360, dials: Dials | None = None) -> Street:
    """Draw the street of a seed, with exact labels.

    The same seed keeps its layout whatever the dials: time of day, weather and texture change only the
    image, clutter adds objects. Without dials the seed picks them. Raises InputError for a bad seed,
    size or dials.

    >>> from mpm.streets import Dials, render_street
    >>> noon = Dials(time_of_day=12)
    >>> street = render_street(7, 96, 64, noon)
    >>> street.image.shape, street.labels.shape
    ((64, 96, 3), (64, 96))
    >>> again = render_street(7, 96, 64, noon)
    >>> (street.image == again.image).all().item()
    True
    """
    _check(seed, width_px, height_px, dials)
    place, look, sensor, pick = (np.random.default_rng([int(seed), stream]) for stream in range(4))
    dials = Dials.random(pick) if dials is None else dials
    layout = make_layout(place, int(width_px), int(height_px))
    light = make_light(dials, layout.noon_azimuth_rad, layout.fogginess, _lamps(layout), _roofs(layout))
    canvas = Canvas(int(width_px), int(height_px))
    _paint(canvas, layout, light, dials.clutter, look)
    image, labels = canvas.finished()
    image = develop(image, labels, layout.camera.horizon_px / OVERSAMPLE, light, sensor)
    return Street(image, labels, dials, int(seed))


def _check(seed: object, width_px: object, height_px: object, dials: object) -> None:
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        raise InputError(f"The seed of a street must be a whole number from 0, but got {seed!r}.")
    for side, size in (("width", width_px), ("height", height_px)):
        if (
            not isinstance(size, Integral)
            or isinstance(size, bool)
            or not MIN_SIZE_PX <= int(size) <= MAX_SIZE_PX
        ):
            raise InputError(
                f"The {side} of a street must be a whole number of pixels from {MIN_SIZE_PX} "
                f"to {MAX_SIZE_PX}, but got {size!r}."
            )
    if dials is not None and not isinstance(dials, Dials):
        raise InputError(f"The dials of a street must be a Dials value, but got {type(dials).__name__}.")


def _lamps(layout: Layout) -> np.ndarray:
    return np.array(layout.lamps, dtype=float).reshape(-1, 3)


def _roofs(layout: Layout) -> Roofs:
    heights = {-1: np.zeros(END_M - START_M + 40), 1: np.zeros(END_M - START_M + 40)}
    for lot in layout.lots:
        tall = lot.height_m + 0.4 * house_style(lot.seed).roof_rise_m if lot.kind == "house" else 0.0
        heights[lot.side][max(int(lot.start_m) - START_M, 0) : max(int(lot.end_m) - START_M, 0)] = tall
    line = layout.half_road_m + sum(layout.pavement_m) / 2
    return Roofs(heights[-1], heights[1], line, float(START_M))


def _paint(canvas: Canvas, layout: Layout, light: Light, clutter: float, rng: np.random.Generator) -> None:
    camera = layout.camera
    shown = [thing for thing in layout.things if thing.rank <= clutter]
    paint_sky(canvas, camera, light, rng)
    shadows = object_shadows(canvas, camera, light, shown)
    paint_ground(canvas, camera, layout, light, shadows)
    paint_skyline(canvas, camera, light, np.random.default_rng(layout.tone + 1))
    covered = {(lot.side, lot.end_m): lot.height_m for lot in layout.lots if lot.kind == "house"}
    for item in _far_to_near(layout, shown):
        if isinstance(item, Lot):
            paint_house(canvas, camera, light, item, covered.get((item.side, item.start_m), 0.0))
        else:
            _PAINTERS[item.kind](canvas, camera, light, item)


def _far_to_near(layout: Layout, shown: list[Thing]) -> list[Lot | Thing]:
    """Houses by their far end, things by where they stand: what is nearer is painted later."""
    keyed: list[tuple[float, Lot | Thing]] = [
        (lot.end_m, lot) for lot in layout.lots if lot.kind == "house" and lot.end_m > 1.5
    ]
    for thing in shown:
        keyed.append((thing.size[0] if thing.kind in ("fence", "railing") else thing.z_m, thing))
    return [item for _, item in sorted(keyed, key=lambda pair: -pair[0])]
