"""Timed runs of one picture on one model: whole, model only, and profiled block by block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from mpm.clock import Clock, PartClock
from mpm.encoders.vit import TokenState, step
from mpm.merging.pairing import mutual_pairs
from mpm.merging.schedule import Schedule
from mpm.segmenters.geometry import Geometry
from mpm.segmenters.segmenter import MAX_PATCHES, Segmenter, start_state
from mpm.segmenters.upsample import upsample_labels

WHOLE = "picture to mask"
MODEL = "model only"


@dataclass(frozen=True)
class BlockTime:
    """One encoder block: patch tokens that enter it, and seconds of the block and of the merge before it."""

    tokens: int
    block: float
    match: float = 0.0
    merge: float = 0.0


@dataclass(frozen=True)
class Profile:
    """Seconds of one run by part and block by block; labels as `Segmenter.segment` gives them."""

    parts: dict[str, float]
    blocks: tuple[BlockTime, ...]
    labels: np.ndarray

    @property
    def token_counts(self) -> tuple[int, ...]:
        return tuple(block.tokens for block in self.blocks)


class BlockClock(PartClock):
    """A part clock that also keeps what each block took: the parts in their order of time."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        super().__init__(device)
        self.blocks: list[dict[str, float]] = []
        self._ahead: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        before = self.parts.get(name, 0.0)
        with super().part(name):
            yield
        if name in ("match", "merge", "blocks"):
            self._ahead[name] = self.parts[name] - before
        if name == "blocks":
            self.blocks.append(self._ahead)
            self._ahead = {}


class Workload:
    """One picture on one model. Settings are fixed when it is made; each call is one run."""

    def __init__(
        self,
        segmenter: Segmenter,
        rgb: np.ndarray,
        scope: str = WHOLE,
        max_patches: int = MAX_PATCHES,
    ) -> None:
        if scope not in (WHOLE, MODEL):
            raise ValueError(f"the scope must be {WHOLE!r} or {MODEL!r}, but got {scope!r}")
        self.segmenter, self.rgb, self.scope, self.max_patches = segmenter, rgb, scope, max_patches
        with torch.inference_mode():
            self.pixels, self.geometry = segmenter.preprocess(rgb, max_patches=max_patches)

    def seconds(self, schedule: str) -> float:
        """One run on the clock. Raises InputError for a bad schedule."""
        if self.scope == WHOLE:
            return self.segmenter.segment(self.rgb, schedule, max_patches=self.max_patches).timing.total
        clock = Clock(self.segmenter.device)
        self.segmenter.logits(self.pixels, schedule)
        return clock.stop().total

    def profile(self, schedule: str) -> Profile:
        """One whole run with every part and block on the clock."""
        return profiled_run(self.segmenter, self.rgb, schedule, self.max_patches)


@torch.inference_mode()
def profiled_run(
    segmenter: Segmenter, rgb: np.ndarray, schedule: str, max_patches: int = MAX_PATCHES
) -> Profile:
    """The run of `Segmenter.segment`, with the time of every block. Raises InputError for a bad schedule."""
    plan = Schedule.parse(schedule).check(segmenter.depth)
    clock = BlockClock(segmenter.device)
    with clock.part("preprocess"):
        pixels, geometry = segmenter.preprocess(rgb, max_patches=max_patches)
    with clock.part("embed"):
        state = start_state(segmenter, pixels)
    tokens = []
    for number in range(segmenter.depth):
        state = step(segmenter.encoder, state, number, geometry.grid, plan, mutual_pairs, clock)
        tokens.append(state.counts[0])
    labels = _finish(segmenter, state, geometry, clock)
    return Profile(dict(clock.parts), _block_times(tokens, clock.blocks), labels)


def _finish(segmenter: Segmenter, state: TokenState, geometry: Geometry, clock: Clock) -> np.ndarray:
    logits = segmenter.finish(state, geometry.grid, clock)
    with clock.part("upsample"):
        return upsample_labels(logits, geometry).cpu().numpy()


def _block_times(tokens: list[int], blocks: list[dict[str, float]]) -> tuple[BlockTime, ...]:
    return tuple(
        BlockTime(count, parts["blocks"], parts.get("match", 0.0), parts.get("merge", 0.0))
        for count, parts in zip(tokens, blocks, strict=True)
    )
