"""`python -m mpm evaluate`: what merging costs in mIoU, over a whole split.

    python -m mpm evaluate --dataset camvid --root DIR --split val --schedule none --schedule 2,5

`evaluate` is the same as a function.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from mpm.datasets import CamVid, FirstOf, held_out_streets
from mpm.devices import pick_device
from mpm.errors import InputError
from mpm.labels import STREETS
from mpm.metrics import ConfusionMatrix
from mpm.pairing import Merger, mutual_pairs, random_pairs
from mpm.schedule import Schedule

MERGERS: dict[str, Merger] = {"mutual": mutual_pairs, "random": random_pairs}


@dataclass(frozen=True)
class ScheduleResult:
    """How one schedule did. Shares are 0 to 1; `class_iou` is None where a class never occurred.

    `relative_drop` is the share of the baseline's mean IoU that was lost (negative: gained).
    """

    schedule: str
    mean_iou: float
    pixel_accuracy: float
    class_iou: tuple[float | None, ...]
    tokens_kept: float
    relative_drop: float


@dataclass(frozen=True)
class Evaluation:
    """Results of all schedules over one data set; the first one is the unmerged baseline."""

    dataset: str
    split: str
    images: int
    class_names: tuple[str, ...]
    results: tuple[ScheduleResult, ...]

    def to_json(self) -> dict:
        return asdict(self)


def evaluate(
    segmenter,
    dataset: Sequence,
    schedules: Iterable[Schedule | str] = ("none",),
    merger: Merger = mutual_pairs,
    resolution: int | None = None,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Evaluation:
    """Segments every image under every schedule and compares with its labels.

    dataset: a sequence of (image (H, W, 3) uint8 RGB, labels (H, W) uint8) such as those of `mpm.datasets`.
    The unmerged baseline always comes first, asked for or not, since every drop is told against it.
    progress: wraps the image indices, for instance in tqdm.
    Raises InputError for an empty data set, a bad schedule, or a model with other classes than the labels.
    """
    wanted = _with_baseline(schedules, segmenter)
    _check(segmenter, dataset)
    tallies = [_Tally(len(STREETS.class_names)) for _ in wanted]
    for index in progress(range(len(dataset))):
        image, labels = dataset[index]
        for schedule, tally in zip(wanted, tallies, strict=True):
            run = segmenter.segment(image, schedule=schedule, resolution=resolution, merger=merger)
            tally.add(run, labels)
    baseline = tallies[0].matrix.mean_iou
    results = tuple(tally.result(schedule, baseline) for schedule, tally in zip(wanted, tallies, strict=True))
    return Evaluation(dataset.name, dataset.split, len(dataset), STREETS.class_names, results)


class _Tally:
    """What is summed over the images for one schedule."""

    def __init__(self, classes: int):
        self.matrix = ConfusionMatrix(classes, STREETS.ignore_index)
        self._kept: list[float] = []

    def add(self, run, labels) -> None:
        self.matrix.add(run.labels, labels)
        counts = run.trace.token_counts
        self._kept.append(counts[-1] / counts[0])

    def result(self, schedule: Schedule, baseline_miou: float) -> ScheduleResult:
        miou = self.matrix.mean_iou
        return ScheduleResult(
            schedule=str(schedule),
            mean_iou=miou,
            pixel_accuracy=self.matrix.pixel_accuracy,
            class_iou=tuple(None if math.isnan(value) else float(value) for value in self.matrix.class_iou),
            tokens_kept=sum(self._kept) / len(self._kept),
            relative_drop=1 - miou / baseline_miou if baseline_miou else 0.0,
        )


def _with_baseline(schedules: Iterable[Schedule | str], segmenter) -> list[Schedule]:
    """Each schedule once, in the order asked for, the baseline first."""
    parsed = [Schedule.parse(schedule).check(segmenter.depth) for schedule in schedules]
    return list(dict.fromkeys([Schedule(), *parsed]))


def _check(segmenter, dataset: Sequence) -> None:
    if len(dataset) == 0:
        raise InputError("the data set is empty: there is nothing to evaluate")
    if tuple(segmenter.class_names) != STREETS.class_names:
        raise InputError(
            f"the data set has the classes {', '.join(STREETS.class_names)}, "
            f"but the model has {', '.join(segmenter.class_names)}"
        )


def table(evaluation: Evaluation) -> str:
    """The results as text, a column a schedule; figures in per cent."""
    results = evaluation.results
    rows = [("schedule", *(result.schedule for result in results))]
    rows += [
        ("mIoU", *(_percent(result.mean_iou) for result in results)),
        ("drop, relative", *(_percent(result.relative_drop) for result in results)),
        ("pixel accuracy", *(_percent(result.pixel_accuracy) for result in results)),
        ("tokens kept", *(_percent(result.tokens_kept) for result in results)),
    ]
    rows += [
        (f"IoU {name}", *(_percent(result.class_iou[index]) for result in results))
        for index, name in enumerate(evaluation.class_names)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_table_line(row, widths) for row in rows)


def _table_line(row: tuple[str, ...], widths: list[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
    return "  ".join((row[0].ljust(widths[0]), *numbers))


def _percent(share: float | None) -> str:
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return "-" if share is None else f"{round(100 * share, 2) + 0.0:.2f} %"


def write_json(path: Path, values: dict) -> None:
    """Writes a JSON file in one step, so that no reader finds half of it. InputError where it cannot be."""
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        os.replace(fresh, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def add_parser(subparsers) -> None:
    """Adds `evaluate` to the program's commands."""
    parser = subparsers.add_parser("evaluate", help="mIoU of a model with and without merging, over a split")
    parser.add_argument("--model", default="streets-vit-tiny", help="registry name or checkpoint folder")
    parser.add_argument("--dataset", choices=("camvid", "streets"), default="camvid")
    parser.add_argument("--root", type=Path, help="folder of the data set (camvid)")
    parser.add_argument("--split", default="val", help="folder inside of the root (camvid)")
    parser.add_argument("--count", type=int, default=100, help="held-out scenes to draw (streets)")
    parser.add_argument(
        "--schedule",
        action="append",
        metavar="BLOCKS",
        help='such as "2,5"; may be given again; the baseline "none" always comes first',
    )
    parser.add_argument("--merger", choices=tuple(MERGERS), default="mutual", help="random: the control")
    parser.add_argument("--resolution", type=int, help="short side in pixels (default: the model's own)")
    parser.add_argument("--limit", type=int, help="only this many images, spread over the split")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """The command. Raises InputError for bad input."""
    from mpm.checkpoints import load_segmenter

    dataset = _open_dataset(args)
    segmenter = load_segmenter(args.model, device=pick_device(args.device))
    evaluation = evaluate(
        segmenter, dataset, args.schedule or ("none", "2,5"), MERGERS[args.merger], args.resolution, _progress
    )
    what = f"{evaluation.dataset}, {evaluation.split}, {evaluation.images} images"
    print(f"{args.model} on {what}, {args.merger} pairs")
    print(table(evaluation))
    if args.json:
        write_json(args.json, {"model": args.model, "merger": args.merger, **evaluation.to_json()})
    return 0


def _open_dataset(args: argparse.Namespace) -> Sequence:
    if args.dataset == "streets":
        dataset: Sequence = held_out_streets(args.count)
    elif args.root is None:
        raise InputError("--dataset camvid needs --root DIR, the folder that holds val/images and val/labels")
    else:
        dataset = CamVid(args.root, args.split)
    return dataset if args.limit is None else FirstOf(dataset, args.limit)


def _progress(items: range) -> Iterable:
    return tqdm(items, unit="image", disable=not sys.stderr.isatty(), file=sys.stderr)
