"""Any Pillow mode -> plain RGB, in strips of rows, so that no second full-size copy is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

STRIP_PX = 1 << 21

# Largest values of what is stored in more than 8 bits: 8, 10, 12, 14 and 16-bit sensors, 24 and 32-bit data.
_FULL_SCALES = (255, 1023, 4095, 16383, 65535, (1 << 24) - 1, (1 << 31) - 1)


def to_rgb(image: Image.Image) -> tuple[np.ndarray, list[str]]:
    """Convert a loaded image to (H, W, 3) uint8 RGB; transparency is laid on white.

    Values of more than 8 bits are scaled. Also returns notes, one sentence each, about what was changed.
    """
    convert, notes = _mode_converter(image)
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    saw_through = False
    for top, strip in _strips(image):
        pixels = convert(strip)
        if pixels.shape[-1] == 4:
            saw_through |= bool(pixels[..., 3].min() < 255)
            pixels = _on_white(pixels)
        rgb[top : top + strip.height] = pixels
    return rgb, notes + (["Transparent parts are shown on white."] if saw_through else [])


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    rows = max(1, STRIP_PX // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _on_white(rgba: np.ndarray) -> np.ndarray:
    """(h, W, 4) uint8 -> (h, W, 3) uint8, rounded."""
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _mode_converter(image: Image.Image) -> tuple[Callable[[Image.Image], np.ndarray], list[str]]:
    """A function from a strip to (h, W, 3) or (h, W, 4) uint8 (or one band, (h, W, 1)), and notes."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _wide_converter(image)
    if image.mode == "La":
        return lambda strip: np.asarray(strip.convert("LA").convert("RGBA")), []
    if image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info:
        return lambda strip: np.asarray(strip.convert("RGBA")), []
    return lambda strip: np.asarray(strip.convert("RGB")), []


def _wide_converter(image: Image.Image) -> tuple[Callable[[Image.Image], np.ndarray], list[str]]:
    low, high = _value_range(image)
    black, white, note = _full_scale(low, high, image.mode == "F")
    transparent = image.info.get("transparency")

    def convert(strip: Image.Image) -> np.ndarray:
        values = np.asarray(strip)
        finite = np.nan_to_num(values.astype(np.float64), nan=black, posinf=white, neginf=black)
        gray = np.clip((finite - black) * 255 / (white - black) + 0.5, 0, 255).astype(np.uint8)
        if isinstance(transparent, int):
            gray[values == transparent] = 255
        return gray[..., None]

    return convert, [note] if note else []


def _value_range(image: Image.Image) -> tuple[float, float]:
    """The least and greatest finite values; (0, 0) if there are none."""
    low, high = np.inf, -np.inf
    for _, strip in _strips(image):
        values = np.asarray(strip)
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _full_scale(low: float, high: float, is_float: bool) -> tuple[float, float, str]:
    """The values shown as black and white, and a note where they are not the type's own full range."""
    if is_float and low >= 0 and high <= 1:
        return 0.0, 1.0, ""
    if is_float and low >= 0 and high <= 255:
        return 0.0, 255.0, ""
    if is_float or low < 0:
        white = high if high > low else low + 1
        return low, white, f"Values {low:.6g} to {high:.6g} are shown as black to white."
    white = next(scale for scale in _FULL_SCALES if high <= scale)
    note = f"Values 0 to {white} are shown as black to white." if white != 65535 else ""
    return 0.0, float(white), note
