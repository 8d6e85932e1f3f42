"""JPEG: tables and scans alone, its colour profile, and whether the scans are all there."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mpm.data.images.container import MAX_PARTS, Container, exif_orientation, unread_kind
from mpm.data.images.jpeg_damage import CUT, DAMAGED, END, lacks_scans
from mpm.data.images.profiles import MAX_PROFILE_BYTES
from mpm.errors import InputError

MAX_SCANS = 100  # a progressive photo has about 10; each one costs a pass over all pixels

_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_TABLES = {0xDB, 0xDD, 0xE0, 0xEE, *range(0xC0, 0xD0)}  # APP0 (JFIF) and APP14 (Adobe) tell the colours
_UNREAD = dict.fromkeys((0xC3, 0xCB, 0xF7), "lossless") | dict.fromkeys((0xC9, 0xCA), "arithmetic coding")
_UNREAD |= dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "hierarchical")


def read_jpeg(data: bytes) -> Container:
    view, size, exif, components = memoryview(data), None, b"", b""
    parts: list[bytes | memoryview] = [b"\xff\xd8"]
    profile: dict[int, memoryview] = {}
    scans = end = len(data)
    for marker, start, end in _segments(data):
        if marker == 0xDA:
            scans, end = start, _end_of_scans(data, start)
        elif marker == 0xE1 and not exif and data[start + 4 : start + 10] == b"Exif\0\0":
            exif = data[start + 4 : end]
        elif marker == 0xE2 and data[start + 4 : start + 16] == b"ICC_PROFILE\0":
            profile.setdefault(data[start + 16], view[start + 18 : end])
        elif marker in _FRAMES:
            size = _frame_size(data, marker, start)
            components = data[start + 10 : end : 3] if marker == 0xC2 else b""
        if marker in _TABLES or marker == 0xDA:
            parts.append(view[start:end])
    is_cut = data[end - 2 : end] != END
    clean = b"".join([*parts, END if is_cut else b""])
    notes = (CUT,) if is_cut else (DAMAGED,) * lacks_scans(data, scans, components)
    return Container("JPEG", clean, size, exif_orientation(exif), profile=_joined(profile), notes=notes)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment up to the first scan, which comes last and ends with the file."""
    at = 2
    for _ in range(MAX_PARTS):
        at = data.index(b"\xff", at)  # some cameras leave junk between segments
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            at += 2
        elif marker == 0xDA:
            yield marker, at, len(data)
            return
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            yield marker, at, at + 2 + length
            at += 2 + max(length, 2)
    raise ValueError("Too many JPEG segments.")


def _frame_size(data: bytes, marker: int, start: int) -> tuple[int, int]:
    bits, height, width, channels = struct.unpack_from(">BHHB", data, start + 4)
    kind = _UNREAD.get(marker) or (f"{bits}-bit" if bits != 8 else "")
    kind = kind or ("2 channels" if channels == 2 else "")
    kind = kind or ("height told after the pixels" if width and not height else "")
    if kind:
        raise unread_kind("JPEG", kind)
    return width, height


def _end_of_scans(data: bytes, start: int) -> int:
    end = data.find(END, start) + len(END)
    end = end if end >= len(END) else len(data)
    if data.count(b"\xff\xda", start, end) > MAX_SCANS:
        raise InputError(f"The JPEG file has more than {MAX_SCANS} scans, which no camera writes.")
    return end


def _joined(chunks: dict[int, memoryview]) -> bytes:
    """The profile from its numbered chunks."""
    if sum(len(chunk) for chunk in chunks.values()) > MAX_PROFILE_BYTES:
        return bytes(MAX_PROFILE_BYTES + 1)
    return b"".join(chunks[number] for number in sorted(chunks))
