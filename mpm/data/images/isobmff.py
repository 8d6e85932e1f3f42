"""AVIF and HEIC: the sizes and colours that their boxes tell before anything is decoded."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from mpm.data.images.colour_spaces import coded_profile
from mpm.data.images.container import Container, zero_tail_note

_SIZE = re.compile(rb"ispe\0\0\0\0(.{8})", re.DOTALL)
_COLOUR = re.compile(rb"colrnclx(.{4})", re.DOTALL)


def read_avif(data: bytes) -> Container:
    # Pillow would parse the EXIF item for its orientation, which AVIF ignores: its own boxes turn the image.
    data = re.sub(rb"(infe(?:.{8}|.{10}))Exif", rb"\1none", data, flags=re.DOTALL)
    head = _boxes_before_pixels(data)
    size, moves = _largest_size(head), data[8:12] == b"avis"
    return Container("AVIF", data, size, has_more=moves, profile=_coded_colours(head), notes=_damage(data))


def read_heic(data: bytes) -> Container:
    head = _boxes_before_pixels(data)
    size = _largest_size(head)
    if size is None:  # it must be known before the decoder makes pixels of it
        raise ValueError("No size in the HEIC file.")
    return Container("HEIC", data, size, profile=_coded_colours(head), notes=_damage(data))


def is_whole(data: bytes) -> bool:
    """Whether every box of the file ends within it."""
    return all(end <= len(data) for _, _, end in _boxes(data))


def _damage(data: bytes) -> tuple[str, ...]:
    ends = [end for kind, _, end in _boxes(data) if kind == b"mdat"]
    return zero_tail_note(data, ends[-1]) if ends else ()


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of each box of the file; the end may lie outside."""
    at = 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">L4s", data, at)
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, at + 8)
        length = length or len(data) - at
        yield kind, at, at + length
        at += max(length, 8)


def _boxes_before_pixels(data: bytes) -> bytes:
    """The "meta" box of the file: what describes its pictures."""
    return next((data[start:end] for kind, start, end in _boxes(data) if kind == b"meta"), b"")


def _largest_size(head: bytes) -> tuple[int, int] | None:
    """The size of the whole picture: its tiles and thumbnails are smaller."""
    sizes = [struct.unpack(">LL", found[1]) for found in _SIZE.finditer(head)]
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def _coded_colours(head: bytes) -> bytes:
    found = _COLOUR.search(head)
    return coded_profile(*struct.unpack(">HH", found[1])) if found else b""
