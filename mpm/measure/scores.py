"""What an evaluation found, and how it is shown."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mpm.data.labels import LabelSet
from mpm.measure.distributed import Team
from mpm.measure.metrics import ConfusionMatrix
from mpm.merging.recipe import Recipe


@dataclass(frozen=True)
class ScheduleResult:
    """How one recipe did. Shares are 0 to 1; a class's figure is None where it never occurred.

    `schedule` is the recipe's text, `relative_drop` the share of the baseline's mean IoU that was lost
    (negative: gained). `class_accuracy` is the share of a class's pixels that were found, as mmsegmentation's
    Acc. `gflops` is a mean over a few images, see `mpm.measure.flops`; None where it was not counted.
    """

    schedule: str
    mean_iou: float
    pixel_accuracy: float
    class_iou: tuple[float | None, ...]
    tokens_kept: float
    relative_drop: float
    mean_class_accuracy: float | None = None
    class_accuracy: tuple[float | None, ...] = ()
    gflops: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """Results of all schedules over one data set; the first one is the unmerged baseline."""

    dataset: str
    split: str
    images: int
    class_names: tuple[str, ...]
    results: tuple[ScheduleResult, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Tally:
    """What is counted over the images for one schedule: pixels, and each image's patch tokens.

    All counts are integers, so that their sums over any split of the images are the same, bit for bit.
    """

    def __init__(self, labels: LabelSet, images: int):
        self.matrix = ConfusionMatrix(len(labels.class_names), labels.ignore_index)
        self._tokens = np.zeros((images, 2), np.int64)  # of each image, at the start and at the end
        self._flops = np.zeros(images, np.int64)  # of the few images for which they are counted

    def add(self, index: int, predicted: np.ndarray, truth: np.ndarray, token_counts: list[int]) -> None:
        """Counts the image of that index: (H, W) classes, (H, W) labels."""
        self.matrix.add(predicted, truth)
        self._tokens[index] = token_counts[0], token_counts[-1]

    def add_flops(self, index: int, flops: int) -> None:
        """Notes what the image of that index took."""
        self._flops[index] = flops

    def gather(self, team: Team) -> None:
        """From the counts of this process' images to those of all."""
        self.matrix.counts = team.sum(self.matrix.counts)
        self._tokens = team.sum(self._tokens)
        self._flops = team.sum(self._flops)

    def result(self, recipe: Recipe, baseline_miou: float) -> ScheduleResult:
        miou = self.matrix.mean_iou
        start, end = self._tokens.T
        counted = self._flops[self._flops > 0]
        return ScheduleResult(
            schedule=str(recipe),
            mean_iou=miou,
            pixel_accuracy=self.matrix.pixel_accuracy,
            class_iou=_known(self.matrix.class_iou),
            tokens_kept=float((end / start).mean()),
            relative_drop=1 - miou / baseline_miou if baseline_miou else 0.0,
            mean_class_accuracy=self.matrix.mean_class_accuracy,
            class_accuracy=_known(self.matrix.class_accuracy),
            gflops=float(counted.mean()) / 1e9 if counted.size else None,
        )


def _known(values: np.ndarray) -> tuple[float | None, ...]:
    return tuple(None if math.isnan(value) else float(value) for value in values)


def table(evaluation: Evaluation) -> str:
    """The results as text, a column a schedule; figures in per cent."""
    results = evaluation.results
    rows = [("schedule", *(result.schedule for result in results))]
    rows += [
        ("mIoU", *(_percent(result.mean_iou) for result in results)),
        ("drop, relative", *(_percent(result.relative_drop) for result in results)),
        ("pixel accuracy", *(_percent(result.pixel_accuracy) for result in results)),
    ]
    if any(result.mean_class_accuracy is not None for result in results):
        rows.append(("mean class accuracy", *(_percent(result.mean_class_accuracy) for result in results)))
    rows.append(("tokens kept", *(_percent(result.tokens_kept) for result in results)))
    if any(result.gflops is not None for result in results):
        rows.append(("GFLOPs an image", *(_number(result.gflops) for result in results)))
    rows += [
        (f"IoU {name}", *(_percent(result.class_iou[index]) for result in results))
        for index, name in enumerate(evaluation.class_names)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_table_line(row, widths) for row in rows)


def _table_line(row: tuple[str, ...], widths: list[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
    return "  ".join((row[0].ljust(widths[0]), *numbers))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _percent(share: float | None) -> str:
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return "-" if share is None else f"{round(100 * share, 2) + 0.0:.2f} %"
