"""What commands share: the options that name a data set, threads, the model and what runs it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from mpm.data.datasets import READERS, Dataset, FirstOf, held_out_streets, open_dataset
from mpm.devices import pick_device
from mpm.errors import InputError
from mpm.runtimes import NUMBER_FORMATS, RUNTIMES, check_runtime
from mpm.segmenters.segmenter import Segmenter
from mpm.zoo.progress import download_bar


def add_dataset_options(parser: argparse._ActionsContainer) -> None:
    """`--dataset`, `--root`, `--split`, `--count` and `--limit`, which `dataset_of` reads."""
    parser.add_argument("--dataset", choices=(*READERS, "streets"), default="camvid")
    parser.add_argument(
        "--root",
        type=Path,
        help="folder of the data set (all but streets); --dataset folder: with a classes.json of your own",
    )
    parser.add_argument("--split", default="val", help="train or val (all but streets)")
    parser.add_argument("--count", type=int, default=100, help="held-out scenes to draw (streets)")
    parser.add_argument("--limit", type=int, help="only this many images, spread over the split")


def dataset_of(args: argparse.Namespace) -> Dataset:
    """The data set that the options name. Raises InputError where there is none."""
    if args.dataset == "streets":
        dataset: Dataset = held_out_streets(args.count)
    elif args.root is None:
        raise InputError(f"--dataset {args.dataset} needs --root DIR, the folder of the data set")
    else:
        dataset = open_dataset(args.dataset, args.root, args.split)
    return dataset if args.limit is None else FirstOf(dataset, args.limit)


def set_threads(threads: int | None) -> None:
    """Of the CPU; None: PyTorch's choice. Raises InputError for fewer than one."""
    if threads is None:
        return
    if threads < 1:
        raise InputError(f"--threads must be at least 1, but got {threads}")
    torch.set_num_threads(threads)


def add_runtime_options(parser: argparse._ActionsContainer) -> None:
    """`--runtime` and `--number-format`, which `device_of` and `load_model` read."""
    parser.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default="torch",
        help="what runs the blocks; all but torch on the CPU, and installed apart (default: torch)",
    )
    parser.add_argument(
        "--number-format",
        choices=NUMBER_FORMATS,
        help="that the blocks are computed in, where runtime and processor have it (default: float32)",
    )


def device_of(args: argparse.Namespace) -> torch.device:
    """The device of `--device`, with "auto" where the runtime is. Raises InputError for what is not there."""
    check_runtime(args.runtime, args.number_format)
    anywhere = args.device == "auto" and args.runtime != "torch"
    return pick_device("cpu" if anywhere else args.device)


def load_model(
    name: str, device: torch.device, runtime: str = "torch", number_format: str | None = None
) -> Segmenter:
    """A model by its name or folder, with a bar where it is downloaded, and a word where torch stands in."""
    from mpm.zoo.checkpoints import load_segmenter

    with download_bar(name) as show:
        segmenter = load_segmenter(name, device, None, show, runtime, number_format)
    if segmenter.runtime_note:
        print(f"mpm: {segmenter.runtime_note}", file=sys.stderr)
    return segmenter
