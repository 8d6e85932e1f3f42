"""Colours of a file's ICC profile -> sRGB, by LittleCMS."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image, ImageCms

MAX_PROFILE_BYTES = 4_000_000  # profiles of printers have about 2.7 MB

_CLASSES = {"mntr", "scnr", "prtr", "spac"}
_GRAY_MODES = ("1", "L", "LA", "La", "I", "F")

Transform = Callable[[Image.Image], Image.Image]


def srgb_transform(profile: bytes, mode: str) -> tuple[Transform | None, str]:
    """A function from a strip of Pillow mode L, RGB or CMYK to sRGB, or None, and a note on what is ignored.

    `mode` is the picture's. The function takes "CMYK" or "L" where profile and picture agree on it, else
    "RGB".
    """
    if not profile or mode == "LAB":  # Lab is the same on every device
        return None, ""
    if len(profile) > MAX_PROFILE_BYTES:
        size = f"{MAX_PROFILE_BYTES // 1_000_000} MB"
        return None, f"The colour profile is larger than {size} and was ignored; colours may differ."
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        wanted = _strip_mode(source, mode)
        return (_transform(source, wanted), "") if wanted else (None, _UNFIT)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None, "The colour profile is broken and was ignored; colours may differ."


_UNFIT = "The colour profile does not fit the picture and was ignored; colours may differ."


def _strip_mode(source: ImageCms.ImageCmsProfile, mode: str) -> str | None:
    """The mode of the strips that the profile describes; None where it is made for other pictures."""
    if source.profile.device_class not in _CLASSES:
        return None
    space, is_gray = source.profile.xcolor_space.strip(), mode.startswith(_GRAY_MODES)
    fits = {"RGB": mode != "CMYK", "GRAY": is_gray, "CMYK": mode == "CMYK"}
    return {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}[space] if fits.get(space) else None


def _transform(source: ImageCms.ImageCmsProfile, mode: str) -> Transform:
    transform = ImageCms.ImageCmsTransform(source, _srgb(), mode, "RGB", ImageCms.Intent.PERCEPTUAL)

    def apply(strip: Image.Image) -> Image.Image:
        converted = transform.apply(strip if strip.mode == mode else strip.convert(mode))
        assert converted is not None
        return converted

    return apply


def _srgb() -> ImageCms.ImageCmsProfile:
    """sRGB that calls itself ICC version 2: for version 4 LittleCMS stretches black, as no browser does."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[8:10] = b"\x02\x40"
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))
