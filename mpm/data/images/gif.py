"""GIF: its first frame alone, and where on the screen that stands."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mpm.data.images.container import MAX_PARTS, Container


def read_gif(data: bytes) -> Container:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    start = 13 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
    parts, has_more, frame = [], False, None
    for kind, begin, end in _blocks(data, start):
        if kind == 0x2C and frame is not None:
            has_more = True
            break
        if kind == 0x2C:
            frame = struct.unpack_from("<HHHH", data, begin + 1)
            parts.append(data[begin : begin + 1] + bytes(4) + data[begin + 5 : end])
        elif frame is None and kind == 0xF9:
            parts.append(data[begin:end])
    if frame is None:
        raise ValueError("No frame in the GIF file.")
    # The screen is cut to the frame: Pillow would fill the rest with a colour, browsers leave it clear.
    left, top, *frame_size = frame
    screen = data[:6] + struct.pack("<HH", *frame_size) + data[10:start]
    size = (max(width, left + frame_size[0]), max(height, top + frame_size[1]))
    alone = b"".join([screen, *parts, b";"])
    return Container("GIF", alone, size, has_more=has_more, placed_px=(left, top))


def _skip_blocks(data: bytes, at: int) -> int:
    """The place after a chain of sub-blocks; a place past the end if the chain is cut off."""
    for _ in range(MAX_PARTS):
        if at >= len(data) or data[at] == 0:
            return at + 1
        at += 1 + data[at]
    raise ValueError("Too many GIF blocks.")


def _blocks(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """(kind, start, end) of each block: an image (0x2C) or an extension, whose kind is its label."""
    for _ in range(MAX_PARTS):
        if at >= len(data) or data[at] not in (0x21, 0x2C):
            return
        start, kind = at, 0x2C
        if data[at] == 0x21:
            kind, at = data[at + 1], _skip_blocks(data, at + 2)
        else:
            flags = data[at + 9]
            at = _skip_blocks(data, at + 11 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0))
        yield kind, start, at
    raise ValueError("Too many GIF blocks.")
