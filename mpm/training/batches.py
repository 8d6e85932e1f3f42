"""Batches of one training step: a patch grid, real and synthetic views on it, prepared in a thread ahead."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from mpm.data.datasets import FIRST_TRAINING_SEED, Sample, Samples, draw_scene
from mpm.training.augment import OUTSIDE, random_view

# Patch grids (rows, cols) of a step and how often each is drawn. 23 x 30 is a whole 480 x 360 image, 27 x 36
# and 30 x 40 the same enlarged, as the model is used.
GRIDS = {
    (12, 16): 1.5, (16, 16): 2, (14, 20): 1, (18, 24): 2,
    (23, 30): 2, (23, 23): 1, (22, 40): 0.5, (27, 36): 4, (30, 40): 1.5,
}  # fmt: skip
LABEL_STRIDE = 2  # the loss is taken at half of the full resolution

MANY_NEW = 4  # new scenes of a batch while the pool holds few

_SEED_SPAN = 2**30


@dataclass(frozen=True)
class Batch:
    """pixels (B, 3, H, W) normalised float32, zero outside of an image; labels (B, H/2, W/2) int64."""

    pixels: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True)
class BatchRecipe:
    """What a batch is made of; `mean` and `std` are the model's own, for pixels in [0, 1]."""

    patch_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    ignore_index: int
    tokens_per_step: int = 4096
    synthetic_share: float = 0.5


class ScenePool:
    """Synthetic scenes kept in memory: `new_per_batch` new ones on average, the oldest replaced once
    it is full.

    Drawing a scene takes far longer than taking a view of it, so scenes are seen several times. The first
    batches draw more new ones, lest a few scenes fill them.
    """

    def __init__(
        self,
        capacity: int = 1500,
        new_per_batch: float = 0.5,
        few: int = 48,
        draw: Callable[[int], Sample] = draw_scene,
    ):
        self._capacity, self._new_per_batch, self._few, self._draw = capacity, new_per_batch, few, draw
        self._scenes: list[Sample] = []
        self._oldest = 0

    def __len__(self) -> int:
        return len(self._scenes)

    def take(self, count: int, rng: np.random.Generator) -> list[Sample]:
        """`count` scenes: first the new ones of this batch, then random earlier ones."""
        # Rounded at random, so that less than one a batch is possible too.
        wanted = int(self._new_per_batch + rng.random()) if len(self) >= self._few else MANY_NEW
        fresh = [self._add(rng) for _ in range(min(count, wanted))]
        picks = rng.integers(len(self._scenes), size=count - len(fresh)) if count else ()
        return fresh + [self._scenes[pick] for pick in picks]

    def _add(self, rng: np.random.Generator) -> Sample:
        scene = self._draw(FIRST_TRAINING_SEED + int(rng.integers(_SEED_SPAN)))
        if len(self._scenes) < self._capacity:
            self._scenes.append(scene)
        else:
            self._scenes[self._oldest] = scene
            self._oldest = (self._oldest + 1) % self._capacity
        return scene


class BatchMaker:
    """Makes the batch of a step. Its randomness depends on (seed, step) alone, so resumed runs go on."""

    def __init__(self, recipe: BatchRecipe, photos: Samples | None, scenes: ScenePool | None, seed: int):
        if photos is None and scenes is None:
            raise ValueError("Training needs photos, synthetic scenes or both, but got neither.")
        self._recipe, self._photos, self._scenes, self._seed = recipe, photos, scenes, seed

    def __call__(self, step: int) -> Batch:
        rng = np.random.default_rng((self._seed, step))
        rows, cols = _draw_grid(rng)
        count = max(1, round(self._recipe.tokens_per_step / (rows * cols)))
        size_px = (cols * self._recipe.patch_px, rows * self._recipe.patch_px)
        views = [random_view(*sample, size_px, rng) for sample in self._samples(count, rng)]
        return _collate(views, self._recipe)

    def _samples(self, count: int, rng: np.random.Generator) -> list[Sample]:
        synthetic = self._synthetic_count(count, rng)
        photos = (
            [self._photos[i] for i in rng.integers(len(self._photos), size=count - synthetic).tolist()]
            if self._photos is not None
            else []
        )
        return photos + (self._scenes.take(synthetic, rng) if self._scenes is not None else [])

    def _synthetic_count(self, count: int, rng: np.random.Generator) -> int:
        if self._photos is None:
            return count
        if self._scenes is None:
            return 0
        # Rounded at random, so that the share holds on average for small batches too.
        return int(np.floor(count * self._recipe.synthetic_share + rng.random()))


class Prefetcher:
    """Iterates over batches made in a thread, at most `depth` ahead. Use as a context manager."""

    def __init__(self, make: Callable[[int], Batch], first_step: int, depth: int = 3):
        self._make, self._step = make, first_step
        self._ready: queue.Queue[Batch | BaseException] = queue.Queue(depth)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)

    def __enter__(self) -> Prefetcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def __iter__(self) -> Prefetcher:
        return self

    def __next__(self) -> Batch:
        item = self._ready.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def _work(self) -> None:
        item: Batch | BaseException
        while not self._stop.is_set():
            try:
                item = self._make(self._step)
            except BaseException as error:  # handed to the consumer, which raises it
                item = error
            self._put(item)
            if isinstance(item, BaseException):
                return
            self._step += 1

    def _put(self, item: Batch | BaseException) -> None:
        while not self._stop.is_set():
            try:
                return self._ready.put(item, timeout=0.2)
            except queue.Full:
                continue


def _draw_grid(rng: np.random.Generator) -> tuple[int, int]:
    weights = np.array(list(GRIDS.values()), dtype=float)
    return list(GRIDS)[rng.choice(len(GRIDS), p=weights / weights.sum())]


def _collate(views: list[Sample], recipe: BatchRecipe) -> Batch:
    pixels = np.stack([_normalised(image, labels == OUTSIDE, recipe) for image, labels in views])
    labels = np.stack([labels[::LABEL_STRIDE, ::LABEL_STRIDE] for _, labels in views])
    labels = np.where(labels == OUTSIDE, recipe.ignore_index, labels).astype(np.int64)
    return Batch(torch.from_numpy(pixels), torch.from_numpy(labels))


def _normalised(image: np.ndarray, outside: np.ndarray, recipe: BatchRecipe) -> np.ndarray:
    """(H, W, 3) uint8 -> (3, H, W) float32, zero where `outside`."""
    mean, std = np.array(recipe.mean), np.array(recipe.std)
    levels = np.arange(256)[:, None] / 255
    table = ((levels - mean) / std).astype(np.float32)
    planes = np.stack(
        [cv2.LUT(plane, column) for plane, column in zip(cv2.split(image), table.T, strict=True)]
    )
    planes[:, outside] = 0
    return planes
