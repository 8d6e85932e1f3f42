"""Walkers and cyclists, drawn as jointed figures at their distance's scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mpm.streets.camera import Camera
from mpm.streets.canvas import BICYCLIST, PEDESTRIAN, Canvas
from mpm.streets.colours import Colour, Spot, brightened, scaled
from mpm.streets.lighting import Light, LocalLight
from mpm.streets.things import Thing

_SKIN = ((224, 178, 148), (198, 146, 112), (142, 96, 70), (96, 64, 48))
_TOPS = (
    (178, 44, 48),
    (40, 74, 138),
    (224, 220, 208),
    (52, 58, 62),
    (206, 150, 52),
    (70, 116, 86),
    (126, 72, 116),
    (198, 108, 76),
    (96, 148, 168),
)
_LEGS = ((38, 46, 70), (30, 30, 34), (92, 84, 72), (62, 76, 104), (120, 108, 92))
_HAIR = ((34, 26, 22), (74, 50, 32), (150, 110, 62), (120, 116, 112), (20, 20, 22))

Looks = tuple[Colour, Colour, Colour, Colour]
"""Top, legs, skin and bicycle of a rider."""


class _Figure:
    """Draws in metres around a foot point; lit from the sun's side."""

    def __init__(self, canvas: Canvas, local: LocalLight, foot: Spot, px: float, label: int) -> None:
        self.canvas, self.local, self.label = canvas, local, label
        self.u, self.v, self.px = foot[0], foot[1], px

    def at(self, points: Sequence[Spot]) -> np.ndarray:
        return np.array([(self.u + x * self.px, self.v - y * self.px) for x, y in points])

    def _sides(self, albedo: Colour) -> tuple[Colour, Colour, float]:
        sun = 1.0 if self.local.light.sun_dir[0] > 0 else -1.0
        dark = scaled(0.74, self.local.colour(albedo, (-0.5 * sun, 0.2, -0.6)))
        return dark, self.local.colour(brightened(1.1, albedo), (0.6 * sun, 0.4, -0.5)), sun

    def limb(self, points: Sequence[Spot], width: float, albedo: Colour) -> None:
        dark, bright, sun = self._sides(albedo)
        pixels = self.at(points)
        self.canvas.line(pixels, width * self.px, dark, self.label)
        self.canvas.line(pixels + (0.18 * sun * width * self.px, 0), 0.55 * width * self.px, bright)

    def shape(self, points: Sequence[Spot], albedo: Colour, inner: float = 0.72) -> None:
        dark, bright, sun = self._sides(albedo)
        pixels = self.at(points)
        self.canvas.poly(pixels, dark, self.label)
        middle = pixels.mean(0)
        self.canvas.poly(middle + (pixels - middle) * (inner, 0.96) + (0.05 * sun * self.px * 0.6, 0), bright)

    def disc(self, x: float, y: float, radius: float, albedo: Colour, squash: float = 1.0) -> None:
        dark, bright, sun = self._sides(albedo)
        (u, v), r = self.at([(x, y)])[0], radius * self.px
        self.canvas.disc((u, v), (r * squash, r), dark, self.label)
        self.canvas.disc((u + 0.2 * sun * r, v - 0.12 * r), (0.72 * r * squash, 0.78 * r), bright)


def _figure(canvas: Canvas, camera: Camera, light: Light, thing: Thing, label: int) -> _Figure | None:
    u, v, px = camera.spot(thing.x_m, 0.0, thing.z_m)
    if px <= 0 or thing.z_m < 2.5 or not camera.shows(u, 1.1 * px):
        return None
    return _Figure(canvas, light.at(thing.x_m, 1.0, thing.z_m), (u, v), px, label)


def paint_walker(canvas: Canvas, camera: Camera, light: Light, thing: Thing) -> None:
    """A person on foot, with coat, dress, bag or hat as the seed has it."""
    body = _figure(canvas, camera, light, thing, PEDESTRIAN)
    if body is None:
        return
    rng = np.random.default_rng(thing.seed)
    top, legs = _TOPS[rng.integers(len(_TOPS))], _LEGS[rng.integers(len(_LEGS))]
    skin, hair = _SKIN[rng.integers(len(_SKIN))], _HAIR[rng.integers(len(_HAIR))]
    tall, stride, swing, coat, bag, back = rng.random(6)
    body.px *= 0.92 + 0.16 * tall
    step, way = 0.12 + 0.2 * stride, 1 if swing < 0.5 else -1
    shoe = (34, 30, 30)
    for side, shade in ((-way, 0.8), (way, 1.0)):
        foot = side * step
        tone = scaled(shade, legs)
        body.limb([(0.07 * side, 0.86), (foot * 0.55 + 0.05 * way, 0.46), (foot, 0.08)], 0.20, tone)
        body.limb([(foot - 0.03 * way, 0.05), (foot + 0.12 * way, 0.05)], 0.11, shoe)
    arm = 0.1 + 0.14 * stride
    body.limb(
        [(-0.2 * way, 1.36), (-0.25 * way - 0.4 * arm, 1.1), (-0.2 * way - arm * 0.3, 0.86)],
        0.13,
        scaled(0.78, top),
    )
    hem = 0.52 if coat < 0.35 else 0.82
    flare = 0.27 if coat < 0.35 else 0.2
    body.shape(
        [
            (-0.24, 1.44),
            (-0.12, 1.52),
            (0.12, 1.52),
            (0.24, 1.44),
            (0.21, 1.05),
            (flare, hem),
            (-flare, hem),
            (-0.21, 1.05),
        ],
        top,
    )
    body.limb([(0.22 * way, 1.38), (0.27 * way + 0.4 * arm, 1.1), (0.24 * way + arm, 0.88)], 0.13, top)
    body.disc(0.24 * way + arm, 0.85, 0.055, skin)
    if bag < 0.35:
        body.shape(
            [
                (0.1 * way + arm, 0.84),
                (0.4 * way + arm, 0.84),
                (0.38 * way + arm, 0.5),
                (0.12 * way + arm, 0.5),
            ],
            _TOPS[int(bag * 20) % len(_TOPS)],
        )
    elif bag < 0.5:
        body.shape([(-0.17, 1.44), (0.17, 1.44), (0.19, 1.0), (-0.19, 1.0)], (84, 62, 48))
    _head(body, 0.0, 1.66, skin, hair, way, back < 0.45)


def _head(body: _Figure, x: float, y: float, skin: Colour, hair: Colour, way: int, from_back: bool) -> None:
    body.limb([(x, y - 0.18), (x, y - 0.08)], 0.11, scaled(0.85, skin))
    if from_back:
        body.disc(x, y, 0.14, hair, 0.88)
        return
    body.disc(x - 0.025 * way, y + 0.03, 0.14, hair, 0.9)
    body.disc(x + 0.02 * way, y - 0.02, 0.115, skin, 0.84)


def paint_rider(canvas: Canvas, camera: Camera, light: Light, thing: Thing) -> None:
    """A cyclist, bike and rider of one class: from the side when crossing, else from behind or ahead."""
    body = _figure(canvas, camera, light, thing, BICYCLIST)
    if body is None:
        return
    rng = np.random.default_rng(thing.seed)
    looks = (
        _TOPS[rng.integers(len(_TOPS))],
        _LEGS[rng.integers(len(_LEGS))],
        _SKIN[rng.integers(len(_SKIN))],
        _TOPS[rng.integers(len(_TOPS))],
    )
    if abs(np.sin(thing.heading_rad)) > 0.5:
        _side_rider(body, looks, 1 if np.sin(thing.heading_rad) > 0 else -1, rng.random())
    else:
        _end_rider(body, looks, thing.heading_rad < 1, rng.random())


def _side_rider(body: _Figure, looks: Looks, way: int, pedal: float) -> None:
    top, legs, skin, bike = looks
    steel = scaled(0.85, bike)
    turn = pedal * 2 * np.pi
    for x in (-0.54 * way, 0.54 * way):
        _side_wheel(body, x)
    hip, hand, crank = (-0.22 * way, 1.02), (0.38 * way, 1.06), (0.0, 0.36)
    _side_leg(body, hip, crank, turn + np.pi, scaled(0.7, legs), way)
    for a, b in (
        ((-0.54, 0.35), (-0.2, 0.82)),
        ((-0.2, 0.82), (0.0, 0.36)),
        ((0.0, 0.36), (0.40, 0.78)),
        ((-0.19, 0.78), (0.42, 0.80)),
        ((0.54, 0.35), (0.40, 0.98)),
        ((-0.54, 0.35), (0.0, 0.36)),
    ):
        body.limb([(a[0] * way, a[1]), (b[0] * way, b[1])], 0.06, steel)
    body.limb([(0.30 * way, 1.02), (0.48 * way, 1.02)], 0.06, (40, 40, 44))
    body.limb([(-0.32 * way, 0.92), (-0.08 * way, 0.92)], 0.08, (32, 30, 30))
    _side_leg(body, hip, crank, turn, legs, way)
    body.shape(
        [(-0.33 * way, 1.0), (-0.1 * way, 0.96), (0.22 * way, 1.42), (0.1 * way, 1.58), (-0.08 * way, 1.5)],
        top,
    )
    body.limb([(0.12 * way, 1.45), (0.24 * way, 1.2), hand], 0.12, top)
    body.disc(hand[0], hand[1], 0.06, skin)
    body.disc(0.25 * way, 1.68, 0.13, skin, 0.9)
    _helmet(body, 0.23 * way, 1.74, looks[3])


def _side_wheel(body: _Figure, x: float) -> None:
    (u, v), r = body.at([(x, 0.35)])[0], 0.35 * body.px
    rim, tyre = body.local.colour((128, 130, 134)), body.local.colour((26, 26, 28))
    body.canvas.disc((u, v), (r, r), tyre, body.label)
    body.canvas.disc((u, v), (0.84 * r, 0.84 * r), body.local.colour((98, 98, 98)))
    for angle in np.linspace(0, np.pi, 6, endpoint=False):
        spoke = 0.82 * r * np.array([np.cos(angle), np.sin(angle)])
        body.canvas.line([(u, v) + spoke, (u, v) - spoke], max(1, 0.014 * body.px), rim)
    body.canvas.disc((u, v), (0.14 * r, 0.14 * r), tyre)


def _side_leg(body: _Figure, hip: Spot, crank: Spot, turn: float, tone: Colour, way: int) -> None:
    foot = (crank[0] + 0.17 * np.cos(turn), crank[1] + 0.17 * np.sin(turn))
    knee = ((hip[0] + foot[0]) / 2 + 0.2 * way, (hip[1] + foot[1]) / 2 + 0.1)
    body.limb([hip, knee, foot], 0.17, tone)
    body.limb(
        [(foot[0] - 0.06 * way, foot[1] - 0.03), (foot[0] + 0.13 * way, foot[1] - 0.03)], 0.09, (30, 28, 30)
    )


def _end_rider(body: _Figure, looks: Looks, away: bool, pedal: float) -> None:
    top, legs, skin, bike = looks
    body.limb([(0, 0.08), (0, 0.62)], 0.13, (28, 28, 30))
    body.limb([(0, 0.62), (0, 0.92)], 0.1, bike)
    lift = 0.14 * np.sin(pedal * 2 * np.pi)
    for side in (-1, 1):
        knee, foot = 0.66 + side * lift, 0.3 + side * lift
        body.limb([(0.1 * side, 0.95), (0.19 * side, knee), (0.14 * side, foot)], 0.18, legs)
        body.limb([(0.14 * side, foot - 0.04), (0.16 * side, foot - 0.09)], 0.12, (30, 28, 30))
    body.limb([(-0.34, 1.03), (0.34, 1.03)], 0.07, (38, 38, 42))
    body.shape(
        [
            (-0.25, 1.44),
            (-0.1, 1.54),
            (0.1, 1.54),
            (0.25, 1.44),
            (0.2, 1.1),
            (0.19, 0.9),
            (-0.19, 0.9),
            (-0.2, 1.1),
        ],
        top,
    )
    for side in (-1, 1):
        body.limb([(0.23 * side, 1.4), (0.33 * side, 1.22), (0.31 * side, 1.05)], 0.12, top)
    if away:
        body.disc(0, 0.8, 0.07, (214, 30, 28))
        body.disc(0, 1.66, 0.13, _HAIR[0], 0.88)
    else:
        body.disc(0, 0.86, 0.08, (250, 246, 226))
        body.disc(0, 1.65, 0.13, skin, 0.86)
    _helmet(body, 0.0, 1.73, looks[3])


def _helmet(body: _Figure, x: float, y: float, albedo: Colour) -> None:
    angle = np.linspace(0, np.pi, 9)
    body.shape([(x + 0.16 * np.cos(a), y - 0.03 + 0.14 * np.sin(a)) for a in angle], albedo, 0.8)
