"""Heads that look at patches side by side: they need the full grid and choose the stride of their scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from mpm.encoders.base import Encoder
from mpm.merging.grid import Grid
from mpm.segmenters.scores import Scores


@dataclass(frozen=True, eq=False)
class Restored:
    """Tokens of B pictures on the full grid, all of one size.

    prefix   (B, P, C) after the encoder's final norm: queries, class, distillation and register tokens
    patches  (B, N, C) after the final norm
    taps     (B, P + N, C) each: what left the blocks that the head named, before any norm
    """

    prefix: Tensor
    patches: Tensor
    grid: Grid
    taps: tuple[Tensor, ...] = ()


class GridHead(nn.Module, ABC):
    """A head over the grid. It cannot decode merged tokens.

    taps  blocks whose output it wants as well
    """

    taps: tuple[int, ...] = ()

    @abstractmethod
    def read(self, restored: Restored) -> Scores:
        """The head's part of a run."""

    def joining(self, encoder: Encoder) -> Encoder:
        """The encoder as this head has it run: with tokens of its own among the encoder's."""
        return encoder
