"""From logits on the patch grid to labels on the user's pixels, without a full-size stack of class maps.

The labels are those of `F.interpolate(mode="bilinear", align_corners=False)` and argmax, pixel for pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mpm.segmenters.exact_argmax import GENERIC_KERNEL_PX, labels_by_cells, torch_bilinear
from mpm.segmenters.geometry import Geometry, picture_size

DENSE_ELEMENTS = 1 << 24
"""Interpolated logits held at a time on an accelerator; on CPU it is one class map."""


def upsample_labels(logits: Tensor, geometry: Geometry, max_side_px: int | None = None) -> Tensor:
    """Best class of every pixel of the user's image: (1, classes, h, w) -> (H, W), smallest fit type.

    The logits' cells divide the padded input evenly: one a patch, or several.

    As F.interpolate(mode="bilinear", align_corners=False) to the padded region's share of the image,
    cropped to the image (padding before it to the nearest whole pixel), then argmax (the first class wins a
    tie). With `max_side_px`, labels of a smaller copy of the image whose longer side is at most that: for
    display.
    """
    place = place_labels(geometry, max_side_px)
    cells_y, cells_x = logits.shape[2] // geometry.grid.rows, logits.shape[3] // geometry.grid.cols
    labels = argmax_bilinear(logits[0], place.size, place.factor(cells_y, cells_x))
    return labels[place.top :, place.left :]


@dataclass(frozen=True)
class Place:
    """Where the labels of a picture, or of a smaller copy of it, come to lie.

    size       height and width that are made: the picture's and, above and left of it, `top` and `left`
               pixels of padding, which are cut off
    patch_hw   height and width of a patch in these pixels
    """

    size: tuple[int, int]
    patch_hw: tuple[float, float]
    top: int
    left: int

    def factor(self, cells_y: float, cells_x: float) -> tuple[float, float]:
        """Pixels a cell, of so many cells a patch."""
        return self.patch_hw[0] / cells_y, self.patch_hw[1] / cells_x


def place_labels(geometry: Geometry, max_side_px: int | None = None) -> Place:
    """The place of a picture's labels; with `max_side_px`, of a copy whose longer side is at most that."""
    image_w, image_h = geometry.image_wh_px
    patch_w, patch_h = geometry.grid.patch_wh_px()
    height, width = picture_size(geometry, max_side_px)
    pad_x, pad_y = geometry.grid.pad_xy_px()
    left, top = round(pad_x * width / image_w), round(pad_y * height / image_h)
    size = top + height, left + width
    return Place(size, (patch_h * height / image_h, patch_w * width / image_w), top, left)


def label_type(classes: int) -> torch.dtype:
    """The smallest type that tells so many classes apart."""
    return torch.uint8 if classes <= 255 else torch.int16


@torch.no_grad()
def argmax_bilinear(logits: Tensor, size: tuple[int, int], factor: tuple[float, float]) -> Tensor:
    """argmax over classes of bilinearly upsampled logits: (K, rows, cols) -> (H, W) of `size`.

    Equal to F.interpolate(logits[None], scale_factor=factor, mode="bilinear")[0, :, :H, :W].argmax(0) of
    float32, contiguous logits, at any factor. uint8 for at most 255 classes, else int16. On CPU only classes
    that can win somewhere in a cell of the patch grid are interpolated there; where nearly all can, and on
    accelerators, all are, a few class maps at a time.
    """
    logits = logits.float().contiguous()
    kind = label_type(logits.shape[0])
    rows, cols = logits.shape[1:]
    factor = _real_factor(rows, factor[0]), _real_factor(cols, factor[1])
    if logits.shape[0] == 1:
        return torch.zeros(size, dtype=kind, device=logits.device)
    if sum(size) <= GENERIC_KERNEL_PX:
        return _labels_of_a_tiny_image(logits, size, factor, kind)
    labels = labels_by_cells(logits, size, factor, kind) if logits.device.type == "cpu" else None
    return _labels_by_classes(logits, size, factor, kind) if labels is None else labels


def _real_factor(cells: int, factor: float) -> float:
    """F.interpolate copies, whatever the factor, where that gives as many pixels as there were."""
    return 1.0 if int(cells * factor) == cells else factor


def _labels_of_a_tiny_image(
    logits: Tensor, size: tuple[int, int], factor: tuple[float, float], kind: torch.dtype
) -> Tensor:
    """All at once. Torch picks its kernel, and thereby its rounding, by the size before cropping."""
    rows, cols = logits.shape[1:]
    whole = max(size[0], int(rows * factor[0])), max(size[1], int(cols * factor[1]))
    if sum(whole) > GENERIC_KERNEL_PX:
        whole = max(size[0], GENERIC_KERNEL_PX + 1 - size[1]), size[1]
    maps = torch_bilinear(logits, whole, factor)
    return maps[:, : size[0], : size[1]].argmax(0).to(kind)


def _labels_by_classes(
    logits: Tensor, size: tuple[int, int], factor: tuple[float, float], kind: torch.dtype
) -> Tensor:
    """The plain way: every class map upsampled whole by torch itself, the best so far kept."""

    def maps(some: slice) -> Tensor:
        return torch_bilinear(logits[some], size, factor)

    return best_of_maps(len(logits), size, logits.device, maps).to(kind)


def resized_maps(maps: Tensor, size: tuple[int, int], factor: tuple[float, float]) -> Tensor:
    """Class maps at `size`, upsampled bilinearly by `factor`: (K, rows, cols) -> (K, H, W)."""
    rows, cols = maps.shape[1:]
    return torch_bilinear(maps, size, (_real_factor(rows, factor[0]), _real_factor(cols, factor[1])))


def best_of_maps(
    count: int, size: tuple[int, int], device: torch.device, maps: Callable[[slice], Tensor]
) -> Tensor:
    """Number of the highest of `count` class maps at every pixel, the first where some are equal: (H, W).

    maps: makes those with the numbers of a slice, (k, H, W) float32. Few are held at a time. uint8 for at
    most 255, else int16.
    """
    kind = label_type(count)
    step = _chunk(size, device)
    best = torch.full(size, -torch.inf, dtype=torch.float32, device=device)
    labels = torch.zeros(size, dtype=kind, device=device)
    for start in range(0, count, step):
        # In a call of its own, so that no map is left when the next one is made: each has the image's size.
        _keep_better(best, labels, maps(slice(start, start + step)), start)
    return labels


def _keep_better(best: Tensor, labels: Tensor, maps: Tensor, start: int) -> None:
    """Take class maps (k, H, W), from number `start`, into the best values and their labels so far."""
    if len(maps) == 1:
        values = maps[0]
        labels.masked_fill_(values > best, start)
    else:
        values, classes = maps.max(0)
        labels.copy_(torch.where(values > best, (classes + start).to(labels.dtype), labels))
    torch.maximum(best, values, out=best)


def _chunk(size: tuple[int, int], device: torch.device) -> int:
    """Class maps to hold at a time: few launches on an accelerator, few cache misses on CPU."""
    return 1 if device.type == "cpu" else max(1, DENSE_ELEMENTS // (size[0] * size[1]))
