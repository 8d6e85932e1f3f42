"""What the parts of a segmenter take on its device, measured: about a second for a small model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from mpm.clock import Clock, PartClock
from mpm.encoders.base import TokenState
from mpm.encoders.run import encode
from mpm.merging.costs import Costs
from mpm.merging.recipe import Recipe
from mpm.segmenters.run import finish
from mpm.segmenters.upsample import upsample_labels

if TYPE_CHECKING:
    from mpm.segmenters.segmenter import Segmenter

SIDES = ((8, 8), (8, 16), (16, 16), (16, 24), (16, 32), (24, 32), (32, 32), (32, 40), (32, 48))
"""Rows and columns of the patch grids that are measured."""
REPEATS = 5
MERGE = Recipe.parse("regions@0|decode-merged,residual,sizes")
LONG_S = 0.2
"""Whatever takes longer is measured once: its noise is small beside it."""


@torch.inference_mode()
def measure_costs(segmenter: Segmenter) -> Costs:
    """The shortest of a few runs of each part, for growing numbers of patches: what others do is left out."""
    rows = [_of_grid(segmenter, *sides) for sides in SIDES]
    block, decode, search, restore, rest = (_growing(column) for column in zip(*rows, strict=True))
    return Costs(tuple(math.prod(sides) for sides in SIDES), block, decode, search, restore, rest)


def _of_grid(segmenter: Segmenter, rows: int, cols: int) -> tuple[float, ...]:
    """Seconds of a block, the decoder, a search with its merge, the restore, and the rest."""
    runner, size, short = segmenter.runner, segmenter.patch_px, min(rows, cols) * segmenter.patch_px
    picture = _smooth_picture(rows * size, cols * size)
    pixels, geometry = segmenter.preprocess(picture, short)
    state = runner.embed(pixels, geometry.grid)
    logits = segmenter.decode(runner.norm(state.tokens), geometry.grid)

    def merge(clock: Clock) -> None:
        encode(runner, state, MERGE, clock, stop=1)

    def decode(clock: Clock) -> None:
        with clock.part("decode"):
            segmenter.decode(runner.norm(state.tokens), geometry.grid)

    (merged,) = encode(runner, state, MERGE, stop=1)
    fewer = runner.norm(merged.tokens)

    def restored(clock: Clock) -> None:
        finish(runner, segmenter.decoder, [merged], MERGE, clock)

    def decode_fewer(clock: Clock) -> None:
        with clock.part("decode"):
            segmenter.decoder(fewer[:, merged.prefix :])

    def rest(clock: Clock) -> None:
        with clock.part("upsample"):
            runner.embed(segmenter.preprocess(picture, short)[0], geometry.grid)
            upsample_labels(logits, geometry)

    device = segmenter.device
    return (
        _block(segmenter, _with_sizes(state)),
        _shortest(device, decode, "decode"),
        _shortest(device, merge, "match", "merge"),
        _shortest(device, restored, "reconstruct", "decode") - _shortest(device, decode_fewer, "decode"),
        _shortest(device, rest, "upsample"),
    )


def _block(segmenter: Segmenter, state: TokenState) -> float:
    """Seconds of one of the encoder's blocks, run in turn: alone, one would find its weights in the cache."""
    taken: list[float] = []
    while len(taken) <= REPEATS and sum(taken) < LONG_S:
        clock, after = PartClock(segmenter.device), state
        with clock.part("blocks"):
            while after.block < segmenter.depth and clock.now() - clock.started < LONG_S:
                after = segmenter.runner.step(after)
        taken.append(clock.parts["blocks"] / after.block)
    return min(taken)


def _with_sizes(state: TokenState) -> TokenState:
    """The same where attention is told sizes, as recipes with `sizes` run it."""
    return replace(state, log_sizes=state.tokens.new_zeros(state.tokens.shape[:2]))


def _smooth_picture(height: int, width: int) -> np.ndarray:
    """Soft waves: alike enough here and there for regions to grow."""
    y, x = np.mgrid[:height, :width] / 48
    return np.stack([127 + 120 * np.sin(x + k) * np.cos(y * (1 + k)) for k in range(3)], -1).astype(np.uint8)


def _shortest(device: torch.device, run: Callable[[Clock], None], *parts: str) -> float:
    taken: list[float] = []
    # The first run only finds kernels and memory.
    while len(taken) <= REPEATS and (len(taken) < 2 or taken[-1] < LONG_S):
        clock = PartClock(device)
        run(clock)
        taken.append(sum(clock.parts[part] for part in parts))
    return min(taken[1:])


def _growing(seconds: tuple[float, ...]) -> tuple[float, ...]:
    """More tokens never take less: where they seemed to, the smaller number was disturbed."""
    return tuple(np.minimum.accumulate(np.maximum(seconds, 0.0)[::-1])[::-1].tolist())
