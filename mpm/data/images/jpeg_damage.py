"""Whether a JPEG is all there: libjpeg paints what is missing grey, and Pillow says nothing of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress

from PIL import Image

END = b"\xff\xd9"
CUT = "The JPEG file is cut off; parts of the picture may be missing or grey."
DAMAGED = "The JPEG file is damaged; parts of the picture may be missing or grey."

_SCAN = b"\xff\xda"
_LONG_GAP = bytes(64)  # zeros that no camera writes, but a disk or a network that lost a block
_ALL = (1 << 64) - 1
_TAIL_BYTES = 256


def lacks_scans(data: bytes, start: int, components: bytes) -> bool:
    """Whether a progressive picture ends before every coefficient of each component was sent in full.

    components: their numbers; empty for a picture that is not progressive.
    """
    sent = dict.fromkeys(components, 0)
    for at in _scans(data, start) if components else ():
        count = data[at + 4]
        first, last, bits = data[at + 5 + 2 * count : at + 8 + 2 * count]
        for component in data[at + 5 : at + 5 + 2 * count : 2] if bits & 15 == 0 and last < 64 else ():
            sent[component] = sent.get(component, 0) | (2 << last) - (1 << first)
    return any(coefficients != _ALL for coefficients in sent.values())


def _scans(data: bytes, start: int) -> Iterator[int]:
    """The place of each scan."""
    end = data.find(END, start)
    while start >= 0:
        yield start
        start = data.find(_SCAN, start + 2, end)


def is_damaged(data: bytes, image: Image.Image) -> bool:
    """Whether pixels of the decoded image are missing, though the file has its end.

    Only a picture that looks so is decoded once more: one with a long gap, or with a grey last corner. Of a
    progressive one `lacks_scans` tells.
    """
    if image.info.get("progressive"):
        return False
    corner = image.getpixel((image.width - 1, image.height - 1))
    values = corner if isinstance(corner, tuple) else (corner,)
    if all(value is not None and 127 <= value <= 129 for value in values):
        return _tail_matters(data, keep=True)
    return _LONG_GAP in data and (_tail_matters(data, keep=True) or not _tail_matters(data, keep=False))


def _tail_matters(data: bytes, keep: bool) -> bool:
    """Whether the pixels change with other bytes behind the scans (keep), or in place of their end.

    They must not in the first case, else the scans ended before the picture did; they must in the second,
    else the picture was full before the scans ended.
    """
    end = data.rfind(END)
    start = end if keep else max(end - _TAIL_BYTES, end // 2)
    return _tiny(data) != _tiny(data[:start] + b"\x55" * _TAIL_BYTES + data[end:])


def _tiny(data: bytes) -> bytes:
    """The pixels at an eighth of the size, for which little memory is needed; empty if unreadable."""
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image, suppress(OSError):
        image.draft(None, (1, 1))
        return image.tobytes()
    return b""
