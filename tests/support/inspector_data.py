"""Pictures and runs for the inspector's tests: real merges of made-up tokens, no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

import mpm
from app.inspector.image_view import ImageView
from app.inspector.messages import rule_menu
from mpm.merging.named import ModelShape, named_recipes
from mpm.merging.recipe import Recipe
from mpm.merging.trace import MergeTrace, trace_image
from mpm.segmenters.segments import Segment, Segments

SCHEDULES = ("none", "8", "5", "2", "2,5", "2,5,8", "2,4,6,8", "0,2,4,6,8")
CLASSES = ("sky", "building", "road", "tree", "<b>car</b>")
PALETTE = np.array([[70, 130, 180], [70, 70, 70], [128, 64, 128], [107, 142, 35], [0, 0, 142]], np.uint8)
DEPTH = 12
NAMED = [one.describe(str(Recipe.parse(one.name, ModelShape(DEPTH, 192)))) for one in named_recipes()]


@dataclass(frozen=True, eq=False)
class MadeUpRun:
    """What the inspector needs of a SegmentationRun."""

    labels: np.ndarray
    grid: mpm.Grid
    trace: MergeTrace
    notes: tuple[str, ...] = ()
    segments: Segments | None = None


def made_up_image(width_px: int, height_px: int, seed: int = 0) -> np.ndarray:
    """(H, W, 3) uint8: soft blobs of colour with a little noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 235, (7, 9, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (width_px, height_px), interpolation=cv2.INTER_CUBIC)
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


def made_up_trace(grid: mpm.Grid, blocks: Sequence[int], seed: int = 0) -> MergeTrace:
    """Mutual pairs of smooth random tokens, merged at every block of the schedule."""
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.normal(size=(grid.rows, grid.cols, 4)).astype(np.float32), (0, 0), 1.2)
    tokens = torch.from_numpy(field.reshape(1, grid.size, -1))
    maps = []
    for _ in blocks:
        maps.append(mpm.mutual_pairs(tokens))
        tokens = maps[-1].merge(tokens)
    return trace_image(grid, blocks, maps)


def made_up_labels(image: np.ndarray, shift_px: int = 0) -> np.ndarray:
    """(H, W) uint8: wavy bands of the classes; a shift stands for what merging changes."""
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    wave = (y + shift_px) / image.shape[0] + 0.08 * np.sin(x / max(image.shape[1], 1) * 9)
    return np.clip(wave * len(CLASSES), 0, len(CLASSES) - 1).astype(np.uint8)


def made_up_runs(
    image: np.ndarray, rows: int, cols: int, schedules: Sequence[str] = SCHEDULES, patch_px: int = 16
) -> dict[str, MadeUpRun]:
    """A run for every schedule; the grid reaches beyond the picture by half a patch on the right."""
    content = (max(1, cols * patch_px - patch_px // 2), rows * patch_px)
    grid = mpm.Grid(rows, cols, patch_px, content, (image.shape[1], image.shape[0]))
    parsed = [mpm.Schedule.parse(name) for name in schedules]
    return {
        str(schedule): MadeUpRun(
            made_up_labels(image, len(schedule)), grid, made_up_trace(grid, schedule.blocks)
        )
        for schedule in parsed
    }


def made_up_segments(image: np.ndarray, discs: int = 5, label: int = 4) -> tuple[np.ndarray, Segments]:
    """Labels and segments: discs of one class of things over the bands, which are no things."""
    height, width = image.shape[:2]
    labels = np.minimum(made_up_labels(image), label - 1)
    ids = labels.astype(np.int16)
    y, x = np.mgrid[:height, :width]
    for number in range(discs):
        middle = (number + 0.5) * width / discs, height * (0.4 + 0.2 * (number % 2))
        inside = np.hypot(x - middle[0], y - middle[1]) < 0.55 * width / discs
        ids[inside], labels[inside] = label + number, label
    ids[: max(1, height // 20)] = -1
    bands = [Segment(band, 0.5, False) for band in range(label)]
    return labels, Segments(ids, (*bands, *(Segment(label, 0.9 + one / 100, True) for one in range(discs))))


def made_up_view(image: np.ndarray, **changes) -> ImageView:
    """The picture with its classes, stops and ground truth."""
    return ImageView(
        **{
            "key": "picture",
            "image": image,
            "class_names": CLASSES,
            "palette": PALETTE,
            "depth": DEPTH,
            "schedules": SCHEDULES,
            "title": "Made <i>up</i>",
            "truth": None if "truth" in changes else made_up_labels(image, 3),
            "ignore_index": 4,
            "rules": rule_menu(),
            "named": NAMED,
            **changes,
        }
    )
