"""From logits on the patch grid to labels on the user's pixels, without a full-size stack of class maps."""

from __future__ import annotations

import torch
from torch import Tensor

from mpm.grid import Geometry

STRIP_ELEMENTS = 1 << 22
"""Interpolated logits held at a time."""


def upsample_labels(logits: Tensor, geometry: Geometry, max_side_px: int | None = None) -> Tensor:
    """Best class of every pixel of the user's image: (1, classes, rows, cols) -> (H, W), smallest fit type.

    As F.interpolate(mode="bilinear", align_corners=False) to the padded region's share of the image,
    cropped to the image, then argmax (the first class wins a tie). With `max_side_px`, labels of a smaller
    copy of the image whose longer side is at most that: for display.
    """
    image_w, image_h = geometry.image_wh_px
    patch_w, patch_h = geometry.grid.patch_wh_px()
    shrink = min(1.0, (max_side_px or max(image_w, image_h)) / max(image_w, image_h))
    height, width = max(1, round(image_h * shrink)), max(1, round(image_w * shrink))
    factor = patch_h * height / image_h, patch_w * width / image_w
    return argmax_bilinear(logits[0], (height, width), factor)


def argmax_bilinear(logits: Tensor, size: tuple[int, int], factor: tuple[float, float]) -> Tensor:
    """argmax over classes of bilinearly upsampled logits: (K, rows, cols) -> (H, W).

    Output pixel y looks at row (y + 0.5) / factor - 0.5, clamped, and likewise for columns (align_corners
    False). uint8 for at most 255 classes, else int16.
    """
    classes = logits.shape[0]
    kind = torch.uint8 if classes <= 255 else torch.int16
    low_y, high_y, part_y = _taps(size[0], factor[0], logits.shape[1], logits.device)
    low_x, high_x, part_x = _taps(size[1], factor[1], logits.shape[2], logits.device)
    logits = logits.float()
    wide = torch.lerp(logits[:, :, low_x], logits[:, :, high_x], part_x)  # (K, rows, W)
    labels = torch.empty(size, dtype=kind, device=logits.device)
    step = max(1, STRIP_ELEMENTS // (classes * size[1]))
    for start in range(0, size[0], step):
        strip = slice(start, start + step)
        rows = torch.lerp(wide[:, low_y[strip]], wide[:, high_y[strip]], part_y[strip].reshape(1, -1, 1))
        labels[strip] = rows.argmax(0).to(kind)
    return labels


def _taps(length: int, factor: float, cells: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """For every output pixel the two cells it lies between, and how far along: (length,) each."""
    where = (torch.arange(length, device=device, dtype=torch.float64) + 0.5) / factor - 0.5
    where = where.clamp(min=0)
    low = where.floor().long().clamp(max=cells - 1)
    return low, (low + 1).clamp(max=cells - 1), (where - low).clamp(0, 1).float()
