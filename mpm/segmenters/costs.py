"""What the parts of a segmenter take on its device, measured: about a second for a small model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from mpm.clock import Clock, PartClock
from mpm.encoders.base import Encoder, TokenState
from mpm.encoders.run import as_finished, encode
from mpm.merging.costs import Costs
from mpm.merging.recipe import Recipe
from mpm.segmenters.geometry import Geometry
from mpm.segmenters.heads.grid_head import GridHead
from mpm.segmenters.run import finish
from mpm.segmenters.scores import Scores

SIDES = ((8, 8), (8, 16), (16, 16), (16, 24), (16, 32), (24, 32), (32, 32), (32, 40), (32, 48))
"""Rows and columns of the patch grids that are measured."""
SQUARES = tuple((side, side) for side in (8, 11, 16, 20, 23, 28, 32, 36, 39))
"""The same for models that pad every picture to a square."""
REPEATS = 5
MERGE = Recipe.parse("regions@0|decode-merged,residual,sizes")
LONG_S = 0.2
"""Runs of one part end after so long: whatever takes longer alone has little noise beside it."""


class Measured(Protocol):
    """What is asked of a `Segmenter`, which asks this module for its costs and so cannot be named here."""

    @property
    def head(self) -> nn.Module: ...

    @property
    def runner(self) -> Encoder: ...

    @property
    def patch_px(self) -> int: ...

    @property
    def depth(self) -> int: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def pads_to_square(self) -> bool: ...

    def preprocess(self, image: Any, resolution: int | None = None) -> tuple[Tensor, Geometry]: ...

    def read_finished(self, state: TokenState) -> Scores: ...

    def modules(self) -> Iterator[nn.Module]: ...

    def eval(self) -> Any: ...


@torch.inference_mode()
def measure_costs(segmenter: Measured) -> Costs:
    """The shortest of a few runs of each part, for growing numbers of patches: what others do is left out."""
    with _evaluating(segmenter):
        grids = SQUARES if segmenter.pads_to_square else SIDES
        rows = [_Probe(segmenter, *sides).seconds() for sides in grids]
    block, decode, search, restore, rest = (_growing(column) for column in zip(*rows, strict=True))
    return Costs(tuple(math.prod(sides) for sides in grids), block, decode, search, restore, rest)


@contextmanager
def _evaluating(segmenter: Measured) -> Iterator[None]:
    """As in inference: in training the picture would count in batch statistics, and dropout draw numbers."""
    training = [module for module in segmenter.modules() if module.training]
    segmenter.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


class _Probe:
    """The parts of a run over a grid of so many patches, each to be run alone on a clock."""

    def __init__(self, segmenter: Measured, rows: int, cols: int) -> None:
        self.segmenter, self.runner, self.device = segmenter, segmenter.runner, segmenter.device
        self.short_px = min(rows, cols) * segmenter.patch_px
        self.picture = _smooth_picture(rows * segmenter.patch_px, cols * segmenter.patch_px)
        pixels, self.geometry = segmenter.preprocess(self.picture, self.short_px)
        self.state = self.runner.embed(pixels, self.geometry.grid)
        self.finished = as_finished(self.runner, self.state)
        self.scores = segmenter.read_finished(self.finished)
        (self.merged,) = encode(self.runner, self.state, MERGE, stop=1)

    def seconds(self) -> tuple[float, ...]:
        """Of a block, the decoder, a search with its merge, the restore, and the rest."""
        return (
            self.seconds_of_a_block(),
            _shortest(self.device, self.decode, "decode"),
            _shortest(self.device, self.merge, "match", "merge"),
            self.seconds_of_restoring(),
            _shortest(self.device, self.rest, "upsample"),
        )

    def seconds_of_a_block(self) -> float:
        """All of the encoder's blocks in turn, shared out: alone, one would find its weights in the cache."""
        taken: list[float] = []
        while len(taken) <= REPEATS and sum(taken) < LONG_S:
            clock, after = PartClock(self.device), _with_sizes(self.state)
            with clock.part("blocks"):
                while after.block < self.segmenter.depth and clock.now() - clock.started < LONG_S:
                    after = self.runner.step(self.runner.enter(after))
            taken.append(clock.parts["blocks"] / after.block)
        return min(taken)

    def seconds_of_restoring(self) -> float:
        """With a decoder that takes merged tokens: what it takes in all, but for the decoding itself."""
        if isinstance(self.segmenter.head, GridHead):
            return _shortest(self.device, self.restore, "reconstruct")
        finishing = _shortest(self.device, self.finish, "reconstruct", "decode")
        return finishing - _shortest(self.device, self.decode_merged, "decode")

    def restore(self, clock: Clock) -> None:
        with clock.part("reconstruct"):
            self.runner.restore(self.merged)

    def decode(self, clock: Clock) -> None:
        with clock.part("decode"):
            self.segmenter.read_finished(self.finished)

    def merge(self, clock: Clock) -> None:
        encode(self.runner, self.state, MERGE, clock, stop=1)

    def finish(self, clock: Clock) -> None:
        finish(self.runner, self.segmenter.head, [self.merged], MERGE, clock)

    def decode_merged(self, clock: Clock) -> None:
        with clock.part("decode"):
            self.segmenter.head(self.runner.norm(self.merged.tokens)[:, self.merged.prefix :])

    def rest(self, clock: Clock) -> None:
        with clock.part("upsample"):
            self.runner.embed(self.segmenter.preprocess(self.picture, self.short_px)[0], self.geometry.grid)
            self.scores.mask(self.geometry)


def _with_sizes(state: TokenState) -> TokenState:
    """The same where attention is told sizes, as recipes with `sizes` run it."""
    return replace(state, log_sizes=state.tokens.new_zeros(state.tokens.shape[:2]))


def _smooth_picture(height: int, width: int) -> np.ndarray:
    """Soft waves: alike enough here and there for regions to grow."""
    y, x = np.mgrid[:height, :width] / 48
    return np.stack([127 + 120 * np.sin(x + k) * np.cos(y * (1 + k)) for k in range(3)], -1).astype(np.uint8)


def _shortest(device: torch.device, run: Callable[[Clock], None], *parts: str) -> float:
    """Seconds of some parts of a run, the shortest of a few."""
    taken: list[float] = []
    # The first run only finds kernels and memory.
    while len(taken) <= REPEATS and (len(taken) < 2 or sum(taken) < LONG_S):
        clock = PartClock(device)
        run(clock)
        taken.append(sum(clock.parts[part] for part in parts))
    return min(taken[1:])


def _growing(seconds: tuple[float, ...]) -> tuple[float, ...]:
    """More tokens never take less: where they seemed to, the smaller number was disturbed."""
    return tuple(np.minimum.accumulate(np.maximum(seconds, 0.0)[::-1])[::-1].tolist())
