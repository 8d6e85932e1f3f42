"""What merging costs in mIoU, over a whole split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from mpm.data.datasets import Dataset
from mpm.data.labels import LabelSet
from mpm.errors import InputError
from mpm.measure.distributed import ALONE, Team
from mpm.measure.flops import count_flops
from mpm.measure.scores import Evaluation, ScheduleResult, Tally, table
from mpm.merging.recipe import Recipe
from mpm.merging.rule_call import Merger
from mpm.segmenters.segmenter import Segmenter
from mpm.segmenters.sliding import segment_sliding, sliding_config

__all__ = ["MODES", "Evaluation", "ScheduleResult", "evaluate", "table"]

MODES = {"whole": "whole images", "sliding": "sliding windows"}

Predictor = Callable[[np.ndarray, Recipe], tuple[np.ndarray, list[int]]]
"""An RGB image and a recipe -> labels (H, W), patch tokens at the start and after each insertion."""


def evaluate(
    segmenter: Segmenter,
    dataset: Dataset,
    schedules: Iterable[Any] = ("none",),
    merger: Merger | None = None,
    resolution: int | None = None,
    progress: Callable[[range], Iterable[int]] = iter,
    mode: str = "whole",
    team: Team = ALONE,
    flop_images: int = 0,
) -> Evaluation:
    """Segments every image by every recipe and compares with its labels.

    dataset: (image (H, W, 3) uint8 RGB, labels (H, W) uint8) by number, see `mpm.data.datasets`.
    schedules: recipes, schedules or their texts. The unmerged baseline always comes first, asked for or not,
    since every drop is told against it.
    progress: wraps the image indices, for instance in tqdm.
    mode: "whole" images, resized as on the page, or "sliding" windows, as the model's figures were published.
    team: shares the images out; every process gets the result of all, bit for bit that of one process alone.
    flop_images: of so many images, spread over the data set, operations are counted, in runs of their own.
    Raises InputError for a data set without images or labels, a bad recipe, or a model of other classes.
    """
    wanted = _with_baseline(schedules, segmenter, merger)
    labels = _common_labels(segmenter, dataset)
    predict = _predictor(segmenter, mode, resolution)
    tallies = [Tally(labels, len(dataset)) for _ in wanted]
    for index in progress(team.share(len(dataset))):
        team.look()
        image, truth = dataset[index]
        for recipe, tally in zip(wanted, tallies, strict=True):
            predicted, token_counts = predict(image, recipe)
            tally.add(index, predicted, truth, token_counts)
    if flop_images:  # the operations of other runtimes go unseen
        predict = _predictor(segmenter.with_runtime("torch"), mode, resolution)
    for index in sorted({*_spread(flop_images, len(dataset))} & {*team.share(len(dataset))}):
        image, _ = dataset[index]
        for recipe, tally in zip(wanted, tallies, strict=True):
            tally.add_flops(index, count_flops(partial(predict, image, recipe)))
    for tally in tallies:
        tally.gather(team)
    if not tallies[0].matrix.counts.sum():
        raise InputError(f"No pixel of {dataset.name} {dataset.split} has a label to compare with")
    baseline = tallies[0].matrix.mean_iou
    results = tuple(tally.result(recipe, baseline) for recipe, tally in zip(wanted, tallies, strict=True))
    return Evaluation(dataset.name, dataset.split, len(dataset), labels.class_names, results)


def _with_baseline(schedules: Iterable[Any], segmenter: Segmenter, merger: Merger | None) -> list[Recipe]:
    """Each recipe once, in the order asked for, the baseline first."""
    parsed = [segmenter.read_recipe(schedule, merger) for schedule in schedules]
    return list(dict.fromkeys([Recipe(), *parsed]))


def _common_labels(segmenter: Segmenter, dataset: Dataset) -> LabelSet:
    """The data set's classes, which must be the model's."""
    if len(dataset) == 0:
        raise InputError("The data set is empty: there is nothing to evaluate")
    check_classes(segmenter, dataset.label_set)
    return dataset.label_set


def check_classes(segmenter: Segmenter, labels: LabelSet) -> None:
    """Raises InputError where the model's classes are not these, in this order."""
    if tuple(segmenter.class_names) != labels.class_names:
        raise InputError(
            f"The data set has the classes {_listed(labels.class_names)}, "
            f"but the model has {_listed(segmenter.class_names)}"
        )


def _spread(count: int, total: int) -> list[int]:
    """`count` of the indices 0 .. total - 1, spread evenly; all where there are fewer."""
    return np.linspace(0, total - 1, min(count, total)).round().astype(int).tolist()


def _listed(names: Sequence[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _predictor(segmenter: Segmenter, mode: str, resolution: int | None) -> Predictor:
    def whole(image: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, list[int]]:
        run = segmenter.segment(image, recipe, resolution)
        return run.labels, run.trace.token_counts

    def sliding(image: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, list[int]]:
        run = segment_sliding(segmenter, image, recipe)
        return run.labels, run.token_counts

    if mode not in MODES:
        raise InputError(f"The mode must be one of {', '.join(MODES)}, but got {mode!r}")
    if mode == "whole":
        return whole
    if resolution is not None:
        raise InputError("Sliding windows have the resolution that the model was published with: give none")
    sliding_config(segmenter)
    return sliding
