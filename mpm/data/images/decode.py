"""Untrusted image files -> clean RGB arrays; used by the command line and by the page."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from mpm.data.images.container import TITLES, Container, detect_format, exif_orientation
from mpm.data.images.opening import damage_notes, open_image, open_low_bytes, readable_formats, take_apart
from mpm.data.images.pixels import CLEAR_NOTE, to_rgb
from mpm.data.images.shrink import shrunk
from mpm.errors import InputError

MAX_BYTES = 40_000_000
MAX_PIXELS = 50_000_000
MAX_SIDE_PX = 65_535


@dataclass(frozen=True)
class DecodedImage:
    """An image as plain pixels, upright, without any metadata.

    rgb: (H, W, 3) uint8, contiguous, [0, 255].
    format: what the file was by its content, e.g. "PNG".
    notes: sentences on what was changed and should be told (scaled down, first frame only, ...).
    """

    rgb: np.ndarray
    format: str
    notes: tuple[str, ...] = ()


def decode_image(
    source: bytes | str | os.PathLike[str],
    *,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    max_side_px: int | None = None,
) -> DecodedImage:
    """Decode an image file, given as its bytes or its path.

    The format is told from the content, the size is checked before any pixel is decoded, the EXIF
    orientation is applied, transparency is laid on white, more than 8 bits are scaled to 8, and of several
    frames the first is taken. With `max_side_px` a longer image is scaled down to it, and a note says so.

    Raises InputError, one clear sentence, for everything that is wrong with the file.
    """
    data = _read_bytes(source, max_bytes)
    format = _checked_format(data)
    try:
        container = take_apart(data, format)
        del data
        return _decode(container, max_pixels, max_side_px)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError("The image needs more memory than this machine has.") from error
    except Image.DecompressionBombError as error:
        message = f"The image is too large: at most {max_pixels / 1e6:g} megapixels are read."
        raise InputError(message) from error
    except Exception as error:  # Pillow has no error of its own: struct.error, SyntaxError, OSError, ...
        raise InputError(f"The {TITLES.get(format, format)} file is broken or cut off.") from error


def _read_bytes(source: bytes | str | os.PathLike[str], max_bytes: int) -> bytes:
    data = source if isinstance(source, bytes) else _read_file(source, max_bytes)
    if len(data) > max_bytes:
        raise InputError(f"The file is too large: at most {max_bytes / 1e6:g} MB are read.")
    if not data:
        raise InputError("The file is empty.")
    return data


def _read_file(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    try:
        if stat.S_ISREG(os.stat(path).st_mode):  # a pipe or a device could keep us waiting for ever
            with open(path, "rb") as file:
                return file.read(max_bytes + 1)
    except OSError as error:
        raise InputError(f"Cannot read {os.fspath(path)!r}: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"{os.fspath(path)!r} is not a valid path.") from error
    raise InputError(f"{os.fspath(path)!r} is not a file.")


def _checked_format(data: bytes) -> str:
    format = detect_format(data)
    readable = readable_formats()
    if format and TITLES.get(format, format) in readable:
        return format
    allowed = f"{', '.join(readable[:-1])} and {readable[-1]} are read"
    if format:
        raise InputError(f"{format} files cannot be decoded by this installation; {allowed}.")
    raise InputError(f"The file is not an image of a known kind; {allowed}.")


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise InputError(f"The image has no pixels: its size is {width} x {height}.")
    if max(width, height) > MAX_SIDE_PX:
        raise InputError(f"The image is too large: {width} x {height}, at most {MAX_SIDE_PX} pixels a side.")
    if width * height > max_pixels:
        megapixels = f"{width * height / 1e6:.1f} megapixels, at most {max_pixels / 1e6:g}"
        raise InputError(f"The image is too large: {width} x {height} is {megapixels}.")


def _decode(container: Container, max_pixels: int, max_side_px: int | None) -> DecodedImage:
    if container.size_px:
        _check_size(*container.size_px, max_pixels)
    stored = _decode_stored(container, max_pixels, max_side_px)
    rgb, size_px = stored.rgb, stored.size_px
    target = _target_size(size_px, max_side_px)
    if (rgb.shape[1], rgb.shape[0]) != target:
        rgb = cv2.resize(rgb, target, interpolation=cv2.INTER_AREA)
    rgb = _upright(rgb, stored.orientation)
    notes = [*container.notes, *stored.notes]
    if container.has_more:
        notes = ["Only the first frame or page is used.", *notes]
    if target != size_px:
        shape = f"{rgb.shape[1]} x {rgb.shape[0]}"
        notes = [f"Scaled down from {size_px[0] * size_px[1] / 1e6:.1f} megapixels to {shape}.", *notes]
    return DecodedImage(rgb, TITLES.get(container.format, container.format), tuple(notes))


@dataclass(frozen=True)
class _Stored:
    """Pixels as they stand in the file; size_px: their (width, height) there, before any draft."""

    rgb: np.ndarray
    size_px: tuple[int, int]
    orientation: int
    notes: list[str]


def _decode_stored(container: Container, max_pixels: int, max_side_px: int | None) -> _Stored:
    """Decode, and free Pillow's copy.

    No warnings filter is set here: it is global to the process, and threads would leave it changed.
    """
    with open_image(container) as image:
        _check_size(*image.size, max_pixels)
        size_px = image.size
        target = _target_size(size_px, max_side_px)
        if target != size_px:  # JPEG only: decodes at 1/2, 1/4 or 1/8, never below the target
            image.draft(None, (target[0] - 1 or 1, target[1] - 1 or 1))  # it rounds the other way
        low_bytes = open_low_bytes(container, image)
        image.load()
        orientation = _orientation(container, image)
        profile = image.info.get("icc_profile") or container.profile
        damage = damage_notes(container, image)
        may_shrink = low_bytes is None and container.placed_px is None
        rgb, notes = to_rgb(shrunk(image, target) if may_shrink else image, profile, low_bytes)
        notes = [*damage, *notes]
    if container.placed_px and container.size_px != size_px:
        rgb, notes = _on_screen(rgb, container), [*notes, *[CLEAR_NOTE] * (CLEAR_NOTE not in notes)]
        size_px = container.size_px or size_px
    return _Stored(rgb, size_px, orientation, notes)


def _on_screen(rgb: np.ndarray, container: Container) -> np.ndarray:
    """A frame at its place on the screen, whose rest is clear."""
    (width, height), (left, top) = container.size_px or (0, 0), container.placed_px or (0, 0)
    screen = np.full((height, width, 3), 255, np.uint8)
    screen[top : top + rgb.shape[0], left : left + rgb.shape[1]] = rgb
    return screen


def _orientation(container: Container, image: Image.Image) -> int:
    if container.format != "AVIF":
        return container.orientation
    # Pillow expresses AVIF's own rotation and mirror boxes as an EXIF block.
    return exif_orientation(image.info.get("exif", b""))


def _target_size(size: tuple[int, int], max_side_px: int | None) -> tuple[int, int]:
    longer = max(size)
    if max_side_px is None or longer <= max_side_px:
        return size
    width, height = (max(1, round(side * max_side_px / longer)) for side in size)
    return width, height


def _upright(rgb: np.ndarray, orientation: int) -> np.ndarray:
    """Apply an EXIF orientation: (H, W, 3) -> (H, W, 3), or (W, H, 3) for 5 to 8, contiguous."""
    if orientation in (5, 6, 7, 8):
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)
