"""A large picture made smaller before anything else holds it a second time."""

from __future__ import annotations

from PIL import Image

MODES = ("RGB", "L", "CMYK")
"""Modes whose channels may be averaged as they are: no palette, no transparency, 8 bits each."""
BAND_ROWS = 64


def shrunk(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The loaded image at a smaller (width, height), averaged over areas; itself where that may not be done.

    A few rows at a time, and the large image is freed after the last: a 50-megapixel photo weighs 200 MB.
    """
    is_plain = image.mode in MODES and "transparency" not in image.info
    if not is_plain or size[0] > image.width or size[1] > image.height or size == image.size:
        return image
    small, step = Image.new(image.mode, size), image.height / size[1]
    small.info = dict(image.info)
    for top in range(0, size[1], BAND_ROWS):
        rows = min(BAND_ROWS, size[1] - top)
        box = (0, top * step, image.width, min((top + rows) * step, image.height))
        small.paste(image.resize((size[0], rows), Image.Resampling.BOX, box=box), (0, top))
    image.close()
    return small
