"""The comparison itself: every picture through every recipe, in turn."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import torch

import mpm
from mpm.errors import InputError
from mpm.measure.compare.picture import all_masks, counted, timed_masks
from mpm.measure.compare.pictures import Source
from mpm.measure.compare.plan import EQUAL_OPTIONS, Plan, contenders_of, equal_groups
from mpm.measure.compare.results import Comparison
from mpm.measure.compare.store import Store
from mpm.measure.compare.tally import Seen, Tally
from mpm.measure.evaluate import check_classes
from mpm.measure.health import Watch
from mpm.measure.machine import machine_record
from mpm.measure.metrics import ConfusionMatrix
from mpm.segmenters.segmenter import Segmenter

WARM_UP = 2
"""Pictures that run once unseen before any is counted; they are run again."""


def compare(
    segmenter: Segmenter,
    dataset: Source,
    recipes: Sequence[Any],
    *,
    smaller: Sequence[int] | None = None,
    equal: Sequence[str] | None = None,
    equal_at: Sequence[str] | None = None,
    equal_options: Sequence[str] = EQUAL_OPTIONS,
    rounds: int = 1,
    file: Path | None = None,
    overwrite: bool = False,
    progress: Callable[[range], Iterable[int]] = iter,
) -> Comparison:
    """Loss, tokens and time of every recipe, and of rules at equal counts, over one data set.

    dataset: as `mpm.data.datasets` has them, or `Pictures` without labels, where the unmerged mask stands in.
    recipes: recipes or their texts. The unmerged baseline comes first, asked for or not.
    smaller: short sides of smaller pictures that nothing merges in; None: 432 and 360, where that is smaller.
    equal: rules to compare at equal counts; None: those that only choose. equal_at: at which blocks; None:
    2 and 5, where the model has them; empty: not at all.
    equal_options: options that all rules have alike; "copy": none.
    rounds: how often each picture takes every recipe; all but the first only for time.
    file: kept up to date; one of the same settings is gone on with, unless it is to be overwritten.
    progress: wraps the numbers of the pictures still to do, for instance in tqdm.
    Raises InputError for bad input, a model of other classes, or a file of another comparison.
    """
    if len(dataset) == 0:
        raise InputError("The data set is empty: there is nothing to compare on")
    if rounds < 1:
        raise InputError(f"The number of rounds must be at least 1, but got {rounds}")
    if dataset.label_set is not None:
        check_classes(segmenter, dataset.label_set)
    contenders = contenders_of(segmenter, recipes, smaller)
    groups = equal_groups(segmenter, contenders, equal, equal_at, equal_options)
    empty = _empty(segmenter, dataset, Plan(contenders, groups), rounds)
    store = Store(file)
    found = _run(segmenter, dataset, empty if overwrite else store.resume(empty), store, progress)
    if found.tallies[0].mean_iou is None:
        raise InputError(f"No pixel of {dataset.name} {dataset.split} has a label to compare with")
    return found


def _run(
    segmenter: Segmenter,
    dataset: Source,
    found: Comparison,
    store: Store,
    progress: Callable[[range], Iterable[int]],
) -> Comparison:
    """From where `found` stands to the last picture. Whatever stops it, the file holds whole pictures."""
    store.save(found, at_once=True)  # a file that cannot be written is told before the work
    earlier, todo = found.warnings, range(found.done, len(dataset))
    if not todo:
        return found
    _warm_up(segmenter, dataset, found, todo)
    watch = Watch(segmenter.device)
    try:
        for number in progress(todo):
            found = found.after(_counts(segmenter, dataset, found, number))
            watch.look()
            store.save(found)
    finally:
        found = replace(found, warnings=tuple(dict.fromkeys([*earlier, *watch.warnings()])))
        store.save(found, at_once=True)
    return found


def _warm_up(segmenter: Segmenter, dataset: Source, found: Comparison, todo: range) -> None:
    for number in todo[:WARM_UP]:
        timed_masks(segmenter, dataset[number][0], found.plan.contenders, 1, number)


def _counts(
    segmenter: Segmenter, dataset: Source, found: Comparison, number: int
) -> list[tuple[Seen, np.ndarray]]:
    image, labels = dataset[number]
    masks = all_masks(segmenter, image, found.plan, found.settings["rounds"], number)
    unmerged = masks[0]
    truth = unmerged.labels if labels is None else labels
    ignored = None if dataset.label_set is None else dataset.label_set.ignore_index
    classes = len(segmenter.class_names)
    return [counted(mask, unmerged, truth, ConfusionMatrix(classes, ignored)) for mask in masks]


def _empty(segmenter: Segmenter, dataset: Source, plan: Plan, rounds: int) -> Comparison:
    settings = {
        "version": mpm.__version__,
        "model": segmenter.config.name,
        "weights": weights_digest(segmenter),
        "dtype": str(segmenter.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "data set": dataset.name,
        "split": dataset.split,
        "pictures": len(dataset),
        "first picture": hashlib.sha256(np.ascontiguousarray(dataset[0][0]).tobytes()).hexdigest()[:16],
        "has_labels": dataset.label_set is not None,
        "recipes": [[one.name, str(one.recipe)] for one in plan.contenders],
        "equal counts": [str(recipe) for recipe in plan.equal_recipes],
        "rounds": rounds,
    }
    created = datetime.now(timezone.utc).isoformat(timespec="seconds")
    tallies = (Tally.empty(len(segmenter.class_names)),) * len(plan)
    return Comparison(plan, settings, machine_record(segmenter.device), created, tallies)


def weights_digest(segmenter: Segmenter) -> str:
    """Sixteen hexadecimal digits that other weights do not have."""
    digest = hashlib.sha256()
    for name, weight in segmenter.state_dict().items():
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
