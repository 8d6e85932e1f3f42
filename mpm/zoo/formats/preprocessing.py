"""What transformers' image processors do to a picture, as preprocessor_config.json says it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpm.errors import InputError, shortened
from mpm.segmenters.preprocess import PerChannel
from mpm.zoo.formats.transformers_folder import read_settings

PREPROCESSOR_FILE = "preprocessor_config.json"
LARGEST_SIDE_PX = 4096
RESAMPLINGS = {2: "bilinear", 3: "bicubic"}
"""By PIL's numbers; both with antialiasing."""


@dataclass(frozen=True)
class Preprocessing:
    """How pixels are made.

    side_px     of the resized picture: its short side, or of the square that it is padded to
    mean, std   of RGB in [0, 1]
    resampling  one of `mpm.segmenters.config.RESAMPLINGS`
    splits      whether pictures are cut into square windows
    pads        whether they are padded to a square
    """

    side_px: int
    mean: PerChannel
    std: PerChannel
    resampling: str = "bilinear"
    splits: bool = False
    pads: bool = False

    @classmethod
    def of(cls, folder: Path, default: Preprocessing) -> Preprocessing:
        """From a folder's file, old or new; what it leaves out is the default's.

        Raises InputError where the file is odd, or asks for what is not done here.
        """
        return cls.said(read_settings(folder / PREPROCESSOR_FILE).values, default)

    @classmethod
    def said(cls, values: Mapping[str, Any], default: Preprocessing) -> Preprocessing:
        """From the settings themselves. Raises as `of`."""
        mean, std = default.mean, default.std
        if not values.get("do_normalize", True):
            mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        else:
            mean, std = _per_channel(values, "image_mean", mean), _per_channel(values, "image_std", std)
        if min(std) <= 0:
            raise InputError(f"{PREPROCESSOR_FILE} must have an image_std above 0, but got {shortened(std)}")
        _check_scale(values)
        return cls(
            _side_px(values.get("size", default.side_px)),
            mean,
            std,
            _resampling(values.get("resample"), default.resampling),
            _yes(values, "do_split_image", default.splits),
            _yes(values, "do_pad", default.pads),
        )


def _check_scale(values: Mapping[str, Any]) -> None:
    factor = values.get("rescale_factor", 1 / 255)
    if not values.get("do_rescale", True) or not _is_finite(factor) or abs(255 * factor - 1) > 1e-3:
        raise InputError(f"{PREPROCESSOR_FILE} must scale pixels to 0 .. 1, but it scales them otherwise")


def _resampling(number: Any, default: str) -> str:
    if number is None:
        return default
    if not isinstance(number, int) or number not in RESAMPLINGS:
        raise InputError(f"{PREPROCESSOR_FILE} must resample by 2 or 3, but got {shortened(number)}")
    return RESAMPLINGS[number]


def _yes(values: Mapping[str, Any], key: str, default: bool) -> bool:
    value = values.get(key, default)
    if not isinstance(value, bool):
        raise InputError(f"{PREPROCESSOR_FILE} must have true or false for {key}, but got {shortened(value)}")
    return value


def _side_px(size: Any) -> int:
    """384, {"height": 384, "width": 384}, {"shortest_edge": 384, "longest_edge": 384 or null}."""
    sides = [side for side in size.values() if side is not None] if isinstance(size, dict) else [size]
    whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    if not sides or not whole or not 1 <= min(sides) <= LARGEST_SIDE_PX:
        raise InputError(
            f"{PREPROCESSOR_FILE} must say a size in pixels, at most {LARGEST_SIDE_PX}, but got "
            f"{shortened(size)}"
        )
    return int(min(sides))


def _per_channel(values: Mapping[str, Any], key: str, default: PerChannel) -> PerChannel:
    told = values.get(key, default)
    numbers = [told] * 3 if isinstance(told, (int, float)) else told
    if not isinstance(numbers, (list, tuple)) or len(numbers) != 3 or not all(map(_is_finite, numbers)):
        raise InputError(f"{PREPROCESSOR_FILE} must have three numbers as {key}, but got {shortened(told)}")
    return float(numbers[0]), float(numbers[1]), float(numbers[2])


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
