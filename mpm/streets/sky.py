"""Sky: gradient, clouds, sun or moon, stars, and the far skyline."""

from __future__ import annotations

import cv2
import numpy as np

from mpm.streets.camera import Camera
from mpm.streets.canvas import BUILDING, SKY, TREE, Canvas
from mpm.streets.colours import Colour
from mpm.streets.lighting import Light, LocalLight
from mpm.streets.textures import MASTER_PX, fractal

_SHRINK = 4


def paint_sky(canvas: Canvas, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    """Fill everything above the horizon row (and a little below) with sky."""
    bottom = int(np.clip(camera.horizon_px + 4, 1, canvas.height))
    rows, columns = max(2, bottom // _SHRINK), max(2, canvas.width // _SHRINK)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)  # float32 keeps this cheap
    up = np.clip((camera.horizon_px - y * _SHRINK) / camera.focal_px, 0.0, None)
    right = (x * _SHRINK - camera.centre_px) / camera.focal_px
    share = (1 - np.exp(-2.6 * up))[..., None]
    sky = np.array(light.sky_low) * (1 - share) + np.array(light.sky_top) * share
    sky = _with_sun(sky, light, up, right, camera)
    sky = _with_clouds(sky, light, up, right, rng)
    if light.night > 0.5 and light.overcast < 0.7:
        sky = _with_stars(sky, light, rng)
    sky = np.clip(sky, 0, 255).astype(np.uint8)
    canvas.image[:bottom] = cv2.resize(sky, (canvas.width, bottom), interpolation=cv2.INTER_LINEAR)
    canvas.labels[:bottom] = SKY


def _with_sun(sky: np.ndarray, light: Light, up: np.ndarray, right: np.ndarray, camera: Camera) -> np.ndarray:
    x, y, z = light.sun_dir
    turned = z * np.cos(camera.yaw_rad) + x * np.sin(camera.yaw_rad)
    across = x * np.cos(camera.yaw_rad) - z * np.sin(camera.yaw_rad)
    cosine = (right * across + up * y + turned) / np.sqrt(right**2 + up**2 + 1)
    angle = np.arccos(np.clip(cosine, -1, 1))
    glow = np.exp(-angle / 0.32)[..., None]
    clear = 1 - 0.8 * light.overcast
    if light.night > 0.6:
        disc = np.clip((0.026 - angle) / 0.006, 0, 1)[..., None]
        return sky + clear * (glow * np.array([26, 30, 44]) + disc * np.array([190, 190, 178]))
    disc = np.clip((0.04 - angle) / 0.02, 0, 1)[..., None]
    warmth = np.array(light.sun) / max(light.sun[0], 0.05)
    return sky + clear * (glow * 95 + disc * 160) * warmth


def _with_clouds(
    sky: np.ndarray, light: Light, up: np.ndarray, right: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    cover, scale, shift_x, shift_y = rng.random(4)
    # Clouds lie on a plane overhead, so they flatten towards the horizon.
    lift = 1 / (up + 0.22)
    u = ((right * lift * 0.5 + shift_x * 7) * (90 + 70 * scale)).astype(np.float32) % MASTER_PX
    v = ((lift + shift_y * 7) * (110 + 90 * scale)).astype(np.float32) % MASTER_PX
    noise = cv2.remap(fractal(11, 4, 7), u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP).astype(
        np.float32
    )
    body = cv2.remap(fractal(11, 4, 7), (u + 9) % MASTER_PX, (v - 14) % MASTER_PX, cv2.INTER_LINEAR)
    threshold = 175 - 75 * cover * (1 - light.overcast) - 150 * light.overcast
    density = np.clip((noise - threshold) / 70, 0, 1)[..., None] * (0.35 + 0.6 * light.texture)
    shade = np.clip(0.5 + (noise - body.astype(np.float32)) / 60, 0, 1)[..., None]
    level = np.array(light.sky_low) * (0.62 + 0.3 * (1 - light.overcast)) + np.array(light.sun) * 40
    bright = level * (0.84 + 0.32 * shade) + np.array(light.sun) * 55 * shade
    density = density * np.clip(up * 9, 0, 1)[..., None]
    return sky * (1 - density) + bright * density


def _with_stars(sky: np.ndarray, light: Light, rng: np.random.Generator) -> np.ndarray:
    rows, columns = sky.shape[:2]
    count = int(0.002 * rows * columns)
    y, x = rng.integers(0, rows, count), rng.integers(0, columns, count)
    sky[y, x] += (rng.random(count) * 120 * (1 - light.overcast))[:, None]
    return sky


def paint_skyline(canvas: Canvas, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    """Far houses and woods along the horizon, deep in the haze."""
    local = light.at(0.0, 20.0, 95.0)
    z, x = 110.0, -90.0
    while x < 90:
        width, height, kind = 5 + 13 * rng.random(), 4 + 9 * rng.random(), rng.random()
        tone = 0.7 + 0.5 * rng.random()
        if kind < 0.5:
            rise = 0.0 if kind < 0.15 else 0.22 * width
            corners = np.array(
                [
                    [x, -1, z],
                    [x, height, z],
                    [x + width / 2, height + rise, z],
                    [x + width, height, z],
                    [x + width, -1, z],
                ]
            )
            warm = (126 * tone, (100 + 30 * kind) * tone, (84 + 50 * kind) * tone)
            _fill(canvas, camera, corners, local.colour(warm, (0, 0, -1)), BUILDING)
            if abs(x + width / 2) < 24:
                _far_windows(canvas, camera, local, rng.random(40), x, width, height)
        else:
            top = height * (0.45 + 0.5 * np.sin(np.linspace(0.1, 3.0, 12))) + 0.8 * rng.standard_normal(12)
            along = np.linspace(x - 2, x + width + 2, 12)
            ridge = np.stack([along, top, np.full(12, z)], axis=1)
            foot = ridge[[-1, 0]] * (1, 0, 1) - (0, 1, 0)
            shade = local.colour((70 * tone, 88 * tone, 52 * tone), (0, 0, -1))
            _fill(canvas, camera, np.concatenate([ridge, foot]), shade, TREE)
        x += width * (0.7 + 0.4 * rng.random())


def _far_windows(
    canvas: Canvas, camera: Camera, local: LocalLight, lit: np.ndarray, x: float, width: float, height: float
) -> None:
    columns, rows = int(width / 2.6), int(height / 3.2)
    for i in range(min(columns * rows, len(lit))):
        left, low = x + 0.9 + 2.6 * (i % columns), 1.6 + 3.0 * (i // columns)
        corners = np.array(
            [
                [left, low, 110.0],
                [left, low + 1.5, 110.0],
                [left + 1.1, low + 1.5, 110.0],
                [left + 1.1, low, 110.0],
            ]
        )
        glow = 0.9 if lit[i] < 0.5 * local.light.night else 0.0
        albedo = (250, 206, 130) if glow else (64, 72, 84)
        _fill(canvas, camera, corners, local.colour(albedo, (0, 0, -1), glow), None)


def _fill(canvas: Canvas, camera: Camera, corners: np.ndarray, colour: Colour, label: int | None) -> None:
    # The skyline is straight ahead whatever the street's bend: it stands in picture space.
    seen = camera.view(np.array([[0, 0, corners[0, 2]]]))[0]
    shifted = corners.copy()
    shifted[:, 0] -= seen[0]
    points = camera.polygon(shifted)
    if points is not None:
        canvas.poly(points, colour, label)
