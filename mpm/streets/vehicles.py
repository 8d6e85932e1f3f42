"""Cars: a side profile drawn out across the car's width, painted face by face."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mpm.streets.camera import NEAR_M, Camera
from mpm.streets.canvas import CAR, Canvas
from mpm.streets.car_shapes import PROFILES, Frame, Profile, car_kind
from mpm.streets.colours import Colour, Direction, brightened, scaled
from mpm.streets.lighting import Light, LocalLight
from mpm.streets.things import Thing

_PAINTS = (
    (168, 28, 32),
    (34, 62, 128),
    (196, 198, 202),
    (232, 232, 228),
    (40, 42, 48),
    (120, 124, 130),
    (52, 98, 76),
    (206, 158, 44),
    (92, 34, 46),
    (76, 128, 170),
    (150, 144, 128),
)
_BELT_M = 0.93


def paint_car(canvas: Canvas, camera: Camera, light: Light, thing: Thing) -> None:
    """Paint one car."""
    u, _, px = camera.spot(thing.x_m, 0.0, thing.z_m)
    if px > 0 and not camera.shows(u, 3.2 * px):
        return
    frame, kind = Frame(thing.x_m, thing.z_m, thing.heading_rad), car_kind(thing.seed)
    profile, windscreen, rear = PROFILES[kind]
    local = light.at(thing.x_m, 0.8, thing.z_m)
    rng = np.random.default_rng(thing.seed + 1)
    paint = tuple(np.array(_PAINTS[rng.integers(len(_PAINTS))]) * (0.85 + 0.25 * rng.random()))
    eye = np.array([camera.x_m - 0.5 * camera.bend_per_m * thing.z_m**2, camera.height_m, 0.0])
    view = _Painter(canvas, camera, local, frame, paint, kind, eye)
    view.under(profile)
    view.strips(profile, windscreen, rear)
    view.side(profile, windscreen, rear)
    view.flush()


_ANGLES = np.arange(18) * np.pi / 9
_CIRCLE = np.stack([np.zeros(18), np.sin(_ANGLES), np.cos(_ANGLES)], axis=1)


class _Painter:
    """Paints the faces of one car that look towards the camera."""

    def __init__(
        self,
        canvas: Canvas,
        camera: Camera,
        local: LocalLight,
        frame: Frame,
        paint: Colour,
        kind: str,
        eye: np.ndarray,
    ) -> None:
        self.canvas, self.camera, self.local, self.frame = canvas, camera, local, frame
        self.paint, self.kind = paint, kind
        self.faces: list[tuple[np.ndarray, Colour, int | None]] = []
        self.detail = frame.z_m < 32
        gap = eye - (frame.x_m, 0, frame.z_m)
        cos, sin = np.cos(frame.heading), np.sin(frame.heading)
        self.eye = np.array([gap[0] * cos - gap[2] * sin, gap[1], gap[0] * sin + gap[2] * cos])

    def fill(self, points: ArrayLike, colour: Colour, label: int | None = None) -> None:
        self.faces.append((np.asarray(points, float), colour, label))

    def flush(self) -> None:
        """Project all faces in one go and paint them in their order."""
        corners = [face[0] for face in self.faces]
        seen = self.camera.view(self.frame.place(np.concatenate(corners)))
        if seen[:, 2].min() < NEAR_M:
            return  # a car that reaches behind the camera is left out
        pixels = np.split(self.camera.to_pixels(seen), np.cumsum([len(c) for c in corners])[:-1])
        for points, (_, colour, label) in zip(pixels, self.faces, strict=True):
            self.canvas.poly(points, colour, label)

    def tone(self, albedo: Colour, normal: Direction, glow: float = 0.0) -> Colour:
        return self.local.colour(albedo, self.frame.turn(normal), glow)

    def half_width(self, y: float) -> float:
        if self.kind == "van":
            return 0.92 - 0.06 * max(0.0, y - 1.1)
        return 0.86 - 0.36 * max(0.0, y - 0.95) - 0.12 * max(0.0, 0.5 - y)

    def under(self, profile: Profile) -> None:
        """The dark belly between the wheels, on the side of the camera."""
        front, rear = profile[0][0] - 0.15, profile[-1][0] + 0.15
        dark = self.tone((16, 16, 18), (0, 0.2, 0))
        end = front if self.eye[2] > 0 else rear
        self.fill([[-0.72, 0.06, end], [0.72, 0.06, end], [0.72, 0.5, end], [-0.72, 0.5, end]], dark, CAR)
        side = 0.74 if self.eye[0] > 0 else -0.74
        self.fill([[side, 0.1, front], [side, 0.5, front], [side, 0.5, rear], [side, 0.1, rear]], dark, CAR)
        for x in (-0.7, 0.7):  # tyres seen from the end
            self.fill(
                [[x - 0.11, 0, end], [x + 0.11, 0, end], [x + 0.11, 0.4, end], [x - 0.11, 0.4, end]],
                self.tone((24, 24, 26), (0, 0.3, 0)),
                CAR,
            )

    def strips(self, profile: Profile, windscreen: int, rear: int) -> None:
        """The faces across the car, far ones first."""
        edges = list(zip(profile[:-1], profile[1:], range(len(profile) - 1), strict=True))
        for (z0, y0), (z1, y1), i in sorted(edges, key=lambda e: -abs(self.eye[2] - (e[0][0] + e[1][0]) / 2)):
            normal = _unit(0.0, z0 - z1, y1 - y0)
            middle = np.array([0, (y0 + y1) / 2, (z0 + z1) / 2])
            if np.dot(np.array(normal), self.eye - middle) <= 0:
                continue
            a, b = self.half_width(y0), self.half_width(y1)
            quad = np.array([[-a, y0, z0], [a, y0, z0], [b, y1, z1], [-b, y1, z1]])
            self.fill(quad, self.tone(self.paint, normal), CAR)
            if i in (windscreen, rear):
                self._glass(quad, normal)
        self._end(profile)

    def _glass(self, quad: np.ndarray, normal: Direction) -> None:
        inner = quad.mean(0) + (quad - quad.mean(0)) * (0.88, 0.84, 0.84)
        self.fill(inner, self.tone((46, 56, 66), normal))
        low, high = inner[:2], inner[2:][::-1]
        if low[0, 1] > high[0, 1]:
            low, high = high, low
        sky = low + (high - low) * 0.45
        self.fill(np.concatenate([sky, high[::-1]]), self.tone((104, 124, 140), normal))

    def _end(self, profile: Profile) -> None:
        """Lamps, plate, bumper and grille of the end that shows."""
        ahead = self.eye[2] > 0
        ends = [p for p in (profile[0], profile[1])] if ahead else [profile[-1], profile[-2]]
        z = (max if ahead else min)(p[0] for p in ends) + (0.02 if ahead else -0.02)
        normal = (0.0, 0.1, 1.0 if ahead else -1.0)
        lamp_y = 0.66 if self.kind != "van" else 0.8
        self.fill(_rect(-0.84, 0.34, 0.84, 0.5, z), self.tone(scaled(0.55, self.paint), normal), CAR)
        self.fill(_rect(-0.26, 0.46, 0.26, 0.58, z), self.tone((232, 226, 190), normal))
        night = self.local.light.night
        for x in (-0.62, 0.62):
            if ahead:
                self.fill(
                    _rect(x - 0.19, lamp_y - 0.1, x + 0.19, lamp_y + 0.06, z),
                    self.tone((252, 246, 224), normal, glow=1.1 * night + 0.35),
                )
            else:
                self.fill(
                    _rect(x - 0.17, lamp_y - 0.02, x + 0.17, lamp_y + 0.2, z),
                    self.tone((212, 30, 28), normal, glow=1.2 * night + 0.3),
                )
        if ahead:
            self.fill(_rect(-0.36, 0.6, 0.36, 0.72, z), self.tone((30, 32, 36), normal))

    def side(self, profile: Profile, windscreen: int, rear: int) -> None:
        """The long side that shows: body, shade at the sill, windows, wheels."""
        sign = 1.0 if self.eye[0] > 0 else -1.0
        if abs(self.eye[0]) < 0.8:
            return
        body = np.array([[sign * self.half_width(y), y, z] for z, y in profile])
        normal = (sign, 0.08, 0.0)
        self.fill(body, self.tone(self.paint, normal), CAR)
        front, back = profile[0][0], profile[-1][0]
        x = sign * 0.87
        lower = [
            [x, 0.34, front - 0.05],
            [x, 0.58, front - 0.02],
            [x, 0.58, back + 0.02],
            [x, 0.34, back + 0.05],
        ]
        self.fill(lower, self.tone(scaled(0.7, self.paint), normal))
        crease = [
            [x, 0.84, front - 0.2],
            [x, 0.88, front - 0.3],
            [x, 0.88, back + 0.1],
            [x, 0.84, back + 0.06],
        ]
        self.fill(crease, self.tone(brightened(1.25, self.paint, 12), normal))
        self._side_windows(profile, windscreen, rear, sign, normal)
        for z in (front - 0.78, back + 0.76):
            self._wheel(x, z, normal)

    def _side_windows(
        self, profile: Profile, windscreen: int, rear: int, sign: float, normal: Direction
    ) -> None:
        (z0, y0), (z1, y1) = profile[windscreen], profile[windscreen + 1]
        (z2, y2), (z3, _) = profile[rear], profile[rear + 1]
        belt = max(y0, _BELT_M) + 0.04
        corners = np.array(
            [[0, belt, z0 - 0.12], [0, y1 - 0.1, z1 - 0.06], [0, y2 - 0.1, z2 + 0.12], [0, belt, z3 + 0.22]]
        )
        if self.kind == "van":
            corners[2:, 2] = (z1 - 1.0, z1 - 1.0)
        corners[:, 0] = [sign * (self.half_width(y) + 0.01) for y in corners[:, 1]]
        self.fill(corners, self.tone((44, 52, 62), normal))
        sky = corners.copy()
        sky[[0, 3]] += (sky[[1, 2]] - sky[[0, 3]]) * 0.55
        self.fill(sky, self.tone((98, 116, 130), normal))
        if not self.detail:
            return
        middle = (corners[1, 2] + corners[2, 2]) / 2
        pillar = [
            [corners[1, 0], corners[1, 1], middle - 0.05],
            [corners[1, 0], corners[1, 1], middle + 0.05],
            [corners[0, 0], belt, middle + 0.05],
            [corners[0, 0], belt, middle - 0.05],
        ]
        self.fill(pillar, self.tone(scaled(0.6, self.paint), normal))

    def _wheel(self, x: float, z: float, normal: Direction) -> None:
        for radius, albedo, label in (
            (0.40, (14, 14, 16), CAR),
            (0.33, (28, 28, 31), CAR),
            (0.20, (150, 152, 158), None),
            (0.07, (70, 72, 76), None),
        ):
            if not self.detail and label is None:
                break
            ring = _CIRCLE * radius + (x * 1.01, 0.33, z)
            if radius == 0.40:
                ring[:, 1] = np.maximum(ring[:, 1], 0.30)
            self.fill(ring, self.tone(albedo, normal), label)


def _rect(x0: float, y0: float, x1: float, y1: float, z: float) -> list[list[float]]:
    return [[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]]


def _unit(x: float, y: float, z: float) -> Direction:
    length = max((x * x + y * y + z * z) ** 0.5, 1e-6)
    return x / length, y / length, z / length
