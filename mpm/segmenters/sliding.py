"""The published evaluation of segmenters: overlapping windows at one scale, their scores averaged.

    resize -> cut into windows -> each through the segmenter -> average where they overlap -> resize -> argmax

The last window of a row or column lies flush with the border. Shapes: K classes, H W pixels.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mpm.errors import InputError
from mpm.merging.recipe import Recipe
from mpm.merging.rule_call import Merger
from mpm.merging.schedule import PAPER
from mpm.segmenters.config import SlidingConfig
from mpm.segmenters.geometry import Geometry, plan_geometry
from mpm.segmenters.preprocess import as_rgb, resize, to_pixels
from mpm.segmenters.scores import Scores
from mpm.segmenters.segmenter import Segmenter

MAX_SCORES = 1 << 30
"""Pixels of the resized image times classes, 4 GB: what takes more is refused before memory runs out."""

Box = tuple[int, int, int, int]
"""left, top, right, bottom in pixels of the resized image."""


@dataclass(frozen=True, eq=False)
class SlidingRun:
    """One image through one recipe, window by window.

    labels        (H, W) integers, the image's own size
    token_counts  patch tokens of all windows together, at the start and after each insertion
    windows       in raster order
    """

    labels: np.ndarray
    token_counts: list[int]
    windows: tuple[Box, ...]


@torch.inference_mode()
def segment_sliding(
    segmenter: Segmenter,
    image: Any,
    schedule: Any = PAPER,
    merger: Merger | None = None,
) -> SlidingRun:
    """Segment one picture as the checkpoint's published figures were measured: single scale, no flip.

    image: PIL image or (H, W, 3) uint8 RGB. The short side is resized to `config.sliding.resize_px`, aspect
    kept; tokens merge within each window. Holds the scores of the resized image in float32 (150 classes,
    512 x 683: 210 MB), never those of the original. Raises InputError for a bad image or recipe, for a model
    without a sliding window, and for an image so long that these scores would be too many.
    """
    sliding = sliding_config(segmenter)
    recipe = segmenter.read_recipe(schedule, merger)
    if recipe.resolution_px is not None:
        raise InputError(f"Sliding windows have a size of their own: recipe {recipe} must name none")
    rgb = as_rgb(image)
    pixels = _pixels(segmenter, rgb, sliding)
    height, width = pixels.shape[2:]
    boxes = tuple(windows((width, height), sliding))
    times = torch.zeros(height, width, dtype=torch.float32, device=segmenter.device)
    total = times.repeat(len(segmenter.class_names), 1, 1)
    token_counts = np.zeros(1 + len(recipe), np.int64)
    for left, top, right, bottom in boxes:
        scores, geometry, counts = _run(segmenter, pixels[..., top:bottom, left:right], recipe)
        total[:, top:bottom, left:right] += _on_window(scores, geometry, sliding.stretches_padding)
        times[top:bottom, left:right] += 1
        token_counts += counts
    labels = best_classes(total.div_(times), rgb.shape[:2]).cpu().numpy()
    return SlidingRun(labels, token_counts.tolist(), boxes)


def sliding_config(segmenter: Segmenter) -> SlidingConfig:
    """The window that a checkpoint was published with. Raises InputError where there is none."""
    sliding = segmenter.config.sliding
    if sliding is None:
        raise InputError(f"The model {segmenter.config.name} has no sliding window: it takes whole images")
    return sliding


def windows(size_wh_px: tuple[int, int], sliding: SlidingConfig) -> list[Box]:
    """Windows over an image, in raster order; an image smaller than a window along a side is one there."""
    side, stride = sliding.window_px, sliding.stride_px
    if sliding.evenly:
        columns, rows = (_even_spans(length, side) for length in size_wh_px)
    else:
        columns, rows = (_spans(length, side, stride) for length in size_wh_px)
    return [(left, top, right, bottom) for top, bottom in rows for left, right in columns]


def _spans(length: int, side: int, stride: int) -> list[tuple[int, int]]:
    last = max(length - side, 0)
    return [(start, min(start + side, length)) for start in (*range(0, last, stride), last)]


def _even_spans(length: int, side: int) -> list[tuple[int, int]]:
    count = math.ceil(length / side)
    overlap = (count * side - length) / (count - 1) if count > 1 else 0
    starts = (int(place * (side - overlap)) for place in range(count))
    return [(start, min(start + side, length)) for start in starts]


def _pixels(segmenter: Segmenter, rgb: np.ndarray, sliding: SlidingConfig) -> Tensor:
    """The resized image, normalised: (1, 3, H, W) float32."""
    resized_wh = _resized_wh((rgb.shape[1], rgb.shape[0]), sliding)
    size = resized_wh[::-1]
    if sliding.fills_window and min(size) < sliding.window_px:
        size = _filling(size, sliding.window_px)
    if size[0] * size[1] * len(segmenter.class_names) > MAX_SCORES:
        raise InputError(
            f"An image of {rgb.shape[1]} x {rgb.shape[0]} pixels would be cut into windows at {size[1]} x "
            f"{size[0]} pixels, whose {len(segmenter.class_names)} classes take too much memory"
        )
    resized = _resize(rgb, resized_wh, sliding, segmenter.config.resampling)
    # With patches of one pixel nothing is padded.
    whole = plan_geometry(resized_wh, min(resized_wh), 1, sys.maxsize)
    pixels = to_pixels(resized, whole, segmenter.config.mean, segmenter.config.std).float()
    return pixels if size == resized.shape[:2] else _bilinear(pixels, size)


def _resized_wh(size_wh_px: tuple[int, int], sliding: SlidingConfig) -> tuple[int, int]:
    """Short side to `resize_px`: rounded half up, or down where windows are spread evenly, as published."""
    width, height = size_wh_px
    short_px, shorter = sliding.resize_px, min(size_wh_px)
    if sliding.evenly:
        return width * short_px // shorter, height * short_px // shorter
    scale = min(short_px / shorter, sliding.max_aspect * short_px / max(size_wh_px))
    return max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5))


def _resize(
    image: np.ndarray, size_wh_px: tuple[int, int], sliding: SlidingConfig, resampling: str
) -> np.ndarray:
    """As the model's own preprocessing, or by plain bilinear sampling, as published."""
    if sliding.evenly:
        return resize(image, size_wh_px, resampling)
    if (image.shape[1], image.shape[0]) == size_wh_px:
        return image
    return cv2.resize(image, size_wh_px, interpolation=cv2.INTER_LINEAR)


def _filling(size_hw_px: tuple[int, int], short_px: int) -> tuple[int, int]:
    """Short side to `short_px`, the other rounded down, as Segmenter's authors do it."""
    height, width = size_hw_px
    if height < width:
        return short_px, int(width / height * short_px)
    return int(height / width * short_px), short_px


def _run(segmenter: Segmenter, window: Tensor, recipe: Recipe) -> tuple[Scores, Geometry, list[int]]:
    """Scores of a window as it is, and its patch tokens at the start and as they merge."""
    height, width = window.shape[2:]
    centred = segmenter.config.padding == "centred"
    # With the short side as resolution nothing is resized, and no limit scales it down.
    geometry = plan_geometry((width, height), min(height, width), segmenter.patch_px, sys.maxsize, centred)
    (left, top), (padded_w, padded_h) = geometry.grid.content_xy_px, geometry.padded_wh_px
    padded = F.pad(window, (left, padded_w - width - left, top, padded_h - height - top))
    found = segmenter.run(padded.to(segmenter.device, segmenter.dtype), recipe, grid=geometry.grid)
    counts = [geometry.grid.size, *(int(merge_map.counts) for merge_map in found.states[0].maps)]
    return found.scores, geometry, counts


def _on_window(scores: Scores, geometry: Geometry, stretch: bool) -> Tensor:
    """(K, H, W): the padding cut away, or stretched in with the rest."""
    width, height = geometry.content_wh_px
    if stretch:
        return scores.on_input((height, width))
    left, top = geometry.grid.content_xy_px
    padded_w, padded_h = geometry.padded_wh_px
    return scores.on_input((padded_h, padded_w))[:, top : top + height, left : left + width]


def best_classes(scores: Tensor, size: tuple[int, int]) -> Tensor:
    """argmax over classes of scores resized bilinearly: (K, h, w) -> (H, W) of `size`, smallest fit type.

    The published softmax in between keeps the order. One class map at a time: all of a photograph's would not
    fit in memory.
    """
    kind = torch.uint8 if len(scores) <= 256 else torch.int16
    best = torch.full(size, -torch.inf, dtype=scores.dtype, device=scores.device)
    labels = torch.zeros(size, dtype=kind, device=scores.device)
    for number in range(len(scores)):
        values = _bilinear(scores[None, number : number + 1], size)[0, 0]
        labels.masked_fill_(values > best, number)
        best = torch.maximum(best, values)
    return labels


def _bilinear(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps, size, mode="bilinear", align_corners=False)
