"""What merged where: the record of one run over one image, and its queries (NumPy only)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from mpm.merging.explain import reasons_of, sentence_of
from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap
from mpm.merging.rule import PAPER_RULE
from mpm.merging.stage import MergeStage


@dataclass(frozen=True, eq=False)
class MergeTrace:
    """Every insertion of one run over one image.

    >>> import mpm
    >>> from mpm.streets import render_street
    >>> segmenter = mpm.load_segmenter("streets-vit-tiny")
    >>> run = segmenter.segment(render_street(7).image, "2,5", resolution=96)
    >>> trace = run.trace
    >>> trace.token_counts == sorted(trace.token_counts, reverse=True)
    True
    >>> trace.groups(0).shape == (trace.grid.rows, trace.grid.cols)
    True
    >>> [len(set(trace.groups(stage).flat)) for stage in (0, 1, 2)] == trace.token_counts
    True
    >>> trace.why(patch=0, stage=0).split()[0] in ("merged", "not")
    True
    """

    grid: Grid
    stages: tuple[MergeStage, ...] = ()

    @property
    def token_counts(self) -> list[int]:
        """Patch tokens at the start and after each insertion, e.g. [1024, 790, 637]."""
        return [self.grid.size, *(int(stage.index.max()) + 1 for stage in self.stages)]

    def groups(self, stage: int) -> np.ndarray:
        """(rows, cols) int64 after `stage` insertions; a group's name is its smallest patch index.

        Raises IndexError unless 0 <= stage <= number of insertions.

        >>> import mpm
        >>> mpm.MergeTrace(mpm.Grid(rows=2, cols=2, patch_px=16)).groups(0)
        array([[0, 1],
               [2, 3]])
        """
        if not 0 <= stage <= len(self.stages):
            raise IndexError(f"Stage must be 0 to {len(self.stages)}, but got {stage}.")
        token = np.arange(self.grid.size)
        positions = token
        for step in self.stages[:stage]:
            token, positions = step.index[token], step.next_positions()
        return positions[token].reshape(self.grid.rows, self.grid.cols)

    def why(self, patch: int, stage: int) -> str:
        """Why the token of a patch merged or stayed in a 0-based stage: a sentence with places.

        Raises IndexError outside the grid or for a stage that is not there.
        """
        self.grid.row_col(patch)
        step = self.stages[stage]
        token = int(np.flatnonzero(step.position == self.groups(stage).flat[patch])[0])
        return sentence_of(step, token, reasons_of(step), lambda one: self._place(step, one))

    def _place(self, step: MergeStage, token: int) -> str:
        row, col = self.grid.row_col(int(step.position[token]))
        return f"row {row}, column {col}"

    def distances(self, stage: int) -> np.ndarray:
        """Manhattan distance, in patches, between the representatives of each pair of a 0-based stage."""
        step = self.stages[stage]
        first, second = step.position[step.pairs()].T
        rows, cols = np.divmod(np.stack([first, second]), self.grid.cols)
        return np.abs(rows[0] - rows[1]) + np.abs(cols[0] - cols[1])


class TraceBatch(tuple[MergeTrace, ...]):
    """One MergeTrace an image. The trace of a batch of one can be queried directly, like a MergeTrace.

    Of a larger batch such a query raises ValueError.

    >>> import timm
    >>> import torch
    >>> import mpm
    >>> vit = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=2, num_classes=10).eval()
    >>> _, traces = mpm.apply(vit, "1").forward_with_trace(torch.rand(2, 3, 64, 64))
    >>> len(traces), traces[1].token_counts[0]
    (2, 16)
    >>> traces.token_counts
    Traceback (most recent call last):
    ...
    ValueError: ...
    """

    __slots__ = ()

    @property
    def grid(self) -> Grid:
        """The grid of the only image."""
        return self._only().grid

    @property
    def stages(self) -> tuple[MergeStage, ...]:
        """The insertions of the only image."""
        return self._only().stages

    @property
    def token_counts(self) -> list[int]:
        """As `MergeTrace.token_counts`."""
        return self._only().token_counts

    def groups(self, stage: int) -> np.ndarray:
        """As `MergeTrace.groups`."""
        return self._only().groups(stage)

    def distances(self, stage: int) -> np.ndarray:
        """As `MergeTrace.distances`."""
        return self._only().distances(stage)

    def why(self, patch: int, stage: int) -> str:
        """As `MergeTrace.why`."""
        return self._only().why(patch, stage)

    def _only(self) -> MergeTrace:
        if len(self) != 1:
            raise ValueError(f"This batch holds {len(self)} images: index it, as in trace[0].")
        return self[0]


def trace_image(
    grid: Grid, blocks: Sequence[int], maps: Sequence[MergeMap], image: int = 0, rules: Sequence[str] = ()
) -> MergeTrace:
    """The trace of one image of a batch. blocks, maps and rules: one entry an insertion, in order."""
    stages: list[MergeStage] = []
    position = np.arange(grid.size)
    for number, (block, merge_map) in enumerate(zip(blocks, maps, strict=True)):
        rule = rules[number] if rules else PAPER_RULE
        stage = _stage(block, merge_map, image, position, rule)
        stages.append(stage)
        position = stage.next_positions()
    return MergeTrace(grid, tuple(stages))


def _stage(block: int, merge_map: MergeMap, image: int, position: np.ndarray, rule: str) -> MergeStage:
    rows = len(position)

    def row(values: Tensor | None, missing: int | np.float32) -> np.ndarray:
        return np.full(rows, missing) if values is None else values[image, :rows].cpu().numpy()

    index = row(merge_map.index, -1)
    evidence = merge_map.evidence
    joined = merge_map.partner if evidence is None or evidence.joined is None else evidence.joined
    return MergeStage(
        block=block,
        index=index,
        nearest=row(merge_map.nearest, -1),
        partner=_first_of_group(index) if joined is None else row(joined, -1),
        similarity=row(merge_map.similarity, np.float32(np.nan)),
        position=position,
        rule=rule,
        apart=None if merge_map.apart is None else row(merge_map.apart, 0),
    )


def _first_of_group(index: np.ndarray) -> np.ndarray:
    """Where nobody says who joined whom, all join the first of their group: (N,) int64, -1 for that one."""
    _, first = np.unique(index, return_index=True)
    joined = first[index]
    return np.where(joined == np.arange(len(index)), -1, joined)
