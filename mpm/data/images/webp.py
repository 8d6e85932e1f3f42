"""WebP: size, orientation and profile; Pillow reads the pixels from the file as it is."""

from __future__ import annotations

import struct

from mpm.data.images.container import MAX_PARTS, Container, exif_orientation, zero_tail_note


def read_webp(data: bytes) -> Container:
    at, size, orientation, animated, profile = 12, None, 1, False, b""
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            return Container("WEBP", data, size, orientation, animated, profile, notes=zero_tail_note(data))
        kind, length = struct.unpack_from("<4sL", data, at)
        if kind == b"VP8X" and size is None:
            body = data[at + 8 : at + 18]
            animated = bool(body[0] & 2)
            size = (1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
        elif kind == b"EXIF":
            orientation = exif_orientation(data[at + 8 : at + 8 + length])
        elif kind == b"ICCP" and not profile:
            profile = data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    raise ValueError("too many WebP chunks")
