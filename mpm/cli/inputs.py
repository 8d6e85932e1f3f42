"""What commands over data sets share: the options that name one, the number of threads, the model."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from mpm.data.datasets import READERS, Dataset, FirstOf, held_out_streets, open_dataset
from mpm.errors import InputError
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


def load_model(name: str, device: torch.device) -> Segmenter:
    """A model by its name or folder, with a bar where it is downloaded."""
    from mpm.zoo.checkpoints import load_segmenter

    with download_bar(name) as show:
        return load_segmenter(name, device=device, progress=show)
