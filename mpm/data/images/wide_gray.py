"""Gray of more than 8 bits, signed or float -> 8 bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

# Largest values of what is stored in more than 8 bits: 8, 10, 12, 14 and 16-bit sensors, 24 and 32-bit data.
_FULL_SCALES = (255, 1023, 4095, 16383, 65535, (1 << 24) - 1, (1 << 31) - 1)

_Strips = Callable[[Image.Image], Iterator[tuple[int, Image.Image]]]
_Converter = Callable[[Image.Image], tuple[Image.Image, "np.ndarray | None"]]


def wide_gray_converter(image: Image.Image, strips: _Strips) -> tuple[_Converter, str]:
    """What makes 8-bit gray and opacity of a strip, and a note on the values shown as black and white."""
    black, white, note = _full_scale(image, strips)
    transparent = image.info.get("transparency")

    def convert(strip: Image.Image) -> tuple[Image.Image, np.ndarray | None]:
        values = np.asarray(strip)
        finite = np.nan_to_num(values.astype(np.float64), nan=black, posinf=white, neginf=black)
        gray = np.clip((finite - black) * 255 / (white - black) + 0.5, 0, 255).astype(np.uint8)
        clear = isinstance(transparent, int) and values == transparent
        return Image.fromarray(gray), None if clear is False else np.where(clear, 0, 255).astype(np.uint8)

    return convert, note


def _full_scale(image: Image.Image, strips: _Strips) -> tuple[float, float, str]:
    """The values shown as black and white, and a note where they are not the type's own full range."""
    if image.format == "PNG":  # 16 bits are 16 bits there
        return 0.0, 65535.0, ""
    low, high, is_float = *_value_range(image, strips), image.mode == "F"
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


def _value_range(image: Image.Image, strips: _Strips) -> tuple[float, float]:
    """The least and greatest finite values; (0, 0) if there are none."""
    low, high = np.inf, -np.inf
    for _, strip in strips(image):
        values = np.asarray(strip)
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    return (low, high) if low <= high else (0.0, 0.0)
