"""Light of a street: sun, sky, haze and lamps as the dials set them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mpm.streets.colours import Colour, Direction
from mpm.streets.dials import Dials

UP = (0.0, 1.0, 0.0)
_CLEAR = {  # sun height (degrees): sky top, sky low, ambient, sun
    -12: ((8, 11, 30), (30, 30, 52), (0.17, 0.19, 0.29), (0.0, 0.0, 0.0)),
    -4: ((28, 38, 82), (150, 96, 92), (0.25, 0.26, 0.36), (0.0, 0.0, 0.0)),
    1: ((70, 100, 160), (246, 164, 104), (0.40, 0.37, 0.43), (0.45, 0.24, 0.10)),
    9: ((88, 138, 205), (238, 206, 166), (0.47, 0.47, 0.53), (0.80, 0.57, 0.32)),
    25: ((70, 136, 220), (196, 220, 238), (0.50, 0.53, 0.60), (0.82, 0.74, 0.60)),
    60: ((58, 128, 222), (190, 220, 242), (0.52, 0.55, 0.61), (0.86, 0.82, 0.72)),
}


@dataclass(frozen=True)
class Light:
    """What one picture's light is. Colours of light are factors, colours of the sky 0..255."""

    sun_dir: Direction
    sun: tuple[float, float, float]
    ambient: tuple[float, float, float]
    sky_top: Colour
    sky_low: Colour
    haze: Colour
    haze_per_m: float
    night: float
    overcast: float
    wet: float
    rain: float
    texture: float
    lamps: np.ndarray
    roofs: Roofs

    def clear_share(self, depth_m: float) -> float:
        """How much of a thing's own colour is left at this distance."""
        return math.exp(-self.haze_per_m * max(depth_m, 0.0))

    def at(self, x_m: float, y_m: float, z_m: float) -> LocalLight:
        """The light on a thing at one street point."""
        point = np.array([[x_m, y_m, z_m]])
        sunlit = float(self.roofs.sunlit(point, self.sun_dir)[0]) if self.sun[0] > 0.02 else 0.0
        lamp = float(self.lamp_light(point)[0]) if self.night > 0.05 else 0.0
        return LocalLight(self, sunlit, lamp, self.clear_share(z_m))

    def lamp_light(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) street points -> (n,) strength of the street lamps there."""
        if not len(self.lamps) or self.night <= 0.05:
            return np.zeros(len(points))
        gap = points[:, None, :] - self.lamps[None]
        square = gap[..., 0] ** 2 + 0.2 * gap[..., 1] ** 2 + gap[..., 2] ** 2
        return self.night * np.minimum(1.0, (1.15 / (1 + square / 7.0) ** 1.3).sum(1))


LAMP_RGB = (1.0, 0.74, 0.42)


@dataclass(frozen=True)
class LocalLight:
    """Light at one place: sunlit 0 or 1, lamp strength, clear share left by the haze."""

    light: Light
    sunlit: float
    lamp: float
    clear: float

    def colour(self, albedo: Colour, normal: Direction = UP, glow: float = 0.0) -> Colour:
        """The colour (0..255) of a surface here; glow is light of its own, as a factor on the albedo."""
        light, clear = self.light, self.clear
        sx, sy, sz = light.sun_dir
        cos = normal[0] * sx + normal[1] * sy + normal[2] * sz
        sun_cos = cos * self.sunlit if cos > 0 else 0.0
        side, lamp, veil = 0.84 + 0.2 * normal[1], self.lamp, 1 - clear
        (ar, ag, ab), (sr, sg, sb), (hr, hg, hb) = light.ambient, light.sun, light.haze
        red = albedo[0] * max(glow, ar * side + sr * sun_cos + LAMP_RGB[0] * lamp) * clear + hr * veil
        green = albedo[1] * max(glow, ag * side + sg * sun_cos + LAMP_RGB[1] * lamp) * clear + hg * veil
        blue = albedo[2] * max(glow, ab * side + sb * sun_cos + LAMP_RGB[2] * lamp) * clear + hb * veil
        return min(255.0, red), min(255.0, green), min(255.0, blue)


@dataclass(frozen=True)
class Roofs:
    """Heights of the houses along both sides, one a metre of street, to know what they shade."""

    left_m: np.ndarray
    right_m: np.ndarray
    line_m: float
    start_m: float

    def sunlit(self, points: np.ndarray, sun_dir: Direction) -> np.ndarray:
        """(n, 3) street points -> (n,) 1 where the sun reaches, 0 in a house's shade."""
        side = 1.0 if sun_dir[0] > 0 else -1.0
        heights = self.right_m if side > 0 else self.left_m
        run = np.maximum(self.line_m + 0.5 - side * points[:, 0], 0.0) / max(abs(sun_dir[0]), 1e-3)
        z = points[:, 2] + run * sun_dir[2]
        index = np.clip((z - self.start_m).astype(int), 0, len(heights) - 1)
        return (points[:, 1] + run * sun_dir[1] > heights[index]).astype(float)


def make_light(
    dials: Dials, noon_azimuth_rad: float, fogginess: float, lamps: np.ndarray, roofs: Roofs
) -> Light:
    """The light of a picture; noon_azimuth_rad is where the sun stands at noon, from straight ahead."""
    height_deg = 56 * math.sin(math.pi * (dials.time_of_day - 6) / 12)
    azimuth = noon_azimuth_rad + (dials.time_of_day - 12) / 12 * math.pi
    top, low, ambient, sun = (np.array(v, float) for v in _blend(height_deg))
    overcast = _smooth(0.2, 0.62, dials.weather)
    grey = 0.35 * top.mean() + 0.65 * low.mean()
    top = top + overcast * (grey * np.array([0.80, 0.84, 0.90]) - top) * 0.92
    low = low + overcast * (grey * np.array([0.97, 1.0, 1.03]) - low) * 0.92
    ambient = ambient + overcast * (ambient.mean() * np.array([1.14, 1.16, 1.2]) - ambient)
    sun = sun * (1 - overcast)
    rise = math.radians(max(abs(height_deg), 5.0))
    night = 1 - _smooth(-5.0, 6.0, height_deg)
    haze = 0.75 * low + 0.25 * top
    return Light(
        (math.sin(azimuth) * math.cos(rise), math.sin(rise), math.cos(azimuth) * math.cos(rise)),
        tuple(sun.tolist()),
        tuple(ambient.tolist()),
        tuple(top.tolist()),
        tuple(low.tolist()),
        tuple(haze.tolist()),
        0.0022 + dials.weather**2 * (0.008 + 0.03 * fogginess),
        night,
        overcast,
        _smooth(0.35, 0.75, dials.weather),
        _smooth(0.5, 0.95, dials.weather) * (1 - 0.7 * fogginess),
        dials.texture,
        lamps,
        roofs,
    )


def _blend(height_deg: float) -> list[np.ndarray]:
    stops = sorted(_CLEAR)
    height = min(max(height_deg, stops[0]), stops[-1])
    upper = next(i for i, stop in enumerate(stops) if height <= stop)
    low, high = stops[max(upper - 1, 0)], stops[upper]
    share = 0.0 if high == low else (height - low) / (high - low)
    pairs = zip(_CLEAR[low], _CLEAR[high], strict=True)
    return [(1 - share) * np.array(a, float) + share * np.array(b, float) for a, b in pairs]


def _smooth(low: float, high: float, value: float) -> float:
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)
