"""BMP, read here: Pillow knows few of its bit masks and puts odd runs in the wrong place."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image

from mpm.data.images.bmp_runs import read_runs
from mpm.data.images.container import Container, unread_kind
from mpm.errors import InputError

MAX_RLE_BYTES = 4_000_000  # run lengths are unpacked in Python, run by run

_PLAIN, _RLE8, _RLE4, _MASKS, _ALPHA_MASKS = 0, 1, 2, 3, 6
_UNREAD = {4: "a JPEG inside", 5: "a PNG inside"}
_BITS = {_PLAIN: (1, 2, 4, 8, 16, 24, 32), _RLE8: (8,), _RLE4: (4,), _MASKS: (16, 32), _ALPHA_MASKS: (16, 32)}


@dataclass(frozen=True)
class _Header:
    """size_px: (width, height); rows_down: whether the first row stored is the top one."""

    bytes: int
    size_px: tuple[int, int]
    rows_down: bool
    bits: int
    compression: int
    colours: int
    pixels_at: int


def read_bmp(data: bytes) -> Container:
    header = _header(data)
    if header.compression in (_RLE8, _RLE4) and len(data) > MAX_RLE_BYTES:
        raise InputError(f"A run-length coded BMP file may have at most {MAX_RLE_BYTES // 1_000_000} MB.")
    return Container("BMP", data, header.size_px, profile=_profile(data, header))


def _header(data: bytes) -> _Header:
    pixels_at, length = struct.unpack_from("<LL", data, 10)
    if length == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        return _checked(_Header(12, (width, height), False, bits, _PLAIN, 0, pixels_at))
    if length < 40:
        raise unread_kind("BMP", "a short OS/2 header") if length >= 16 else ValueError("No BMP header")
    width, height, _, bits, compression = struct.unpack_from("<llHHL", data, 18)
    (colours,) = struct.unpack_from("<L", data, 46)
    size = (width, abs(height))
    return _checked(_Header(length, size, height < 0, bits, compression, colours, pixels_at))


def _checked(header: _Header) -> _Header:
    compression = header.compression
    if compression in _UNREAD:
        raise unread_kind("BMP", _UNREAD[compression])
    if compression not in _BITS or header.bits not in _BITS[compression]:
        raise unread_kind("BMP", f"{header.bits} bits a pixel, compression {compression}")
    return header


def _profile(data: bytes, header: _Header) -> bytes:
    """The profile that a header of version 5 points to."""
    if header.bytes < 124 or data[70:74] != b"DEBM":  # "MBED", embedded, as a little-endian number
        return b""
    start, length = struct.unpack_from("<LL", data, 126)
    return data[14 + start : 14 + start + length]


def open_bmp(data: bytes) -> Image.Image:
    """The pixels, as mode P, RGB or RGBA; the size must have been checked."""
    header = _header(data)
    if header.bits > 8:
        return _true_colour(data, header)
    palette = _palette(data, header)
    if header.compression == _PLAIN:
        return _with_palette(_indices(_rows(data, header), header), palette)
    indices, is_set = read_runs(data, header.pixels_at, *header.size_px, header.compression == _RLE4)
    step = 1 if header.rows_down else -1
    image = _with_palette(indices[::step], palette)
    if not is_set.all():  # what no run reaches is black, as in browsers, whatever the palette says
        black = Image.fromarray(~is_set[::step])
        image = image.convert("RGB")
        image.paste((0, 0, 0), mask=black)
    return image


def _rows(data: bytes, header: _Header) -> np.ndarray:
    """(H, bytes of a row) uint8, the top row first."""
    width, height = header.size_px
    stride = (width * header.bits + 31) // 32 * 4
    used = (width * header.bits + 7) // 8
    if header.pixels_at + stride * (height - 1) + used > len(data):
        raise ValueError("The BMP file is cut off.")
    stored = data[header.pixels_at : header.pixels_at + stride * height]
    rows = np.frombuffer(stored.ljust(stride * height, b"\0"), np.uint8).reshape(height, stride)
    return rows if header.rows_down else rows[::-1]


def _indices(rows: np.ndarray, header: _Header) -> np.ndarray:
    """(H, W) uint8 palette entries out of bytes that hold one to eight."""
    if header.bits == 1:
        rows = np.unpackbits(rows, axis=1)
    elif header.bits < 8:
        shifts = np.arange(8 - header.bits, -1, -header.bits, dtype=np.uint8)
        rows = (rows[..., None] >> shifts & ((1 << header.bits) - 1)).reshape(len(rows), -1)
    return rows[:, : header.size_px[0]]


def _palette(data: bytes, header: _Header) -> np.ndarray:
    """(256, 3) uint8 RGB; entries that the file lacks are black."""
    entry = 3 if header.bytes == 12 else 4
    start = 14 + header.bytes
    count = min(header.colours or 256, 1 << header.bits)
    count = min(count, max(0, header.pixels_at - start) // entry)
    stored = np.frombuffer(data, np.uint8, count * entry, start).reshape(count, entry)
    palette = np.zeros((256, 3), np.uint8)
    palette[:count] = stored[:, 2::-1]
    return palette


def _with_palette(indices: np.ndarray, palette: np.ndarray) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(indices))
    image.putpalette(palette.tobytes())
    return image


def _true_colour(data: bytes, header: _Header) -> Image.Image:
    width = header.size_px[0]
    rows = _rows(data, header)
    if header.bits == 24:
        colours = rows[:, : width * 3].reshape(len(rows), width, 3)[..., ::-1]
        return Image.fromarray(np.ascontiguousarray(colours))
    pixels = np.ascontiguousarray(rows[:, : width * header.bits // 8]).view(f"<u{header.bits // 8}")
    masks = _masks(data, header)
    channels = [_channel(pixels, mask) for mask in (masks if masks[3] else masks[:3])]
    return Image.fromarray(np.stack(channels, axis=2))


def _masks(data: bytes, header: _Header) -> tuple[int, ...]:
    """Which bits of a pixel are red, green, blue and alpha."""
    if header.compression == _PLAIN:
        return (0x7C00, 0x3E0, 0x1F, 0) if header.bits == 16 else (0xFF0000, 0xFF00, 0xFF, 0)
    has_alpha = header.bytes >= 56 or header.compression == _ALPHA_MASKS
    masks = struct.unpack_from("<4L" if has_alpha else "<3L", data, 54)
    return masks if has_alpha else (*masks, 0)


def _channel(pixels: np.ndarray, mask: int) -> np.ndarray:
    """(H, W) uint8: the bits under the mask, spread over 0 to 255; zeros where there is no mask."""
    if not mask:
        return np.zeros(pixels.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    top = mask >> shift
    if top & (top + 1):
        raise unread_kind("BMP", "colour bits with gaps")
    values = (pixels & np.asarray(mask, pixels.dtype)) >> np.asarray(shift, pixels.dtype)
    if top < 256:
        table = (np.arange(top + 1) * 255 + top // 2) // top
        return table.astype(np.uint8)[values]
    return (values >> np.asarray(top.bit_length() - 8, pixels.dtype)).astype(np.uint8)
