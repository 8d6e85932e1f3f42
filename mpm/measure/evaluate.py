"""What merging costs in mIoU, over a whole split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from mpm.data.labels import LabelSet
from mpm.errors import InputError
from mpm.measure.distributed import ALONE, Team
from mpm.measure.scores import Evaluation, ScheduleResult, Tally, table
from mpm.merging.pairing import Merger, mutual_pairs, random_pairs
from mpm.merging.schedule import Schedule
from mpm.segmenters.sliding import segment_sliding, sliding_config

__all__ = ["MERGERS", "MODES", "Evaluation", "ScheduleResult", "evaluate", "table"]

MERGERS: dict[str, Merger] = {"mutual": mutual_pairs, "random": random_pairs}
MODES = {"whole": "whole images", "sliding": "sliding windows"}

Predictor = Callable[[np.ndarray, Schedule], tuple[np.ndarray, list[int]]]
"""An RGB image and a schedule -> labels (H, W), patch tokens at the start and after each insertion."""


def evaluate(
    segmenter,
    dataset: Sequence,
    schedules: Iterable[Schedule | str] = ("none",),
    merger: Merger = mutual_pairs,
    resolution: int | None = None,
    progress: Callable[[Iterable], Iterable] = iter,
    mode: str = "whole",
    team: Team = ALONE,
) -> Evaluation:
    """Segments every image under every schedule and compares with its labels.

    dataset: a sequence of (image (H, W, 3) uint8 RGB, labels (H, W) uint8), see
    `mpm.data.datasets`.
    The unmerged baseline always comes first, asked for or not, since every drop is told against it.
    progress: wraps the image indices, for instance in tqdm.
    mode: "whole" images, resized as on the page, or "sliding" windows, as the model's figures were published.
    team: shares the images out; every process gets the result of all, bit for bit that of one process alone.
    Raises InputError for a data set without images or labels, a bad schedule, or a model of other classes.
    """
    wanted = _with_baseline(schedules, segmenter)
    labels = _common_labels(segmenter, dataset)
    predict = _predictor(segmenter, mode, resolution, merger)
    tallies = [Tally(labels, len(dataset)) for _ in wanted]
    for index in progress(team.share(len(dataset))):
        team.look()
        image, truth = dataset[index]
        for schedule, tally in zip(wanted, tallies, strict=True):
            predicted, token_counts = predict(image, schedule)
            tally.add(index, predicted, truth, token_counts)
    for tally in tallies:
        tally.gather(team)
    if not tallies[0].matrix.counts.sum():
        raise InputError(f"no pixel of {dataset.name} {dataset.split} has a label to compare with")
    baseline = tallies[0].matrix.mean_iou
    results = tuple(tally.result(schedule, baseline) for schedule, tally in zip(wanted, tallies, strict=True))
    return Evaluation(dataset.name, dataset.split, len(dataset), labels.class_names, results)


def _with_baseline(schedules: Iterable[Schedule | str], segmenter) -> list[Schedule]:
    """Each schedule once, in the order asked for, the baseline first."""
    parsed = [Schedule.parse(schedule).check(segmenter.depth) for schedule in schedules]
    return list(dict.fromkeys([Schedule(), *parsed]))


def _common_labels(segmenter, dataset: Sequence) -> LabelSet:
    """The data set's classes, which must be the model's."""
    if len(dataset) == 0:
        raise InputError("the data set is empty: there is nothing to evaluate")
    labels = dataset.label_set
    if tuple(segmenter.class_names) != labels.class_names:
        raise InputError(
            f"the data set has the classes {_listed(labels.class_names)}, "
            f"but the model has {_listed(segmenter.class_names)}"
        )
    return labels


def _listed(names: Sequence[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _predictor(segmenter, mode: str, resolution: int | None, merger: Merger) -> Predictor:
    def whole(image: np.ndarray, schedule: Schedule) -> tuple[np.ndarray, list[int]]:
        run = segmenter.segment(image, schedule=schedule, resolution=resolution, merger=merger)
        return run.labels, run.trace.token_counts

    def sliding(image: np.ndarray, schedule: Schedule) -> tuple[np.ndarray, list[int]]:
        run = segment_sliding(segmenter, image, schedule, merger)
        return run.labels, run.token_counts

    if mode not in MODES:
        raise InputError(f"the mode must be one of {', '.join(MODES)}, but got {mode!r}")
    if mode == "whole":
        return whole
    if resolution is not None:
        raise InputError("sliding windows have the resolution that the model was published with: give none")
    sliding_config(segmenter)
    return sliding
