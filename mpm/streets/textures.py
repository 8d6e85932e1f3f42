"""Fixed texture masters, made once a process from fixed seeds and never written to."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

MASTER_PX = 1024
WALL_PX_PER_M = 32
SPRITE_PX = 224


def frozen(array: np.ndarray) -> np.ndarray:
    """The array, made read-only: masters are shared."""
    array.setflags(write=False)
    return array


@cache
def fractal(seed: int = 1, first: int = 4, octaves: int = 7) -> np.ndarray:
    """(1024, 1024) uint8 cloud-like noise around 128 that wraps round at its edges."""
    rng = np.random.default_rng(seed)
    total = np.zeros((MASTER_PX, MASTER_PX), np.float32)
    for octave in range(octaves):
        cells = first * 2**octave
        small = rng.standard_normal((cells, cells)).astype(np.float32)
        total += 0.6**octave * _wrapped_resize(small)
    total = (total - total.mean()) / total.std()
    return frozen(np.clip(128 + 48 * total, 0, 255).astype(np.uint8))


def _wrapped_resize(small: np.ndarray) -> np.ndarray:
    cells = len(small)
    if cells >= MASTER_PX:
        return small[:MASTER_PX, :MASTER_PX]
    step, pad = MASTER_PX // cells, 2
    large = cv2.resize(np.pad(small, pad, mode="wrap"), None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
    return large[pad * step : pad * step + MASTER_PX, pad * step : pad * step + MASTER_PX]


@cache
def grain() -> np.ndarray:
    """(1024, 1024) float32 white noise of unit spread, for sensor noise."""
    return frozen(np.random.default_rng(2).standard_normal((MASTER_PX, MASTER_PX)).astype(np.float32))


@cache
def asphalt() -> np.ndarray:
    """(1024, 1024) uint8 around 128: patches, cracks and grit of a road."""
    base = 128 + 0.42 * (fractal(3, 4, 6).astype(np.float32) - 128) + 5 * grain()
    cracks = np.abs(fractal(4, 8, 5).astype(np.float32) - 128) < 1.3
    return frozen(np.clip(base - 22 * cracks, 0, 255).astype(np.uint8))


@cache
def slabs() -> np.ndarray:
    """(1024, 1024) uint8 around 128: paving slabs, each in its own tone."""
    return _blocks(5, 64, 96, 4, 16, 30)


@cache
def wall(kind: str) -> np.ndarray:
    """(1024, 1024) uint8 around 128 at WALL_PX_PER_M: 'brick', 'stone', 'plaster' or 'panel'."""
    if kind == "brick":
        return _blocks(6, 5, 14, 1, 18, -26)
    if kind == "stone":
        return _blocks(7, 16, 30, 1, 14, 30)
    if kind == "panel":
        return _blocks(8, 64, 64, 2, 5, 26)
    noise = fractal(9, 4, 7).astype(np.float32)
    streaks = cv2.resize(fractal(10, 8, 6)[:64], (MASTER_PX, MASTER_PX)).astype(np.float32)
    return frozen(np.clip(128 + 0.3 * (noise - 128) + 0.22 * (streaks - 128), 0, 255).astype(np.uint8))


def _blocks(seed: int, tall: int, long: int, gap: int, spread: float, groove: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows, columns = MASTER_PX // tall + 1, MASTER_PX // long + 2
    tones = 128 + spread * rng.standard_normal((rows, columns))
    y, x = np.mgrid[:MASTER_PX, :MASTER_PX]
    row = y // tall
    shifted = x + (row % 2) * (long // 2)
    out = tones[row, shifted // long]
    out = np.where((y % tall < gap) | (shifted % long < gap), 128 - groove, out)
    out += 0.16 * (fractal(seed + 20, 4, 6).astype(np.float32) - 128)
    return frozen(np.clip(out, 0, 255).astype(np.uint8))


@cache
def crown(kind: str, variant: int, flip: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Shades and alpha, (224, 224) uint8 each, of a crown lit from the upper left (right when flipped)."""
    if flip:
        shades, alpha = (frozen(np.ascontiguousarray(part[:, ::-1])) for part in crown(kind, variant))
        return shades, alpha
    rng = np.random.default_rng([31, variant, len(kind)])
    lobes = _lobes(kind, rng)
    shades = np.full((SPRITE_PX, SPRITE_PX), 60, np.uint8)
    alpha = np.zeros((SPRITE_PX, SPRITE_PX), np.uint8)
    for x, y, radius in lobes:
        cv2.circle(alpha, (int(x), int(y)), int(0.9 * radius), 255, -1)
        cv2.circle(shades, (int(x), int(y)), int(0.9 * radius), 48, -1)
    for x, y, radius in lobes:
        _leaf_lobe(shades, alpha, rng, x, y, radius)
    return frozen(shades), frozen(alpha)


def _leaf_lobe(
    shades: np.ndarray, alpha: np.ndarray, rng: np.random.Generator, x: float, y: float, radius: float
) -> None:
    count = int(20 + 0.16 * radius**2)
    angle, reach = rng.random(count) * 2 * np.pi, radius * np.sqrt(rng.random(count)) * 1.1
    dx, dy = np.cos(angle) * reach, np.sin(angle) * reach
    light = 118 - 62 * dx / radius - 82 * dy / radius - 0.22 * (y - SPRITE_PX / 2)
    light = np.clip(light + 26 * rng.standard_normal(count), 8, 250)
    size = rng.integers(2, 5, count)
    for i in np.argsort(light + 20 * rng.standard_normal(count)):
        middle = (int(x + dx[i]), int(y + dy[i]))
        axes, turn = (int(size[i]) + 1, int(size[i])), float(angle[i] * 57)
        cv2.ellipse(shades, middle, axes, turn, 0, 360, int(light[i]), -1)
        cv2.ellipse(alpha, middle, axes, turn, 0, 360, 255, -1)


def _lobes(kind: str, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    half = SPRITE_PX / 2
    if kind == "fir":
        steps = np.linspace(0, 1, 26)
        wave = 0.75 + 0.25 * np.cos(steps * 34)
        lobes = [
            (half + (0.78 * half * t * w) * (rng.random() * 2 - 1), 16 + t * (SPRITE_PX - 38), 7 + 13 * t)
            for t, w in zip(steps, wave, strict=True)
            for _ in range(1 + int(4 * t))
        ]
    else:
        squeeze = 0.55 if kind == "poplar" else 1.0
        lobes = [(half, half, 0.5 * half)]
        for _ in range(16):
            angle, reach = rng.random() * 2 * np.pi, half * (0.3 + 0.38 * rng.random())
            lobes.append(
                (
                    half + squeeze * np.cos(angle) * reach,
                    half + np.sin(angle) * reach,
                    half * (0.2 + 0.14 * rng.random()) * (0.8 if kind == "poplar" else 1),
                )
            )
    return sorted(lobes, key=lambda lobe: -lobe[1])
