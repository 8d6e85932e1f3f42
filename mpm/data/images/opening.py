"""One reader for each format, and the one Pillow plugin that may open what it found."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

from PIL import Image, UnidentifiedImageError, features

from mpm.data.images.bmp import open_bmp, read_bmp
from mpm.data.images.container import Container, unread_kind
from mpm.data.images.gif import read_gif
from mpm.data.images.isobmff import is_whole, read_avif, read_heic
from mpm.data.images.jpeg import read_jpeg
from mpm.data.images.jpeg_damage import DAMAGED, is_damaged
from mpm.data.images.png import check_rows, read_png
from mpm.data.images.tiff import read_tiff
from mpm.data.images.webp import read_webp

_READERS: dict[str, Callable[[bytes], Container]] = {
    "PNG": read_png,
    "JPEG": read_jpeg,
    "WEBP": read_webp,
    "GIF": read_gif,
    "BMP": read_bmp,
    "TIFF": read_tiff,
    "AVIF": read_avif,
    "HEIC": read_heic,
}

# Pillow keeps the upper byte of 16-bit colours. Read in the other byte order, it keeps the lower one.
_OTHER_BYTE = {
    f"{colours};16{order}": f"{colours};16{other}"
    for colours in ("RGB", "RGBA", "RGBX")
    for order, other in (("B", "L"), ("L", "B"), ("N", "B" if sys.byteorder == "little" else "L"))
}


def readable_formats() -> tuple[str, ...]:
    """Names of the formats that this installation decodes."""
    names: tuple[str, ...] = ("PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF")
    names += ("AVIF",) if "avif" in features.get_supported() else ()
    return names + (("HEIC",) if _has_heif() else ())


def _has_heif() -> bool:
    try:
        import pillow_heif  # noqa: F401  optional
    except ImportError:
        return False
    return True


def take_apart(data: bytes, format: str) -> Container:
    """Read the container `format` of `data`.

    Raises InputError for what is refused on purpose, and struct.error, IndexError or ValueError where the
    file ends or contradicts itself; the caller turns those into a sentence.
    """
    return _READERS[format](data)


def open_image(container: Container) -> Image.Image:
    """Parse the header only; of all decoders only the one of the format seen in the content may try."""
    if container.format == "BMP":
        return open_bmp(container.data)
    if container.format == "HEIC":
        import pillow_heif  # its Pillow plugin is not registered, that would be global

        return pillow_heif.open_heif(io.BytesIO(container.data)).to_pillow()
    try:
        return Image.open(io.BytesIO(container.data), formats=[container.format])
    except UnidentifiedImageError as error:
        if container.format == "AVIF" and is_whole(container.data):
            raise unread_kind("AVIF", "parts against the rules of the format") from error
        raise


def damage_notes(container: Container, image: Image.Image) -> list[str]:
    """What only the pixels tell; ValueError for a file that is refused for it."""
    if container.format == "PNG":
        check_rows(container, image)
    if container.format == "JPEG" and not container.notes and is_damaged(container.data, image):
        return [DAMAGED]
    return []


def open_low_bytes(container: Container, image: Image.Image) -> Image.Image | None:
    """The lower bytes of an image of 16-bit colours; None for any other."""
    tiles = getattr(image, "tile", [])
    modes = {_raw_mode(tile) for tile in tiles}
    if not modes or not modes <= _OTHER_BYTE.keys():
        return None
    low = Image.open(io.BytesIO(container.data), formats=[container.format])
    low.tile = [tile._replace(args=_with_other_byte(tile.args)) for tile in tiles]
    low.load()
    return low


def _raw_mode(tile: Any) -> str:
    return tile.args if isinstance(tile.args, str) else str(tile.args[0])


def _with_other_byte(args: Any) -> Any:
    if isinstance(args, str):
        return _OTHER_BYTE[args]
    return (_OTHER_BYTE[args[0]], *args[1:])
