"""What an image file is, read from its bytes, and a copy of it with only the parts that carry pixels.

Metadata never reaches Pillow: it is of no use here, and its parsing is where a small hostile file can cost
gigabytes or hours (tags that all point at the same megabytes, comments joined one by one, endless scans).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mpm.data.images.tiff_directory import clean_tiff
from mpm.errors import InputError

MAX_PARTS = 400_000  # chunks, segments or blocks of one file; a 40 MB GIF of full blocks has 157,000
MAX_JPEG_SCANS = 100  # a progressive photo has about 10; each one costs a pass over all pixels
MAX_RLE_BYTES = 4_000_000  # Pillow unpacks run lengths of BMP in Python, run by run

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


@dataclass(frozen=True)
class Container:
    """An image file taken apart.

    format: "PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF" or "HEIC".
    data: the file with pixels only.
    size_px: (width, height) as stored, or None where only the decoder knows.
    orientation: EXIF orientation, 1 to 8.
    has_more: whether further frames or pages follow the first.
    """

    format: str
    data: bytes
    size_px: tuple[int, int] | None = None
    orientation: int = 1
    has_more: bool = False


def detect_format(data: bytes) -> str | None:
    """Name the image format by the first bytes, or None if it is none of the known ones."""
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _detect_isobmff(data)
    magics = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff", "BMP": b"BM", "GIF": b"GIF8"}
    return next((name for name, magic in magics.items() if data.startswith(magic)), None)


def _detect_isobmff(data: bytes) -> str | None:
    box = data[8 : min(max(int.from_bytes(data[:4], "big"), 12), 256)]
    brands = {box[:4]} | {box[k : k + 4] for k in range(8, len(box), 4)}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIC" if brands & _HEIC_BRANDS else None


def take_apart(data: bytes, format: str) -> Container:
    """Read the container `format` of `data`.

    Raises InputError for what is refused on purpose, and struct.error, IndexError or ValueError where the
    file ends or contradicts itself; the caller turns those into a sentence.
    """
    readers: dict[str, Callable[[bytes], Container]] = {
        "PNG": _png,
        "JPEG": _jpeg,
        "GIF": _gif,
        "WEBP": _webp,
        "BMP": _bmp,
        "AVIF": _avif,
    }
    readers["TIFF"] = lambda data: Container("TIFF", *clean_tiff(data))
    read = readers.get(format)
    return read(data) if read else Container(format, data)


def exif_orientation(exif: bytes) -> int:
    """The orientation (1 to 8) in an EXIF block; 1 if there is none or the block is damaged."""
    exif = exif.removeprefix(b"Exif\0\0")
    if exif[:4] not in (b"II*\0", b"MM\0*"):
        return 1
    order = "<" if exif[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(order + "L", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for k in range(count):
            tag, kind, values, value = struct.unpack_from(order + "HHLH", exif, start + 2 + 12 * k)
            if (tag, kind, values) == (274, 3, 1):
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view, at = memoryview(data), 8
    for _ in range(MAX_PARTS):
        if at >= len(data):
            return
        length, kind = struct.unpack_from(">L4s", data, at)
        body = view[at + 8 : at + 8 + length]
        if kind == b"IEND":
            return
        (checksum,) = struct.unpack_from(">L", data, at + 8 + length)
        if kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT") and zlib.crc32(body, zlib.crc32(kind)) != checksum:
            raise ValueError("wrong checksum of a PNG chunk")
        yield kind, body
        at += 12 + length
    raise ValueError("too many PNG chunks")


def _png_chunk(kind: bytes, bodies: list[memoryview]) -> list[bytes | memoryview]:
    checksum = zlib.crc32(kind)
    for body in bodies:
        checksum = zlib.crc32(body, checksum)
    length = sum(len(body) for body in bodies)
    return [struct.pack(">L4s", length, kind), *bodies, struct.pack(">L", checksum)]


def _png(data: bytes) -> Container:
    first: dict[bytes, memoryview] = {}
    pixels: list[memoryview] = []
    for kind, body in _png_chunks(data):
        if kind == b"IDAT":
            pixels.append(body)
        else:
            first.setdefault(kind, body)
    width, height = struct.unpack_from(">LL", first[b"IHDR"])
    parts: list[bytes | memoryview] = [data[:8]]
    for kind in (b"IHDR", b"PLTE", b"tRNS"):
        parts += _png_chunk(kind, [first[kind]]) if kind in first else []
    parts += _png_chunk(b"IDAT", pixels) + _png_chunk(b"IEND", [])
    orientation = exif_orientation(bytes(first.get(b"eXIf", b"")))
    return Container("PNG", b"".join(parts), (width, height), orientation, b"acTL" in first)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
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
    raise ValueError("too many JPEG segments")


def _jpeg(data: bytes) -> Container:
    tables = {0xDB, 0xDD, 0xE0, 0xEE, *range(0xC0, 0xD0)}  # APP0 (JFIF) and APP14 (Adobe) tell the colours
    view, size, exif = memoryview(data), None, b""
    parts: list[bytes | memoryview] = [b"\xff\xd8"]
    for marker, start, end in _jpeg_segments(data):
        if marker == 0xDA:
            _check_scans(data, start)
        elif marker == 0xE1 and not exif and data[start + 4 : start + 10] == b"Exif\0\0":
            exif = data[start + 4 : end]
        elif marker in tables and marker not in (0xC4, 0xC8, 0xCC) and marker < 0xD0:
            height, width = struct.unpack_from(">HH", data, start + 5)
            size = (width, height)
        if marker in tables or marker == 0xDA:
            parts.append(view[start:end])
    return Container("JPEG", b"".join(parts), size, exif_orientation(exif))


def _check_scans(data: bytes, start: int) -> None:
    end = data.find(b"\xff\xd9", start)
    if data.count(b"\xff\xda", start, end if end > 0 else len(data)) > MAX_JPEG_SCANS:
        raise InputError(f"The JPEG file has more than {MAX_JPEG_SCANS} scans, which no camera writes.")


def _skip_gif_blocks(data: bytes, at: int) -> int:
    """The place after a chain of sub-blocks; a place past the end if the chain is cut off."""
    for _ in range(MAX_PARTS):
        if at >= len(data) or data[at] == 0:
            return at + 1
        at += 1 + data[at]
    raise ValueError("too many GIF blocks")


def _gif_blocks(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """(kind, start, end) of each block: an image (0x2C) or an extension, whose kind is its label."""
    for _ in range(MAX_PARTS):
        if at >= len(data) or data[at] not in (0x21, 0x2C):
            return
        start, kind = at, 0x2C
        if data[at] == 0x21:
            kind, at = data[at + 1], _skip_gif_blocks(data, at + 2)
        else:
            flags = data[at + 9]
            at = _skip_gif_blocks(data, at + 11 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0))
        yield kind, start, at
    raise ValueError("too many GIF blocks")


def _gif(data: bytes) -> Container:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    start = 13 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
    parts, has_more, frame = [data[:start]], False, None
    for kind, begin, end in _gif_blocks(data, start):
        if kind == 0x2C and frame is not None:
            has_more = True
            break
        if kind == 0x2C:
            frame = struct.unpack_from("<HHHH", data, begin + 1)
        if frame is None and kind == 0xF9 or kind == 0x2C:
            parts.append(data[begin:end])
    if frame is None:
        raise ValueError("no frame in the GIF file")
    left, top, frame_width, frame_height = frame
    size = (max(width, left + frame_width), max(height, top + frame_height))
    return Container("GIF", b"".join([*parts, b";"]), size, has_more=has_more)


def _webp(data: bytes) -> Container:
    at, size, orientation, animated = 12, None, 1, False
    for _ in range(MAX_PARTS):
        if at + 8 > len(data):
            return Container("WEBP", data, size, orientation, animated)
        kind, length = struct.unpack_from("<4sL", data, at)
        if kind == b"VP8X" and size is None:
            body = data[at + 8 : at + 18]
            animated = bool(body[0] & 2)
            size = (1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
        elif kind == b"EXIF":
            orientation = exif_orientation(data[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
    raise ValueError("too many WebP chunks")


def _bmp(data: bytes) -> Container:
    (header_bytes,) = struct.unpack_from("<L", data, 14)
    if header_bytes == 12:
        return Container("BMP", data, struct.unpack_from("<HH", data, 18))
    width, height, _, _, compression = struct.unpack_from("<llHHL", data, 18)
    if compression in (1, 2) and len(data) > MAX_RLE_BYTES:
        raise InputError(f"A run-length coded BMP file may have at most {MAX_RLE_BYTES // 1_000_000} MB.")
    return Container("BMP", data, (width, abs(height)))


def _avif(data: bytes) -> Container:
    # Pillow would parse the EXIF item for its orientation, which AVIF ignores: its own boxes turn the image.
    data = re.sub(rb"(infe(?:.{8}|.{10}))Exif", rb"\1none", data, flags=re.DOTALL)
    return Container("AVIF", data)
