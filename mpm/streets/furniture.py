"""Lamps, signs, traffic lights, billboards and bollards."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from mpm.streets.camera import Camera
from mpm.streets.canvas import POLE, SIGN, Canvas
from mpm.streets.colours import Colour, Spot, brightened, scaled
from mpm.streets.lighting import Light, LocalLight
from mpm.streets.things import Thing

_STEEL = ((92, 98, 104), (60, 68, 66), (140, 144, 148), (40, 44, 50), (96, 84, 70))


def _steel(seed: int) -> Colour:
    return _STEEL[seed % len(_STEEL)]


def _post(
    canvas: Canvas,
    camera: Camera,
    local: LocalLight,
    x: float,
    z: float,
    tall: float,
    wide: float,
    albedo: Colour,
    taper: float = 0.75,
) -> None:
    """A round post, shaded as a cylinder; wide is its diameter in metres."""
    u, v, px = camera.spot(x, 0.0, z)
    half, top = 0.5 * wide * px, v - tall * px
    for left, right, normal in (
        (-1.0, 1.0, (0.0, 0.1, -1.0)),
        (-1.0, -0.35, (-0.9, 0.1, -0.4)),
        (0.45, 1.0, (0.9, 0.1, -0.4)),
        (-0.25, 0.05, (-0.3, 0.3, -0.9)),
    ):
        gain = 1.2 if normal[1] > 0.2 else 1.0 if normal[0] == 0 else 0.8
        colour = local.colour(brightened(gain, albedo), normal)
        canvas.poly(
            [
                (u + left * half, v),
                (u + right * half, v),
                (u + right * half * taper, top),
                (u + left * half * taper, top),
            ],
            colour,
            POLE,
        )


def paint_lamp(canvas: Canvas, camera: Camera, light: Light, thing: Thing) -> None:
    """A street lamp with an arm over the road."""
    u, v, px = camera.spot(thing.x_m, 0.0, thing.z_m)
    if px <= 0 or thing.z_m < 3.0:
        return
    local, metal = light.at(thing.x_m, 2.0, thing.z_m), _steel(thing.seed)
    _post(canvas, camera, local, thing.x_m, thing.z_m, 5.4, 0.25, metal, 0.7)
    _post(canvas, camera, local, thing.x_m, thing.z_m, 1.1, 0.36, metal, 0.9)
    reach = -thing.side * px
    arm = [(u, v - 5.3 * px), (u + 0.25 * reach, v - 5.75 * px), (u + 0.9 * reach, v - 5.85 * px)]
    canvas.line(arm, 0.17 * px, local.colour(metal, (0, 0.5, -0.6)), POLE)
    head = [
        (u + 0.6 * reach, v - 6.0 * px),
        (u + 1.65 * reach, v - 5.95 * px),
        (u + 1.6 * reach, v - 5.74 * px),
        (u + 0.65 * reach, v - 5.7 * px),
    ]
    canvas.poly(head, local.colour(metal, (0, 0.8, -0.3)), POLE)
    glow = 1.3 * light.night
    canvas.poly(
        [
            (u + 0.75 * reach, v - 5.74 * px),
            (u + 1.58 * reach, v - 5.77 * px),
            (u + 1.5 * reach, v - 5.6 * px),
            (u + 0.85 * reach, v - 5.58 * px),
        ],
        local.colour((255, 226, 168), (0, -0.3, 0), glow),
        POLE,
    )


def paint_bollard(canvas: Canvas, camera: Camera, light: Light, thing: Thing) -> None:
    """A stout post at the kerb."""
    u, v, px = camera.spot(thing.x_m, 0.0, thing.z_m)
    if px <= 0 or thing.z_m < 3.0:
        return
    local = light.at(thing.x_m, 0.6, thing.z_m)
    _post(canvas, camera, local, thing.x_m, thing.z_m, 1.15, 0.28, (52, 54, 60), 0.9)
    top = v - 0.95 * px
    canvas.poly(
        [
            (u - 0.13 * px, top),
            (u + 0.13 * px, top),
            (u + 0.13 * px, top + 0.16 * px),
            (u - 0.13 * px, top + 0.16 * px),
        ],
        local.colour((224, 218, 200), (0, 0, -1)),
        POLE,
    )
    canvas.disc((u, v - 1.15 * px), (0.14 * px, 0.07 * px), local.colour((88, 90, 96)), POLE)


def paint_sign(canvas: Canvas, camera: Camera, light: Light, thing: Thing) -> None:
    """A sign on its post: warning, ban, order, or direction board."""
    u, v, px = camera.spot(thing.x_m, 0.0, thing.z_m)
    if px <= 0 or thing.z_m < 3.0:
        return
    local = light.at(thing.x_m, 2.0, thing.z_m)
    _post(canvas, camera, local, thing.x_m, thing.z_m, 2.3, 0.2, _steel(thing.seed), 1.0)
    plate = _Plate(canvas, local, (u, v - 2.45 * px), px * 0.62)
    kinds = (plate.warning, plate.ban, plate.order, plate.board, plate.stop)
    kinds[min(int(thing.size[0] * len(kinds)), len(kinds) - 1)](thing.seed)


class _Plate:
    """Sign faces around a centre, r pixels being about half their height."""

    def __init__(self, canvas: Canvas, local: LocalLight, centre: Spot, radius_px: float) -> None:
        self.canvas, self.local, self.centre, self.r = canvas, local, centre, radius_px
        self.glow = 0.5 * local.light.night + 0.2

    def fill(self, points: ArrayLike, albedo: Colour) -> None:
        pixels = np.array(self.centre) + np.asarray(points, float) * self.r
        self.canvas.poly(pixels, self.local.colour(albedo, (0, 0.2, -1), self.glow), SIGN)

    def ring(self, count: int, radius: float, turn: float = 0.0) -> np.ndarray:
        angle = turn + np.arange(count) * 2 * np.pi / count
        return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    def warning(self, seed: int) -> None:
        for radius, albedo in ((1.18, (236, 232, 224)), (1.1, (204, 30, 36)), (0.72, (244, 242, 232))):
            self.fill(self.ring(3, radius, -np.pi / 2) + (0, 0.12), albedo)
        if seed % 2:
            self.fill([(-0.09, -0.3), (0.09, -0.3), (0.05, 0.18), (-0.05, 0.18)], (24, 24, 26))
            self.fill(self.ring(8, 0.09) + (0, 0.32), (24, 24, 26))
        else:
            self.fill([(-0.3, 0.4), (-0.08, 0.0), (0.04, 0.12), (0.12, -0.2), (0.28, 0.4)], (24, 24, 26))

    def ban(self, seed: int) -> None:
        for radius, albedo in ((1.04, (236, 232, 224)), (0.98, (206, 28, 34)), (0.7, (246, 244, 236))):
            self.fill(self.ring(20, radius), albedo)
        if seed % 2:
            for left in (-0.38, 0.06):
                self.fill(
                    [(left, -0.34), (left + 0.3, -0.34), (left + 0.3, 0.34), (left, 0.34)], (26, 26, 28)
                )
                self.fill(
                    [(left + 0.1, -0.22), (left + 0.2, -0.22), (left + 0.2, 0.22), (left + 0.1, 0.22)],
                    (246, 244, 236),
                )
        else:
            self.fill(self.ring(20, 0.7), (206, 28, 34))
            self.fill([(-0.6, -0.16), (0.6, -0.16), (0.6, 0.16), (-0.6, 0.16)], (246, 244, 236))

    def order(self, seed: int) -> None:
        self.fill(self.ring(20, 1.02), (238, 236, 230))
        self.fill(self.ring(20, 0.94), (30, 84, 176))
        way = 1 if seed % 2 else -1
        arrow = np.array(
            [(-0.55, -0.14), (0.1, -0.14), (0.1, -0.46), (0.64, 0), (0.1, 0.46), (0.1, 0.14), (-0.55, 0.14)]
        )
        self.fill(arrow * (way, 1), (244, 242, 236))

    def board(self, seed: int) -> None:
        ground = ((24, 96, 66), (30, 74, 158), (238, 234, 222))[seed % 3]
        ink = (36, 38, 44) if seed % 3 == 2 else (244, 242, 234)
        self.fill([(-1.5, -0.95), (1.5, -0.95), (1.5, 0.8), (-1.5, 0.8)], ink)
        self.fill([(-1.42, -0.87), (1.42, -0.87), (1.42, 0.72), (-1.42, 0.72)], ground)
        for row, wide in ((-0.6, 1.5 + seed % 5 * 0.12), (-0.05, 1.1 + seed % 7 * 0.12)):
            self.fill([(-1.2, row), (-1.2 + wide, row), (-1.2 + wide, row + 0.3), (-1.2, row + 0.3)], ink)
        self.fill([(0.8, 0.1), (1.25, -0.2), (1.25, 0.4)], ink)

    def stop(self, seed: int) -> None:
        self.fill(self.ring(8, 1.08, np.pi / 8), (240, 236, 230))
        self.fill(self.ring(8, 0.99, np.pi / 8), (192, 26, 32))
        for i in range(4):
            x = -0.62 + i * 0.34
            self.fill([(x, -0.2), (x + 0.22, -0.2), (x + 0.22, 0.2), (x, 0.2)], (244, 240, 234))


def paint_lights(canvas: Canvas, camera: Camera, light: Light, thing: Thing) -> None:
    """Traffic lights; the box counts as a sign, its post as a pole."""
    u, v, px = camera.spot(thing.x_m, 0.0, thing.z_m)
    if px <= 0 or thing.z_m < 3.0:
        return
    local = light.at(thing.x_m, 2.5, thing.z_m)
    _post(canvas, camera, local, thing.x_m, thing.z_m, 2.6, 0.22, (70, 74, 78), 1.0)

    def box(half: float, low: float, high: float, albedo: Colour) -> None:
        canvas.poly(
            [
                (u - half * px, v - low * px),
                (u + half * px, v - low * px),
                (u + half * px, v - high * px),
                (u - half * px, v - high * px),
            ],
            local.colour(albedo, (0, 0.1, -1)),
            SIGN,
        )

    box(0.40, 2.3, 3.85, (226, 222, 212))
    box(0.35, 2.35, 3.80, (22, 24, 26))
    on = 0 if thing.size[0] < 0.45 else 2 if thing.size[0] < 0.85 else 1
    for i, albedo in enumerate(((255, 44, 34), (255, 178, 40), (54, 236, 120))):
        middle = (u, v - (3.56 - 0.48 * i) * px)
        canvas.disc(middle, (0.23 * px, 0.23 * px), local.colour((40, 42, 44)))
        glow, shown = (1.15, albedo) if i == on else (0.0, scaled(0.24, albedo))
        canvas.disc(middle, (0.19 * px, 0.19 * px), local.colour(shown, (0, 0.1, -1), glow))


def paint_billboard(canvas: Canvas, camera: Camera, light: Light, thing: Thing) -> None:
    """A large poster on two legs, turned to the traffic."""
    u, v, px = camera.spot(thing.x_m, 0.0, thing.z_m)
    if px <= 0 or thing.z_m < 3.0:
        return
    local, rng = light.at(thing.x_m, 2.0, thing.z_m), np.random.default_rng(thing.seed)
    for shift in (-0.75, 0.75):
        _post(canvas, camera, local, thing.x_m + shift, thing.z_m, 1.4, 0.2, (76, 72, 70), 1.0)
    tile = _poster(rng)
    gain = np.array([local.colour((128, 128, 128), (0, 0.2, -1), 0.25 + 0.7 * light.night)]) / 128
    tile = np.clip(tile * gain, 0, 255).astype(np.uint8)
    left, right, top, low = u - 1.2 * px, u + 1.2 * px, v - 3.1 * px, v - 1.1 * px
    corners = np.array([(left, top), (right, top), (right, low), (left, low)])
    canvas.quad(tile, corners, SIGN)


def _poster(rng: np.random.Generator) -> np.ndarray:
    tile = np.empty((100, 120, 3), np.uint8)
    first, second, third = (tuple(60 + 180 * rng.random(3)) for _ in range(3))
    tile[:] = (70, 70, 74)
    cv2.rectangle(tile, (4, 4), (115, 95), first, -1)
    cv2.circle(tile, (int(30 + 60 * rng.random()), 44), 28, second, -1)
    cv2.fillPoly(tile, [np.array([(4, 95), (4, 70), (50, 52), (115, 80), (115, 95)])], third)
    for y in (14, 80):
        cv2.rectangle(tile, (14, y), (int(60 + 50 * rng.random()), y + 8), (246, 242, 232), -1)
    return tile
