"""What an image file is by its first bytes, and what its reader found in it, apart from the pixels."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from mpm.errors import InputError

MAX_PARTS = 400_000  # chunks, segments or blocks of one file; a 40 MB GIF of full blocks has 157,000

TITLES = {"WEBP": "WebP"}

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

_ZERO_TAIL = "The file ends in zeros, so it may be damaged; parts of the picture may be missing or grey."


@dataclass(frozen=True)
class Container:
    """An image file taken apart.

    format: "PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF" or "HEIC".
    data: the file with pixels only. Metadata never reaches Pillow: it is of no use here, and its parsing is
        where a small hostile file can cost gigabytes or hours (tags that all point at the same megabytes,
        comments joined one by one, endless scans).
    size_px: (width, height) as stored, or None where only the decoder knows.
    orientation: EXIF orientation, 1 to 8.
    has_more: whether further frames or pages follow the first.
    profile: the ICC profile of the colours; empty for sRGB.
    placed_px: (left, top) of a frame that is smaller than size_px, whose rest is transparent.
    notes: sentences on damage and on what is left out.
    """

    format: str
    data: bytes
    size_px: tuple[int, int] | None = None
    orientation: int = 1
    has_more: bool = False
    profile: bytes = b""
    placed_px: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()


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


def unread_kind(format: str, kind: str) -> InputError:
    """For a sound file of a kind that is refused, since it is rare and Pillow gets it wrong or not at all."""
    return InputError(f"This kind of {TITLES.get(format, format)} ({kind}) is not read here; save it as PNG.")


def zero_tail_note(data: bytes, end: int) -> tuple[str, ...]:
    """A note where a disk or a network lost the end of pixels that are packed too well to end in zeros."""
    return (_ZERO_TAIL,) if data.endswith(bytes(64), 0, end) else ()


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
