"""Which class wins where, between the centres of four patches: only classes that can win are interpolated.

Between four centres (a cell) every class map is a bilinear patch, bounded by its corners. A class below
another at all four corners is below it throughout, so few classes are left, and often only one. Shapes: K
classes, S survivors of a cell, H W output pixels, T U pixels of a cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

BLOCK_ELEMENTS = 1 << 17
"""Pixels that are contested at a time: small enough to stay in the processor's cache."""

MAX_SHARE = 0.4
"""Share of class-cell pairs above which interpolating every class whole is faster."""

GENERIC_KERNEL_PX = 128
"""Torch rounds differently where height + width of the output are at most this."""

MAX_CLOSE_PIXELS = 4096
"""Close calls that are settled one by one."""


def labels_by_cells(
    logits: Tensor, size: tuple[int, int], factor: tuple[float, float], kind: torch.dtype
) -> Tensor | None:
    """argmax of bilinearly upsampled logits: (K, rows, cols) -> (H, W) of type `kind`.

    None where this way would not pay: hard maps, and values that are not finite.
    """
    scale = float(logits.abs().max())
    if not math.isfinite(scale):
        return None
    axes = Axis.cut(size[0], factor[0], logits.shape[1]), Axis.cut(size[1], factor[1], logits.shape[2])
    doubt = _rounding(scale, logits.shape[1:], factor)
    points = _points(logits, *axes)
    leader, alive = _survivors(points, doubt)
    if alive.sum() > MAX_SHARE * alive.numel():
        return None
    labels, close = _contest(points, leader, alive, axes, doubt, kind)
    labels = _assemble(labels, *axes)
    y, x = _real_pixels(close, *axes)
    if len(y) > MAX_CLOSE_PIXELS:
        return None
    if len(y):
        classes = _contenders(points, axes, y, x, doubt)
        labels[y, x] = settle(logits, size, factor, y, x, classes).to(kind)
    return labels


@dataclass(frozen=True, eq=False)
class Axis:
    """Output pixels along one axis, cut into cells at the patch centres.

    points  (cells + 1,) input rows that bound the cells; the same row twice at the image's border
    part    (cells, slots) float32 weight of a cell's second row at each of its pixels
    place   (length,) where each pixel lies among all slots
    """

    points: Tensor
    part: Tensor
    place: Tensor

    @property
    def cells(self) -> int:
        return self.part.shape[0]

    @property
    def slots(self) -> int:
        return self.part.shape[1]

    @classmethod
    def cut(cls, length: int, factor: float, rows: int) -> Axis:
        """Pixel y looks at row (y + 0.5) / factor - 0.5, clamped, in float32 as torch does."""
        where = (torch.arange(length, dtype=torch.float32) + 0.5) * float(np.float32(1 / factor)) - 0.5
        below = where.floor().clamp(-1, rows - 1)
        cell = (below + 1).long()
        first, last = int(cell[0]), int(cell[-1])
        cell = cell - first
        count = torch.bincount(cell)
        slot = torch.arange(length) - (count.cumsum(0) - count)[cell]
        # The border's half cell ends where the next begins: at whole factors no slot in between is left over.
        slot += torch.where(cell == 0, count.max() - count[0], 0)
        part = torch.zeros(len(count), int(count.max()), dtype=torch.float32)
        part[cell, slot] = (where - below).clamp(0, 1)
        points = torch.arange(first - 1, last + 1).clamp(0, rows - 1)
        return cls(points, part, cell * part.shape[1] + slot)

    def take(self, tensor: Tensor, dim: int) -> Tensor:
        """Of all slots along a dimension, those that are pixels."""
        first, last = int(self.place[0]), int(self.place[-1])
        if last - first + 1 == len(self.place):
            return tensor.narrow(dim, first, len(self.place))
        return tensor.index_select(dim, self.place)

    def pixel_of(self, slots: Tensor) -> Tensor:
        """Pixel in each slot, -1 for slots left over: any shape of int64 in, the same out."""
        pixel = torch.full((self.cells * self.slots,), -1)
        pixel[self.place] = torch.arange(len(self.place))
        return pixel[slots]


def _rounding(scale: float, grid: Sequence[int], factor: tuple[float, float]) -> float:
    """How far two ways of rounding can put two classes apart, for values up to `scale`."""
    exact = all(math.frexp(one)[0] == 0.5 for one in factor)  # at powers of two, positions are exact
    return scale * 2.0**-23 * (16 if exact else 16 + 4 * sum(grid))


def _points(logits: Tensor, rows: Axis, cols: Axis) -> Tensor:
    """Values at the corners of all cells, classes last: (rows + 1, cols + 1, K)."""
    return logits.permute(1, 2, 0)[rows.points][:, cols.points].contiguous()


def _corners(points: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four corners of every cell, as views: (rows, cols, K) each."""
    return points[:-1, :-1], points[:-1, 1:], points[1:, :-1], points[1:, 1:]


def _survivors(points: Tensor, doubt: float) -> tuple[Tensor, Tensor]:
    """The class whose lowest corner is highest, and who may still win: (rows, cols), (rows, cols, K) bool."""
    upper_left, upper_right, lower_left, lower_right = _corners(points)
    lowest = torch.minimum(torch.minimum(upper_left, upper_right), torch.minimum(lower_left, lower_right))
    leader = lowest.argmax(-1, keepdim=True)
    lead = torch.full_like(lowest, -torch.inf)
    for corner in _corners(points):
        torch.maximum(lead, corner - corner.gather(-1, leader), out=lead)
    # Interpolation is monotone, also after rounding: a later class that is nowhere above the leader cannot
    # win, not even a tie. An earlier class would win a tie, and rounding can make one.
    later = torch.arange(points.shape[-1]) > leader
    return leader.squeeze(-1), lead > later.logical_not() * lead.new_tensor(-doubt)


def _contest(
    points: Tensor, leader: Tensor, alive: Tensor, axes: tuple[Axis, Axis], doubt: float, kind: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Labels of all slots (rows, cols, T, U), and where calls are close: cell and slots (3, n)."""
    rows, cols = axes
    labels = leader.to(kind).reshape(-1, 1, 1).repeat(1, rows.slots, cols.slots)
    survivors = alive.sum(-1).flatten()
    order = survivors.argsort(descending=True)[: int((survivors > 1).sum())]
    pairs = _Pairs.of(points, alive, survivors, kind)
    close = []
    step = max(1, BLOCK_ELEMENTS // (rows.slots * cols.slots))
    for cells in order.split(step) if len(order) else ():
        weights = rows.part[cells // cols.cells], cols.part[cells % cols.cells]
        labels[cells], doubtful = _contest_block(pairs, cells, survivors[cells].tolist(), weights, doubt)
        if doubtful.any():
            cell, slot_y, slot_x = doubtful.nonzero().T
            close.append(torch.stack([cells[cell], slot_y, slot_x]))
    shape = rows.cells, cols.cells, rows.slots, cols.slots
    return labels.view(shape), torch.cat(close, 1) if close else torch.empty(3, 0, dtype=torch.int64)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Surviving class-cell pairs, by cell, then class: class (P,), values (4, P) at the corners.

    start (cells,): the first pair of each cell.
    """

    classes: Tensor
    values: Tensor
    start: Tensor

    @classmethod
    def of(cls, points: Tensor, alive: Tensor, survivors: Tensor, kind: torch.dtype) -> _Pairs:
        row, col, classes = alive.nonzero().T
        width, count = points.shape[1:]
        base = (row * width + col) * count + classes
        offsets = torch.tensor([0, count, width * count, (width + 1) * count])
        values = points.take(base + offsets.unsqueeze(1))
        return cls(classes.to(kind), values, survivors.cumsum(0) - survivors)


def _contest_block(
    pairs: _Pairs, cells: Tensor, survivors: list[int], weights: tuple[Tensor, Tensor], doubt: float
) -> tuple[Tensor, Tensor]:
    """Labels (S, T, U) of some cells, sorted by falling number of survivors, and where two are too close.

    In round k the k-th survivor of every cell that has one meets the best so far.
    """
    first = pairs.start[cells]
    best = _interpolate(pairs.values[:, first], *weights)
    labels = pairs.classes[first].reshape(-1, 1, 1).repeat(1, *best.shape[1:])
    close = torch.zeros_like(best, dtype=torch.bool)
    for number in range(1, survivors[0]):
        size = sum(own > number for own in survivors)
        pair = first[:size] + number
        values = _interpolate(pairs.values[:, pair], weights[0][:size], weights[1][:size])
        ahead = values - best[:size]
        challenger = pairs.classes[pair].reshape(-1, 1, 1)
        torch.where(ahead > 0, challenger, labels[:size], out=labels[:size])
        torch.maximum(best[:size], values, out=best[:size])
        close[:size] |= ahead.abs_() <= doubt
    return labels, close


def _interpolate(values: Tensor, part_y: Tensor, part_x: Tensor) -> Tensor:
    """Corners (4, n) and weights (n, T), (n, U) -> (n, T, U)."""
    upper = torch.lerp(values[0].unsqueeze(1), values[1].unsqueeze(1), part_x).unsqueeze(1)
    lower = torch.lerp(values[2].unsqueeze(1), values[3].unsqueeze(1), part_x).unsqueeze(1)
    return torch.addcmul(upper, lower - upper, part_y.unsqueeze(2))


def _assemble(labels: Tensor, rows: Axis, cols: Axis) -> Tensor:
    """Labels by cell and slot (rows, cols, T, U) -> the image, (H, W)."""
    flat = labels.transpose(1, 2).reshape(rows.cells * rows.slots, cols.cells * cols.slots)
    return cols.take(rows.take(flat, 0), 1).contiguous()


def _real_pixels(close: Tensor, rows: Axis, cols: Axis) -> tuple[Tensor, Tensor]:
    """y and x of close calls (3, n): cell and slots. Slots that are no pixel drop out."""
    cell, slot_y, slot_x = close
    y = rows.pixel_of(cell // cols.cells * rows.slots + slot_y)
    x = cols.pixel_of(cell % cols.cells * cols.slots + slot_x)
    real = (y >= 0) & (x >= 0)
    return y[real], x[real]


def _contenders(points: Tensor, axes: tuple[Axis, Axis], y: Tensor, x: Tensor, doubt: float) -> Tensor:
    """Classes that come within doubt of the best at any of these pixels: (n,), (n,) -> (few,)."""
    rows, cols = axes
    cell_y, slot_y = rows.place[y] // rows.slots, rows.place[y] % rows.slots
    cell_x, slot_x = cols.place[x] // cols.slots, cols.place[x] % cols.slots
    part_y = rows.part[cell_y, slot_y].unsqueeze(1)
    part_x = cols.part[cell_x, slot_x].unsqueeze(1)
    upper = torch.lerp(points[cell_y, cell_x], points[cell_y, cell_x + 1], part_x)
    lower = torch.lerp(points[cell_y + 1, cell_x], points[cell_y + 1, cell_x + 1], part_x)
    values = torch.lerp(upper, lower, part_y)
    near = values >= values.amax(1, keepdim=True) - doubt
    return near.any(0).nonzero().flatten()


def settle(
    logits: Tensor, size: tuple[int, int], factor: tuple[float, float], y: Tensor, x: Tensor, classes: Tensor
) -> Tensor:
    """The best of some classes at some pixels, in torch's own arithmetic: (n,) int64.

    Torch interpolates along x, then along y. Each step alone, at factor 1 along the other axis, rounds
    exactly as both in one do, and the second need only be done for the columns wanted.
    """
    columns, column = x.unique(return_inverse=True)
    rows, values = logits.shape[1], []
    for number in classes.tolist():
        wide = torch_bilinear(logits[number : number + 1], _generic(rows, size[1]), (1.0, factor[1]))
        picked = wide[:, :rows, columns]
        tall = torch_bilinear(picked, _generic(len(columns), size[0])[::-1], (factor[0], 1.0))
        values.append(tall[0, y, column])
    return classes[torch.stack(values).argmax(0)]


def _generic(free: int, fixed: int) -> tuple[int, int]:
    """An output size that torch's kernel for larger outputs takes: `free` may grow."""
    return max(free, GENERIC_KERNEL_PX + 1 - fixed), fixed


def torch_bilinear(maps: Tensor, size: tuple[int, int], factor: tuple[float, float]) -> Tensor:
    """F.interpolate(scale_factor=factor)[..., :H, :W] and little more: (K, rows, cols) -> (K, H, W)."""
    height, width = size
    # Torch copies, whatever the factor, where the output has as many pixels as the input.
    ask = [
        one + (one == cells and by != 1) for one, cells, by in zip(size, maps.shape[1:], factor, strict=True)
    ]
    full = torch.ops.aten.upsample_bilinear2d(maps.unsqueeze(0), ask, False, *factor)[0]
    return full[:, :height, :width]
