"""Which kinds of TIFF Pillow reads rightly; every other kind is refused by its name."""

from __future__ import annotations

from dataclasses import dataclass

from mpm.data.images.container import unread_kind
from mpm.errors import InputError

_COLOURS = {
    0: "white-is-zero gray",
    1: "gray",
    2: "RGB",
    3: "palette",
    4: "mask",
    5: "CMYK",
    6: "YCbCr",
    8: "Lab",
    9: "ICC Lab",
    10: "ITU Lab",
    32844: "LogL",
    32845: "LogLuv",
}
_CHANNELS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}
_FORMATS = {1: "", 2: "signed ", 3: "float ", 5: "complex signed ", 6: "complex float "}
_RAW_COLOURS = {32803, 34892}  # one colour a pixel behind a filter; linear

_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
# Colours, number format -> bits of a channel.
_READ = {
    (0, _UNSIGNED): (1, 2, 4, 8),
    (1, _UNSIGNED): (1, 2, 4, 8, 16),
    (1, _SIGNED): (32,),
    (1, _FLOAT): (32,),
    (2, _UNSIGNED): (8, 16),
    (3, _UNSIGNED): (1, 2, 4, 8),
    (5, _UNSIGNED): (8, 16),
    (6, _UNSIGNED): (8,),
    (8, _UNSIGNED): (8,),
}
_FAX = (2, 3, 4)
_ALPHA = {1: (2,), 2: (0, 1, 2), 3: (0, 2), 5: (0,)}  # what the first channel beyond the colours may mean


@dataclass(frozen=True)
class Kind:
    """How the samples of a TIFF are stored.

    bits, formats: of each sample, or one for all. extra: the meaning of samples beyond the colours.
    """

    colours: int
    samples: int
    bits: tuple[int, ...]
    formats: tuple[int, ...]
    extra: tuple[int, ...]
    is_planar: bool
    bits_reversed: bool


def refuse_preview(page: int, old_page: int, is_raw: bool, colours: int) -> None:
    """Refuse camera raws: what Pillow would show of them is a preview, or the bare sensor."""
    if is_raw or colours in _RAW_COLOURS:
        raise InputError("Camera raw files are not read here; save the picture as JPEG or PNG.")
    if page & 1 or old_page == 2:
        raise InputError(
            "The TIFF file begins with a preview, as camera raw files do; save the picture as JPEG or PNG."
        )
    if page & 4:
        raise unread_kind("TIFF", "a mask in place of a picture")


def check_kind(kind: Kind, compression: int, big_endian: bool) -> None:
    """Raise InputError, with the kind's name, for all that Pillow does not read rightly."""
    bits, is_wide = set(kind.bits[: kind.samples]), max(kind.bits) > 8
    right = len(bits) == 1 and bits <= set(_READ.get((kind.colours, kind.formats[0]), ()))
    right &= len(set(kind.formats)) == 1 and _extra_is_read(kind)
    if kind.is_planar and kind.samples > 1:
        right &= kind.colours == 2 and not is_wide and not kind.extra
    if kind.bits_reversed:
        right &= kind.colours in (0, 1) and kind.samples == 1 and max(bits) < 8 and compression in (1, *_FAX)
    # libtiff gives the machine's order, and Pillow turns it back for 16 bits only.
    is_swapped = big_endian and compression != 1 and max(bits) > 16
    if not right or is_swapped:
        raise unread_kind("TIFF", _name(kind) + ", big-endian" * is_swapped)


def _extra_is_read(kind: Kind) -> bool:
    extra = kind.samples - _CHANNELS.get(kind.colours, 0)
    if extra == 0 or (kind.colours, extra, kind.extra) == (2, 1, ()):
        return True
    meaning = kind.extra[:1]
    has_depth = max(kind.bits) == 8 or kind.colours == 2
    return len(kind.extra) == extra and set(meaning) <= set(_ALPHA.get(kind.colours, ())) and has_depth


def _name(kind: Kind) -> str:
    colour = _COLOURS.get(kind.colours, f"colours of number {kind.colours}")
    depth = "-".join(str(bits) for bits in dict.fromkeys(kind.bits[:4]))
    extra = kind.samples - _CHANNELS.get(kind.colours, kind.samples)
    words = [
        "planar " if kind.is_planar and kind.samples > 1 else "",
        _FORMATS.get(kind.formats[0], ""),
        f"{depth}-bit {colour}",
        f" and {extra} more" if extra > 0 else "",
        ", bits reversed" if kind.bits_reversed else "",
    ]
    return "".join(words)
