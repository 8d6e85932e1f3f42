"""`python -m mpm evaluate`: what merging costs in mIoU, over a whole split.

    python -m mpm evaluate --dataset camvid --root DIR --split val --schedule none --schedule 2,5
    torchrun --nproc-per-node=4 -m mpm evaluate --model NAME --dataset ade20k --root DIR --mode sliding

`evaluate` is the same as a function.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from mpm.datasets import READERS, FirstOf, held_out_streets, open_dataset
from mpm.devices import pick_device
from mpm.distributed import ALONE, Team, join_team
from mpm.errors import InputError
from mpm.files import check_target, write_json
from mpm.labels import LabelSet
from mpm.models import download_bar
from mpm.pairing import Merger, mutual_pairs, random_pairs
from mpm.schedule import Schedule
from mpm.scores import Evaluation, ScheduleResult, Tally, table
from mpm.sliding import segment_sliding, sliding_config

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

    dataset: a sequence of (image (H, W, 3) uint8 RGB, labels (H, W) uint8) such as those of `mpm.datasets`.
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


def add_parser(subparsers) -> None:
    """Adds `evaluate` to the program's commands."""
    parser = subparsers.add_parser(
        "evaluate",
        help="mIoU of a model with and without merging, over a split",
        description="Under `torchrun --nproc-per-node=K -m mpm evaluate ...` K processes share the images.",
    )
    parser.add_argument("--model", default="streets-vit-tiny", help="registry name or checkpoint folder")
    parser.add_argument("--dataset", choices=(*READERS, "streets"), default="camvid")
    parser.add_argument("--root", type=Path, help="folder of the data set (all but streets)")
    parser.add_argument("--split", default="val", help="train or val (all but streets)")
    parser.add_argument("--count", type=int, default=100, help="held-out scenes to draw (streets)")
    parser.add_argument(
        "--schedule",
        action="append",
        metavar="BLOCKS",
        help='such as "2,5"; may be given again; the baseline "none" always comes first',
    )
    parser.add_argument("--merger", choices=tuple(MERGERS), default="mutual", help="random: the control")
    parser.add_argument(
        "--mode",
        choices=tuple(MODES),
        default="whole",
        help="sliding: the windows with which the model's figures were published",
    )
    parser.add_argument(
        "--resolution", type=int, help="short side in pixels (whole; default: the model's own)"
    )
    parser.add_argument("--limit", type=int, help="only this many images, spread over the split")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    parser.add_argument("--threads", type=int, help="CPU threads a process; they may change a rounding")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """The command. Raises InputError for bad input."""
    check_target(args.json)
    with join_team() as crew:
        _set_threads(args.threads)
        dataset = _open_dataset(args)
        segmenter = _load(args, crew)
        evaluation = evaluate(
            segmenter,
            dataset,
            args.schedule or ("none", "2,5"),
            MERGERS[args.merger],
            args.resolution,
            lambda indices: _progress(indices, crew),
            args.mode,
            crew,
        )
        if crew.leads:
            _show(args, evaluation)
    return 0


def _set_threads(threads: int | None) -> None:
    if threads is None:
        return
    if threads < 1:
        raise InputError(f"--threads must be at least 1, but got {threads}")
    torch.set_num_threads(threads)


def _open_dataset(args: argparse.Namespace) -> Sequence:
    if args.dataset == "streets":
        dataset: Sequence = held_out_streets(args.count)
    elif args.root is None:
        raise InputError(f"--dataset {args.dataset} needs --root DIR, the folder of the data set")
    else:
        dataset = open_dataset(args.dataset, args.root, args.split)
    return dataset if args.limit is None else FirstOf(dataset, args.limit)


def _load(args: argparse.Namespace, crew: Team):
    from mpm.checkpoints import load_segmenter

    device = crew.place(pick_device(args.device))
    with crew.lead_first(), download_bar(args.model) as show:
        return load_segmenter(args.model, device=device, progress=show)


def _progress(indices: range, crew: Team) -> Iterable:
    """A bar over the lead's share, which is as long as any."""
    hidden = not crew.leads or not sys.stderr.isatty()
    many = crew.size > 1 and crew.size  # each step of the lead stands for one of everybody
    return tqdm(indices, unit="image", unit_scale=many, disable=hidden, file=sys.stderr)


def _show(args: argparse.Namespace, evaluation: Evaluation) -> None:
    what = f"{evaluation.dataset}, {evaluation.split}, {evaluation.images} images"
    print(f"{args.model} on {what}; {MODES[args.mode]}, {args.merger} pairs")
    print(table(evaluation))
    if args.json:
        settings = {"model": args.model, "merger": args.merger, "mode": args.mode}
        write_json(args.json, {**settings, **evaluation.to_json()})
