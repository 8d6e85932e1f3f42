"""Any Pillow mode -> plain sRGB, in strips of rows, so that no second full-size copy is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from mpm.data.images.profiles import srgb_transform
from mpm.data.images.wide_gray import wide_gray_converter

STRIP_PX = 1 << 21
CLEAR_NOTE = "Transparent parts are shown on white."

# Colours (mode L, RGB or CMYK) and opacity ((h, W) uint8) of the rows from `top` on.
_Parts = tuple[Image.Image, "np.ndarray | None"]
_Converter = Callable[[int, Image.Image], _Parts]


def to_rgb(
    image: Image.Image, profile: bytes = b"", low_bytes: Image.Image | None = None
) -> tuple[np.ndarray, list[str]]:
    """Convert a loaded image to (H, W, 3) uint8 sRGB; transparency is laid on white.

    Values of more than 8 bits are scaled. Also returns notes, one sentence each, about what was changed.

    profile: the ICC profile of the colours; empty for sRGB.
    low_bytes: the lower bytes of 16-bit colours, of which Pillow puts only the upper ones into `image`.
    """
    convert, notes = _converter(image, low_bytes)
    transform, ignored = srgb_transform(profile, image.mode)
    notes += [ignored] if ignored else []
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    saw_through = False
    for top, strip in _strips(image):
        colours, alpha = convert(top, strip)
        pixels = np.asarray(transform(colours) if transform else colours.convert("RGB"))
        if alpha is not None and alpha.min() < 255:
            saw_through, pixels = True, _on_white(pixels, alpha)
        rgb[top : top + strip.height] = pixels
    return rgb, notes + ([CLEAR_NOTE] if saw_through else [])


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    rows = max(1, STRIP_PX // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _on_white(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(h, W, 3) uint8 -> (h, W, 3) uint8, rounded."""
    opacity = alpha[..., None].astype(np.uint16)
    return ((rgb * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)


def _converter(image: Image.Image, low_bytes: Image.Image | None) -> tuple[_Converter, list[str]]:
    """What makes colours and opacity of a strip, and notes."""
    if low_bytes is not None:
        return _wide_colour_converter(image, low_bytes), []
    if image.mode == "F" or image.mode.startswith("I"):
        gray, note = wide_gray_converter(image, _strips)
        return lambda _top, strip: gray(strip), [note] if note else []
    if image.mode == "La":
        return lambda _top, strip: _parted(strip.convert("LA").convert("RGBA")), []
    if image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info:
        return lambda _top, strip: _parted(strip.convert("RGBA")), []
    return lambda _top, strip: (strip, None), []


def _parted(rgba: Image.Image) -> _Parts:
    return rgba.convert("RGB"), np.asarray(rgba.getchannel("A"))


def _wide_colour_converter(image: Image.Image, low_bytes: Image.Image) -> _Converter:
    transparent = image.info.get("transparency")

    def convert(top: int, strip: Image.Image) -> _Parts:
        low = np.asarray(low_bytes.crop((0, top, strip.width, top + strip.height)))
        high = np.asarray(strip)
        colours, alpha = _rounded(high, low), None
        if high.shape[2] == 4:
            colours, alpha = np.ascontiguousarray(colours[..., :3]), colours[..., 3]
        elif transparent is not None:
            is_key = ((high.astype(np.uint16) << 8 | low) == transparent).all(axis=2)
            alpha = np.where(is_key, 0, 255).astype(np.uint8)
        return Image.fromarray(colours), alpha

    return convert


def _rounded(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """The two bytes of 16-bit values, over 257 and rounded: 256 h + l is 257 h + (l - h)."""
    rest = low.astype(np.int16) - high
    return high + (rest > 128).astype(np.uint8) - (rest < -128).astype(np.uint8)
