"""What lies between street and sensor: wet mirrors, glow, rain, vignette, noise."""

from __future__ import annotations

import cv2
import numpy as np

from mpm.streets.canvas import PAVEMENT, ROAD
from mpm.streets.lighting import Light
from mpm.streets.textures import MASTER_PX, fractal, grain


def develop(
    image: np.ndarray, labels: np.ndarray, horizon_px: float, light: Light, rng: np.random.Generator
) -> np.ndarray:
    """(H, W, 3) uint8 scene -> (H, W, 3) uint8 photograph."""
    offsets = rng.integers(0, MASTER_PX, 8)
    if light.wet > 0.02:
        image = _wet(image, labels, horizon_px, light, offsets)
    photo = image.astype(np.float32)
    _glow(photo, image, light)
    if light.rain > 0.02:
        _rain(photo, light, rng)
    _sensor(photo, light, offsets)
    return cv2.convertScaleAbs(np.maximum(photo, 0, out=photo))


def _tile(master: np.ndarray, height: int, width: int, offsets: np.ndarray) -> np.ndarray:
    y, x = int(offsets[0]), int(offsets[1])
    if y + height <= MASTER_PX and x + width <= MASTER_PX:
        return master[y : y + height, x : x + width]
    return np.take(
        np.take(master, np.arange(y, y + height), 0, mode="wrap"), np.arange(x, x + width), 1, mode="wrap"
    )


def _wet(
    image: np.ndarray, labels: np.ndarray, horizon_px: float, light: Light, offsets: np.ndarray
) -> np.ndarray:
    """Mix the picture mirrored at the horizon, smeared upright, into road and pavement."""
    height, width = labels.shape
    top = int(np.clip(horizon_px, 1, height - 1))
    rows = np.clip(2 * horizon_px - np.arange(top, height), 0, top).astype(int)
    mirror = cv2.blur(image[rows], (3, max(3, height // 14) | 1))
    ground = (labels[top:] == ROAD) | (labels[top:] == PAVEMENT)
    puddle = _tile(fractal(), height - top, width, offsets[:2]).astype(np.float32)
    near = np.linspace(1.0, 0.55, height - top, dtype=np.float32)[:, None]
    share = light.wet * near * np.clip(0.30 + (puddle - 120) / 110, 0.08, 0.72) * ground
    out = image.copy()
    part = image[top:].astype(np.float32)
    out[top:] = (part + share[..., None] * (1.05 * mirror - 0.85 * part)).clip(0, 255).astype(np.uint8)
    return out


def _glow(photo: np.ndarray, image: np.ndarray, light: Light) -> None:
    """Bright places bleed into their surroundings, most of all at night."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(2, width // 4), max(2, height // 4)), interpolation=cv2.INTER_AREA)
    bright = np.clip(small.astype(np.float32) - (215 - 75 * light.night), 0, None)
    spread = max(1.0, width / 110)
    soft = cv2.GaussianBlur(bright, (0, 0), spread) + 0.7 * cv2.GaussianBlur(bright, (0, 0), 3.2 * spread)
    soft *= 0.22 + 1.1 * light.night
    cv2.add(photo, cv2.resize(soft, (width, height)), photo)


def _rain(photo: np.ndarray, light: Light, rng: np.random.Generator) -> None:
    height, width = photo.shape[:2]
    streaks = np.zeros((height, width), np.uint8)
    count = int(light.rain * height * width / 700)
    x, y, size = rng.random(count) * width, rng.random(count) * height, rng.random(count) ** 2
    slant = 0.1 * (rng.random() - 0.5)
    length = height * (0.02 + 0.06 * size)
    for i in range(count):
        start = (int(x[i]), int(y[i]))
        stop = (int(x[i] + slant * length[i]), int(y[i] + length[i]))
        cv2.line(streaks, start, stop, int(28 + 50 * size[i]), 1, cv2.LINE_AA)
    veil = cv2.blur(streaks, (1, 3)).astype(np.float32)[..., None]
    photo += veil * (0.35 + 0.65 * np.array(light.haze, np.float32) / 255)


def _sensor(photo: np.ndarray, light: Light, offsets: np.ndarray) -> None:
    """Darker corners, then noise that grows as light fades: grain at full size, colour at a third."""
    height, width = photo.shape[:2]
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    vignette = (1.03 - 0.13 * (x * x + y * y)).astype(np.float32)
    level = 2.0 + 4.5 * light.night
    rows, columns = max(2, height // 3), max(2, width // 3)
    chroma = cv2.merge([_tile(grain(), rows, columns, offsets[k : k + 2]) for k in (4, 5, 6)])
    noise = level * _tile(grain(), height, width, offsets[2:4])
    cv2.multiply(photo, cv2.merge([vignette] * 3), photo)
    cv2.add(photo, cv2.merge([noise] * 3), photo)
    cv2.add(photo, cv2.resize(0.55 * level * chroma, (width, height)), photo)
