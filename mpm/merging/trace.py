"""What merged where: the record of one run over one image, and its queries (NumPy only)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap


@dataclass(frozen=True, eq=False)
class MergeStage:
    """One insertion. All arrays are over this stage's input tokens, in raster order.

    block       encoder block on whose input the merge happened
    index       int64: input token -> merged token
    nearest     int64: b(i), the most similar other token
    partner     int64: the token it paired with, -1 for none
    similarity  float32: cosine similarity to `nearest`
    position    int64: patch index of the token's representative (the smallest patch of its group)
    """

    block: int
    index: np.ndarray
    nearest: np.ndarray
    partner: np.ndarray
    similarity: np.ndarray
    position: np.ndarray

    def pairs(self) -> np.ndarray:
        """(P, 2) int64: the two tokens of every pair, smaller index first."""
        first = np.flatnonzero(self.partner > np.arange(len(self.partner)))
        return np.stack([first, self.partner[first]], axis=1)

    def next_positions(self) -> np.ndarray:
        """Patch index of each merged token's representative."""
        merged = np.full(int(self.index.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(merged, self.index, self.position)
        return merged


@dataclass(frozen=True, eq=False)
class MergeTrace:
    """Every insertion of one run over one image."""

    grid: Grid
    stages: tuple[MergeStage, ...] = ()

    @property
    def token_counts(self) -> list[int]:
        """Patch tokens at the start and after each insertion, e.g. [1024, 790, 637]."""
        return [self.grid.size, *(int(stage.index.max()) + 1 for stage in self.stages)]

    def groups(self, stage: int) -> np.ndarray:
        """(rows, cols) int64 after `stage` insertions; a group's name is its smallest patch index.

        Raises IndexError unless 0 <= stage <= number of insertions.
        """
        if not 0 <= stage <= len(self.stages):
            raise IndexError(f"stage must be 0 to {len(self.stages)}, but got {stage}")
        token = np.arange(self.grid.size)
        positions = token
        for step in self.stages[:stage]:
            token, positions = step.index[token], step.next_positions()
        return positions[token].reshape(self.grid.rows, self.grid.cols)

    def distances(self, stage: int) -> np.ndarray:
        """Manhattan distance, in patches, between the representatives of each pair of a 0-based stage."""
        step = self.stages[stage]
        first, second = step.position[step.pairs()].T
        rows, cols = np.divmod(np.stack([first, second]), self.grid.cols)
        return np.abs(rows[0] - rows[1]) + np.abs(cols[0] - cols[1])


class TraceBatch(tuple[MergeTrace, ...]):
    """One MergeTrace an image. The trace of a batch of one can be queried directly, like a MergeTrace."""

    __slots__ = ()

    @property
    def grid(self) -> Grid:
        return self._only().grid

    @property
    def stages(self) -> tuple[MergeStage, ...]:
        return self._only().stages

    @property
    def token_counts(self) -> list[int]:
        return self._only().token_counts

    def groups(self, stage: int) -> np.ndarray:
        return self._only().groups(stage)

    def distances(self, stage: int) -> np.ndarray:
        return self._only().distances(stage)

    def _only(self) -> MergeTrace:
        if len(self) != 1:
            raise ValueError(f"this batch holds {len(self)} images: index it, as in trace[0]")
        return self[0]


def trace_image(grid: Grid, blocks: Sequence[int], maps: Sequence[MergeMap], image: int = 0) -> MergeTrace:
    """The trace of one image of a batch. blocks and maps: one entry an insertion, in order."""
    stages: list[MergeStage] = []
    position = np.arange(grid.size)
    for block, merge_map in zip(blocks, maps, strict=True):
        stage = _stage(block, merge_map, image, position)
        stages.append(stage)
        position = stage.next_positions()
    return MergeTrace(grid, tuple(stages))


def _stage(block: int, merge_map: MergeMap, image: int, position: np.ndarray) -> MergeStage:
    rows = len(position)

    def row(values, missing):
        return np.full(rows, missing) if values is None else values[image, :rows].cpu().numpy()

    # A custom merger need not say who was nearest: then nobody was looked at.
    return MergeStage(
        block=block,
        index=row(merge_map.index, -1),
        nearest=row(merge_map.nearest, -1),
        partner=row(merge_map.partner, -1),
        similarity=row(merge_map.similarity, np.float32(np.nan)),
        position=position,
    )
