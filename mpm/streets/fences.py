"""Fences: railings, boards, hoardings and walls as panels along the street."""

from __future__ import annotations

import cv2
import numpy as np

from mpm.streets.camera import Camera
from mpm.streets.canvas import FENCE, Canvas
from mpm.streets.colours import brightened
from mpm.streets.lighting import LAMP_RGB, Light
from mpm.streets.things import Thing


def paint_fence(canvas: Canvas, camera: Camera, light: Light, thing: Thing) -> None:
    """A fence, wall or hoarding from thing.z_m to size[0], size[1] metres tall; the whole panel is fence."""
    end, tall = thing.size
    start = max(thing.z_m, 1.2)
    if end - start < 0.5:
        return
    rng = np.random.default_rng(thing.seed)
    kind = "guard" if thing.kind == "railing" else str(rng.choice(["railing", "boards", "hoarding", "wall"]))
    corners = np.array(
        [[thing.x_m, tall, end], [thing.x_m, tall, start], [thing.x_m, 0, start], [thing.x_m, 0, end]]
    )
    if camera.view(corners)[:, 2].min() < 0.8:
        corners[1:3, 2] = start = 3.0
        if end - start < 0.5:
            return
    tile, alpha = _panel(kind, end - start, tall, rng, light)
    gain, veil = _panel_light(light, thing, start, end, tall)
    size = (tile.shape[1], tile.shape[0])
    tile = cv2.add(cv2.multiply(tile, cv2.resize(gain, size), scale=1 / 128), cv2.resize(veil, size))
    canvas.quad(tile, camera.to_pixels(camera.view(corners)), FENCE, alpha)


def _panel(
    kind: str, length: float, tall: float, rng: np.random.Generator, light: Light
) -> tuple[np.ndarray, np.ndarray | None]:
    px = 48
    tile = np.empty((round(tall * px), max(8, round(length * px)), 3), np.uint8)
    height, width = tile.shape[:2]
    if kind in ("railing", "guard"):
        return _bars(tile, kind, rng, px)
    if kind == "boards":
        tone, step = np.array((138, 104, 72)) * (0.8 + 0.4 * rng.random()), 7
        for x in range(0, width, step):
            tile[:, x : x + step] = np.clip(tone * (1 + 0.3 * light.texture * (rng.random() - 0.5)), 0, 255)
            tile[:, x : x + 1] = 0.5 * tone
        for y in (0.15, 0.8):
            tile[int(y * height) : int(y * height) + 4] = 0.72 * tone
    elif kind == "hoarding":
        tone, stripe = 80 + 150 * rng.random(3), 80 + 150 * rng.random(3)
        tile[:] = tone
        tile[int(0.3 * height) : int(0.62 * height)] = stripe
        for x in range(0, width, int(1.3 * px)):
            tile[:, x : x + 3] = 0.55 * tone
            cv2.rectangle(
                tile, (x + 12, int(0.38 * height)), (x + 40, int(0.52 * height)), (240, 238, 230), -1
            )
        tile[:4] = 0.6 * tone
    else:
        tile[:] = np.array((150, 92, 70)) * (0.85 + 0.3 * rng.random())
        for y in range(0, height, 6):
            tile[y : y + 1] = (104, 84, 74)
        for x in range(0, width, 96):
            tile[:, x : x + 14] = tile[2, 20] * 0.82
        tile[:7] = (186, 178, 162)
    return tile, None


def _bars(tile: np.ndarray, kind: str, rng: np.random.Generator, px: int) -> tuple[np.ndarray, np.ndarray]:
    height, width = tile.shape[:2]
    tone = ((44, 50, 48), (58, 62, 70), (172, 176, 178))[int(rng.integers(2)) if kind == "railing" else 2]
    tile[:] = tone
    alpha = np.zeros((height, width), np.uint8)
    step, bar = int(0.2 * px), 4
    for x in range(0, width, step):
        alpha[:, x : x + bar] = 255
        tile[:, x : x + 1] = brightened(1.4, tone, 14)
    for x in range(0, width, int(1.9 * px)):
        alpha[:, x : x + 9] = 255
    for y in (0, int(0.8 * height)):
        alpha[y : y + 6] = 255
        tile[y : y + 2] = brightened(1.4, tone, 14)
    return tile, alpha


def _panel_light(
    light: Light, thing: Thing, start: float, end: float, tall: float
) -> tuple[np.ndarray, np.ndarray]:
    along, up = np.meshgrid((np.arange(16) + 0.5) / 16, np.array([0.9, 0.6, 0.35, 0.1]))
    z = end + along * (start - end)
    points = np.stack([np.full_like(z, thing.x_m - 0.3 * thing.side), up * tall, z], axis=-1).reshape(-1, 3)
    cosine = max(0.15, -thing.side * light.sun_dir[0]) * 0.9
    sun = light.roofs.sunlit(points, light.sun_dir).reshape(4, 16, 1) * cosine
    total = np.array(light.ambient) * (0.7 + 0.25 * up)[..., None] + np.array(light.sun) * sun
    total = total + np.array(LAMP_RGB) * light.lamp_light(points).reshape(4, 16, 1)
    clear = np.exp(-light.haze_per_m * z)[..., None]
    gain = np.clip(total * clear * 128, 0, 255).astype(np.uint8)
    return gain, np.clip(np.array(light.haze) * (1 - clear), 0, 255).astype(np.uint8)
