"""From a person's picture to a padded, normalised model input (whole-image mode)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mpm.errors import InputError
from mpm.segmenters.geometry import Geometry

PerChannel = tuple[float, float, float]
"""A number for each of red, green and blue."""


def as_rgb(image: Any) -> np.ndarray:
    """(H, W, 3) uint8 RGB from such an array or a PIL image. Raises InputError for anything else."""
    if hasattr(image, "convert"):  # a PIL image
        image = np.asarray(image.convert("RGB"))
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        shape, kind = getattr(image, "shape", "no array"), getattr(image, "dtype", type(image).__name__)
        raise InputError(f"An image must be a PIL image or (H, W, 3) uint8 RGB, but got {shape} {kind}")
    if 0 in image.shape:
        raise InputError(
            f"An image must have at least one pixel, but got {image.shape[1]} x {image.shape[0]}"
        )
    return image


def resize_bilinear(image: np.ndarray, size_wh_px: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) uint8 resized bilinearly.

    Below half size bilinear sampling would skip the pixels in between: they are averaged first. The sampling
    is OpenCV's exact one. Its usual one is a grey level darker here and there, and not in the same places on
    x86-64 and arm64, which changed who merges with whom for 2 % of the patches.
    """
    height, width = image.shape[:2]
    if (width, height) == tuple(size_wh_px):
        return image
    shrink = max(1, width // size_wh_px[0] // 2), max(1, height // size_wh_px[1] // 2)
    if max(shrink) > 1:
        image = cv2.resize(image, (width // shrink[0], height // shrink[1]), interpolation=cv2.INTER_AREA)
    return cv2.resize(image, size_wh_px, interpolation=cv2.INTER_LINEAR_EXACT)


def resize_antialiased(image: np.ndarray, size_wh_px: tuple[int, int], kind: str) -> np.ndarray:
    """(H, W, 3) uint8 resized as PIL and torchvision do it. kind: "bilinear" or "bicubic"."""
    if (image.shape[1], image.shape[0]) == tuple(size_wh_px):
        return image
    planes = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    resized = F.interpolate(planes, size_wh_px[::-1], mode=kind, align_corners=False, antialias=True)
    return resized[0].permute(1, 2, 0).numpy()


def resize(image: np.ndarray, size_wh_px: tuple[int, int], resampling: str) -> np.ndarray:
    """(H, W, 3) uint8 as a model wants it resized, see `mpm.segmenters.config.RESAMPLINGS`."""
    if resampling == "opencv":
        return resize_bilinear(image, size_wh_px)
    return resize_antialiased(image, size_wh_px, resampling)


def to_pixels(
    image: np.ndarray,
    geometry: Geometry,
    mean: PerChannel,
    std: PerChannel,
    resampling: str = "opencv",
    black: bool = False,
) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H_padded, W_padded) float32, normalised, then padded with zeros.

    black: the padding is what black pixels become instead.
    """
    resized = torch.from_numpy(np.ascontiguousarray(resize(image, geometry.content_wh_px, resampling)))
    width, height = geometry.padded_wh_px
    pixels = torch.zeros(1, 3, height, width, dtype=torch.float32)
    if black:
        pixels.sub_(_column(mean)).div_(_column(std))
    planes = resized.permute(2, 0, 1).float().div_(255)
    planes.sub_(_column(mean)).div_(_column(std))
    left, top = geometry.grid.content_xy_px
    pixels[0, :, top : top + resized.shape[0], left : left + resized.shape[1]] = planes
    return pixels


def pad_to_patches(pixels: Tensor, patch_px: int, both_sides: bool = False) -> Tensor:
    """(B, 3, H, W) with zeros right and below, or on both sides, up to whole patches.

    Raises ValueError for another shape.
    """
    if pixels.ndim != 4 or pixels.shape[1] != 3:
        raise ValueError(f"Pixels must be (B, 3, H, W), but got {tuple(pixels.shape)}.")
    spare_w, spare_h = -pixels.shape[3] % patch_px, -pixels.shape[2] % patch_px
    left, top = (spare_w // 2, spare_h // 2) if both_sides else (0, 0)
    padding = (left, spare_w - left, top, spare_h - top)
    return F.pad(pixels, padding) if any(padding) else pixels


def _column(values: PerChannel) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(3, 1, 1)
