"""PNG: its pixels, the colours they mean, and a tRNS chunk as Pillow expects it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from mpm.data.images.colour_spaces import coded_profile, gamma_profile
from mpm.data.images.container import MAX_PARTS, Container, exif_orientation
from mpm.data.images.profiles import MAX_PROFILE_BYTES

_LATE = b"late"
_CHECKED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")

# Of each pass over an interlaced picture: its first column and row, and its steps.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PIECE_BYTES = 1 << 20

Chunks = dict[bytes, memoryview]


def read_png(data: bytes) -> Container:
    first, pixels = _first_picture(data)
    size = struct.unpack_from(">LL", first[b"IHDR"])
    orientation = exif_orientation(bytes(first.get(b"eXIf", b"")))
    place = None
    if control := first.get(_LATE):
        first[b"IHDR"] = memoryview(bytes(control[4:12]) + bytes(first[b"IHDR"][8:]))
        place = struct.unpack_from(">LL", control, 12)
    if b"tRNS" in first:
        first[b"tRNS"] = memoryview(_key_as_stored(first))
    parts: list[bytes | memoryview] = [data[:8]]
    for kind in (b"IHDR", b"PLTE", b"tRNS"):
        parts += _chunk(kind, [first[kind]]) if kind in first else []
    parts += _chunk(b"IDAT", pixels) + _chunk(b"IEND", [])
    return Container("PNG", b"".join(parts), size, orientation, b"acTL" in first, _profile(first), place)


def _first_picture(data: bytes) -> tuple[Chunks, list[memoryview]]:
    """The first chunk of each kind, and the packed pixels.

    Where pictures move, those before the first frame are for programs that show none; the first frame then
    has its own pixels, and its place is given as a chunk named _LATE.
    """
    first: Chunks = {}
    pixels: list[memoryview] = []
    for kind, body in _chunks(data):
        if kind == b"IDAT":
            pixels.append(body)
        elif kind == b"fdAT" and _LATE in first:
            pixels.append(body[4:])
        elif kind == b"fcTL" and _LATE in first:
            break
        elif kind == b"fcTL" and pixels and kind not in first:
            first[_LATE], pixels = body, []
        first.setdefault(kind, body)
    return first, pixels


def check_rows(container: Container, image: Image.Image) -> None:
    """Raise ValueError where the pixels end before the picture does: Pillow leaves the rest black.

    Only a picture that looks so is unpacked once more: one with a black last row, or in several passes.
    """
    is_interlaced = container.data[28] != 0
    if not is_interlaced and np.asarray(image.crop((0, image.height - 1, *image.size))).any():
        return
    data = memoryview(container.data)
    at = container.data.index(b"IDAT", 33)
    (length,) = struct.unpack_from(">L", data, at - 4)
    missing, unpack, packed = _raw_bytes(data), zlib.decompressobj(), data[at + 4 : at + 4 + length]
    while missing > 0:
        piece = unpack.decompress(packed, _PIECE_BYTES)
        missing, packed = missing - len(piece), memoryview(unpack.unconsumed_tail)
        if not piece:
            raise ValueError("The PNG file has too few pixels.")


def _raw_bytes(data: memoryview) -> int:
    """How many bytes the pixels have before they are packed, each row with its filter byte."""
    width, height, bits, kind, _, _, interlaced = struct.unpack_from(">LLBBBBB", data, 16)
    pixel_bits = bits * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    sizes = [(-((x - width) // dx), -((y - height) // dy)) for x, y, dx, dy in passes]
    return sum((1 + (columns * pixel_bits + 7) // 8) * rows for columns, rows in sizes if columns > 0)


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view, at = memoryview(data), 8
    for _ in range(MAX_PARTS):
        if at >= len(data):
            return
        length, kind = struct.unpack_from(">L4s", data, at)
        body = view[at + 8 : at + 8 + length]
        if kind == b"IEND":
            return
        (checksum,) = struct.unpack_from(">L", data, at + 8 + length)
        if kind in _CHECKED and zlib.crc32(body, zlib.crc32(kind)) != checksum:
            raise ValueError("Wrong checksum of a PNG chunk.")
        yield kind, body
        at += 12 + length
    raise ValueError("Too many PNG chunks.")


def _chunk(kind: bytes, bodies: list[memoryview]) -> list[bytes | memoryview]:
    checksum = zlib.crc32(kind)
    for body in bodies:
        checksum = zlib.crc32(body, checksum)
    length = sum(len(body) for body in bodies)
    return [struct.pack(">L4s", length, kind), *bodies, struct.pack(">L", checksum)]


def _key_as_stored(first: Chunks) -> bytes:
    """tRNS with its colour in Pillow's scale: gray of 1, 2 and 4 bits is spread over 0 to 255."""
    bits, kind = first[b"IHDR"][8], first[b"IHDR"][9]
    body = bytes(first[b"tRNS"])
    if kind not in (0, 2) or bits > 8:
        return body
    top = (1 << bits) - 1
    count = 3 if kind == 2 else 1
    values = struct.unpack_from(f">{count}H", body)
    return struct.pack(f">{count}H", *((value & top) * 255 // top for value in values))


def _profile(first: Chunks) -> bytes:
    """What the colours mean; of several chunks that say so, the newest kind counts."""
    if len(body := first.get(b"cICP", b"")) == 4 and body[2] == 0:
        return coded_profile(body[0], body[1], video_gamma=2.4)
    if b"iCCP" in first:
        return _inflated(bytes(first[b"iCCP"]))
    gamma = int.from_bytes(first.get(b"gAMA", b"")[:4], "big")
    return (
        b""
        if b"sRGB" in first or not 0 < gamma < 1 << 31
        else _of_gamma(1e5 / gamma, first.get(b"cHRM", b""))
    )


def _of_gamma(gamma: float, chromaticities: bytes | memoryview) -> bytes:
    if not 0.1 < gamma < 10:
        return b""
    if len(chromaticities) != 32:
        return gamma_profile(gamma, None)
    x_and_y = [value / 1e5 for value in struct.unpack(">8L", chromaticities)]
    points = tuple(zip(x_and_y[::2], x_and_y[1::2], strict=True))
    return gamma_profile(gamma, points) if all(0 < y <= 1 for _, y in points) else b""


def _inflated(body: bytes) -> bytes:
    """The profile in an iCCP chunk, at most one byte over the limit; what is no profile stays as it is."""
    packed = body[body.find(b"\0") + 2 :]
    try:
        return zlib.decompressobj().decompress(packed, MAX_PROFILE_BYTES + 1)
    except zlib.error:
        return packed or b"broken"
