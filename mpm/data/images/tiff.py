"""A TIFF file rewritten to one directory that holds only the tags needed to decode its first page."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from mpm.data.images.container import Container
from mpm.data.images.tiff_kinds import Kind, check_kind, refuse_preview
from mpm.errors import InputError

MAX_TILE_PX = 4096 * 4096  # a tile is decoded whole, however small the image is

# Sizes, sample layout, strips or tiles, colour map, JPEG tables, YCbCr.
_TAGS = {254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320}
_TAGS |= {322, 323, 324, 325, 332, 338, 339, 347, 530, 532}
# Read here, kept from Pillow: kind of page, orientation, pages below, colour profile, a camera raw's version.
_KIND, _ORIENTATION, _SUB_PAGES, _PROFILE, _DNG = 255, 274, 330, 34675, 50706
_TYPE_BYTES = {13: 4, 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
# none, CCITT (three kinds), LZW, JPEG, deflate, PackBits, old deflate, zstd
_COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32773, 32946, 50000}


@dataclass(frozen=True)
class _Layout:
    order: str
    entry: str  # tag, type, number of values
    value_bytes: int  # room for a value inside an entry; else its place in the file
    offset: str
    count: str
    header_bytes: int


def _layout(data: bytes) -> _Layout:
    order = "<" if data[:2] == b"II" else ">"
    if b"+" in data[2:4]:
        return _Layout(order, order + "HHQ", 8, order + "Q", order + "Q", 16)
    return _Layout(order, order + "HHL", 4, order + "L", order + "H", 8)


def _entries(data: bytes, layout: _Layout, at: int) -> tuple[dict[int, bytes], int]:
    """The wanted entries of the directory at `at`, by tag, and the place of the next directory (0: none)."""
    (count,) = struct.unpack_from(layout.count, data, at)
    if count > 65_535:
        raise ValueError("Too many TIFF tags.")
    at, entries, claimed_bytes = at + struct.calcsize(layout.count), {}, 0
    step = struct.calcsize(layout.entry) + layout.value_bytes
    for start in range(at, at + count * step, step):
        tag, kind, values = struct.unpack_from(layout.entry, data, start)
        if tag in _TAGS | {_KIND, _ORIENTATION, _SUB_PAGES, _PROFILE, _DNG} and tag not in entries:
            claimed_bytes += values * _TYPE_BYTES[kind]
            entries[tag] = data[start : start + step]
    if claimed_bytes > len(data):
        raise ValueError("TIFF tags claim more bytes than the file has.")
    return entries, struct.unpack_from(layout.offset, data, at + count * step)[0]


def _number(entry: bytes | None, layout: _Layout, default: int) -> int:
    """The first value of a tag that holds one whole number."""
    if entry is None:
        return default
    _, kind, _ = struct.unpack_from(layout.entry, entry)
    code = {1: "B", 3: "H", 4: "L", 16: "Q"}[kind]
    return struct.unpack_from(layout.order + code, entry, len(entry) - layout.value_bytes)[0]


def _check_geometry(entries: dict[int, bytes], layout: _Layout, width: int, height: int) -> None:
    def number(tag: int, default: int) -> int:
        return _number(entries.get(tag), layout, default)

    tile_width, tile_height = number(322, width), min(number(278, height), height)
    if 324 in entries:
        tile_height = number(323, height)
        if tile_width * tile_height > MAX_TILE_PX:
            raise InputError(f"TIFF tiles of {tile_width} x {tile_height} pixels are too large to read.")
    planes = number(277, 1) if number(284, 1) == 2 else 1
    pieces = -(-width // tile_width) * -(-height // tile_height) * planes
    for tag in (273, 279, 324, 325):
        if tag in entries and struct.unpack_from(layout.entry, entries[tag])[2] > pieces:
            raise ValueError("More TIFF strips or tiles than the image has room for.")


def _values(data: bytes, entry: bytes, layout: _Layout) -> tuple[int, ...]:
    """All values of a tag of whole numbers."""
    _, kind, count = struct.unpack_from(layout.entry, entry)
    form = layout.order + str(count) + {1: "B", 3: "H", 4: "L", 7: "B", 16: "Q"}[kind]
    at = len(entry) - layout.value_bytes
    if struct.calcsize(form) <= layout.value_bytes:
        return struct.unpack_from(form, entry, at)
    return struct.unpack_from(form, data, struct.unpack_from(layout.offset, entry, at)[0])


def _check_extent(data: bytes, entries: dict[int, bytes], layout: _Layout) -> None:
    """The pixels must lie in the file itself, lest the new directory behind it be read as pixels."""
    for starts, lengths in ((273, 279), (324, 325)):
        if starts in entries and lengths in entries:
            pieces = zip(*(_values(data, entries[tag], layout) for tag in (starts, lengths)), strict=True)
            if any(start + length > len(data) for start, length in pieces):
                raise ValueError("The TIFF file is cut off.")


def read_tiff(data: bytes) -> Container:
    """The file with one plain directory.

    Raises InputError for what is refused on purpose; struct.error, KeyError or ValueError for a broken file.
    """
    layout = _layout(data)
    (start,) = struct.unpack_from(layout.offset, data, layout.header_bytes - layout.value_bytes)
    entries, following = _entries(data, layout, start)
    _check_readable(data, entries, layout)
    apart = {tag: entries.pop(tag, None) for tag in (_KIND, _ORIENTATION, _SUB_PAGES, _PROFILE, _DNG)}
    width, height = (_number(entries[tag], layout, 0) for tag in (256, 257))
    if width and height:
        _check_geometry(entries, layout, width, height)
    _check_extent(data, entries, layout)
    clean = _with_directory(data, layout, entries)
    orientation = _number(apart[_ORIENTATION], layout, 1)
    orientation = orientation if 1 <= orientation <= 8 else 1
    profile = apart[_PROFILE]
    profile_bytes = bytes(_values(data, profile, layout)) if profile else b""
    has_more = following > 0 or apart[_SUB_PAGES] is not None
    return Container("TIFF", clean, (width, height), orientation, has_more, profile_bytes)


def _check_readable(data: bytes, entries: dict[int, bytes], layout: _Layout) -> None:
    """Refuse by name what Pillow would show wrongly."""

    def number(tag: int, default: int) -> int:
        return _number(entries.get(tag), layout, default)

    def numbers(tag: int, default: tuple[int, ...]) -> tuple[int, ...]:
        return _values(data, entries[tag], layout) if tag in entries else default

    refuse_preview(number(254, 0), number(_KIND, 1), _DNG in entries or data[8:10] == b"CR", number(262, 0))
    compression = number(259, 1)
    if compression not in _COMPRESSIONS:
        raise InputError(f"TIFF compression {compression} is not read here; LZW and deflate are.")
    if number(262, 0) == 6 and compression != 7:
        raise InputError("A TIFF file in YCbCr is read only where its compression is JPEG; save it as RGB.")
    samples = number(277, 3 if compression == 7 and number(262, 0) in (2, 6) else 1)
    bits, formats = numbers(258, (1,)), numbers(339, (1,))
    if samples == 1:
        entries.pop(284, None)  # Pillow takes planes of one channel for something else
    kind = Kind(
        number(262, 0), samples, bits, formats, numbers(338, ()), number(284, 1) == 2, number(266, 1) == 2
    )
    check_kind(kind, compression, layout.order == ">")


def _with_directory(data: bytes, layout: _Layout, entries: dict[int, bytes]) -> bytes:
    """A copy whose header points at a new directory behind the old data; values keep their places."""
    padding = b"\0" * (len(data) % 2)
    header = data[: layout.header_bytes - layout.value_bytes]
    start = struct.pack(layout.offset, len(data) + len(padding))
    directory = [struct.pack(layout.count, len(entries)), *(entries[tag] for tag in sorted(entries))]
    end = struct.pack(layout.offset, 0)
    return b"".join([header, start, memoryview(data)[layout.header_bytes :], padding, *directory, end])
