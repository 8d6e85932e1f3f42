"""WebP: size, orientation, profile, and the first frame alone where pictures move."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mpm.data.images.container import MAX_PARTS, Container, exif_orientation, zero_tail_note

_HAS_ALPHA = 0x10
_PIXELS = (b"ALPH", b"VP8 ", b"VP8L")


def read_webp(data: bytes) -> Container:
    size, orientation, moves, profile, frame = None, 1, False, b"", b""
    for kind, start, end in _chunks(data, 12):
        if kind == b"VP8X" and size is None:
            moves = bool(data[start] & 2)
            size = (1 + _number(data, start + 4), 1 + _number(data, start + 7))
        elif kind == b"EXIF":
            orientation = exif_orientation(data[start:end])
        elif kind == b"ICCP" and not profile:
            profile = data[start:end]
        elif kind == b"ANMF" and not frame:
            frame = data[start:end]
    notes = zero_tail_note(data, 8 + int.from_bytes(data[4:8], "little"))
    if not moves:
        return Container("WEBP", data, size, orientation, profile=profile, notes=notes)
    # Pillow would fill the canvas around a small frame with black, browsers leave it clear.
    place = (2 * _number(frame, 0), 2 * _number(frame, 3))
    return Container("WEBP", _alone(frame), size, orientation, True, profile, place, notes)


def _number(data: bytes, at: int) -> int:
    (low, high) = struct.unpack_from("<HB", data, at)
    return low | high << 16


def _chunks(data: bytes, at: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of the body of each chunk; the end may lie outside."""
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            return
        kind, length = struct.unpack_from("<4sL", data, at)
        yield kind, at + 8, at + 8 + length
        at += 8 + length + length % 2
    raise ValueError("Too many WebP chunks.")


def _alone(frame: bytes) -> bytes:
    """A WebP file of the frame in an ANMF chunk."""
    wanted = [(start - 8, end + end % 2) for kind, start, end in _chunks(frame, 16) if kind in _PIXELS]
    head = b"VP8X" + struct.pack("<LL", 10, _HAS_ALPHA) + frame[6:12]
    body = b"".join([b"WEBP", head, *(frame[start:end] for start, end in wanted)])
    return b"RIFF" + struct.pack("<L", len(body)) + body
