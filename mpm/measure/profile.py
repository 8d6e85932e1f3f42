"""Timed runs of one picture on one model: whole, model only, and profiled block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mpm.clock import Clock, PartClock
from mpm.encoders.base import TokenState
from mpm.segmenters.geometry import Geometry
from mpm.segmenters.segmenter import MAX_PATCHES, Segmenter

WHOLE = "picture to mask"
MODEL = "model only"


@dataclass(frozen=True)
class BlockTime:
    """One encoder block: patch tokens that enter it, and seconds of the block and of its merge.

    Tokens merge before the block, or in its middle where the recipe says after-attention.
    """

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
    """A part clock that also keeps what each block took: the parts in their order of time.

    cut: the blocks in whose middle tokens merge; each runs in two halves.
    """

    def __init__(self, device: torch.device | str = "cpu", cut: Sequence[int] = ()) -> None:
        super().__init__(device)
        self._cut = set(cut)
        self.blocks: list[dict[str, float]] = []
        self._ahead: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        before = self.parts.get(name, 0.0)
        with super().part(name):
            yield
        if name in ("match", "merge", "blocks"):
            self._ahead[name] = self._ahead.get(name, 0.0) + self.parts[name] - before
        if name == "blocks" and len(self.blocks) in self._cut:
            self._cut.remove(len(self.blocks))  # the first half: the second is to come
        elif name == "blocks":
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
            raise ValueError(f"The scope must be {WHOLE!r} or {MODEL!r}, but got {scope!r}.")
        self.segmenter, self.rgb, self.scope, self.max_patches = segmenter, rgb, scope, max_patches
        self._fitted: dict[int | None, tuple[Tensor, Geometry]] = {}
        self.geometry = self._fit(None)[1]

    @torch.inference_mode()
    def seconds(self, schedule: Any) -> float:
        """One run on the clock. Raises InputError for a bad recipe."""
        if self.scope == WHOLE:
            return self.segmenter.segment(self.rgb, schedule, max_patches=self.max_patches).timing.total
        recipe = self.segmenter.read_recipe(schedule)
        pixels, geometry = self._fit(recipe.resolution_px)
        clock = Clock(self.segmenter.device)
        self.segmenter.run(pixels, recipe, grid=geometry.grid)
        return clock.stop().total

    def profile(self, schedule: Any) -> Profile:
        """One whole run with every part and block on the clock."""
        return profiled_run(self.segmenter, self.rgb, schedule, self.max_patches)

    @torch.inference_mode()
    def _fit(self, resolution: int | None) -> tuple[Tensor, Geometry]:
        """The picture as model input, made once for each input size."""
        if resolution not in self._fitted:
            self._fitted[resolution] = self.segmenter.preprocess(self.rgb, resolution, self.max_patches)
        return self._fitted[resolution]


@torch.inference_mode()
def profiled_run(
    segmenter: Segmenter, rgb: np.ndarray, schedule: Any, max_patches: int = MAX_PATCHES
) -> Profile:
    """The run of `Segmenter.segment`, with the time of every block. Raises InputError for a bad recipe."""
    recipe = segmenter.read_recipe(schedule)
    clock = BlockClock(segmenter.device, recipe.blocks if recipe.after_attention else ())
    with clock.part("preprocess"):
        pixels, geometry = segmenter.preprocess(rgb, recipe.resolution_px, max_patches)
    found = segmenter.run(pixels, recipe, clock, grid=geometry.grid)
    with clock.part("upsample"):
        labels = found.scores.mask(geometry).labels
    return Profile(
        dict(clock.parts), _block_times(found.states[0], clock.blocks, recipe.after_attention), labels
    )


def _block_times(
    state: TokenState, blocks: list[dict[str, float]], after_attention: bool
) -> tuple[BlockTime, ...]:
    tokens, left = [], state.grid.size
    merged = dict(zip(state.blocks, state.maps, strict=True))
    for number in range(len(blocks)):
        entering, left = left, int(merged[number].counts) if number in merged else left
        tokens.append(entering if after_attention else left)
    return tuple(
        BlockTime(count, parts["blocks"], parts.get("match", 0.0), parts.get("merge", 0.0))
        for count, parts in zip(tokens, blocks, strict=True)
    )
