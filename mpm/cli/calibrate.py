"""`python -m mpm calibrate`: choose a model's recipes from pictures without labels.

    python -m mpm calibrate --pictures holiday/ --write
    python -m mpm calibrate --model FOLDER --dataset camvid --root DIR --split train --streets 20

    python -m mpm calibrate --only-confidence --root DIR --limit 367 --streets 60 --write

What is chosen goes into the model's configuration: `light`, `fast` and `fastest`, what `adaptive(loss=...)`
goes by, and how sure the model is on pictures of its kind.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mpm.cli.inputs import load_model, set_threads
from mpm.cli.types import Subparsers
from mpm.data.datasets import READERS, FirstOf, open_dataset, training_streets
from mpm.devices import pick_device
from mpm.errors import InputError
from mpm.files import check_target, write_json
from mpm.measure.calibrate import Calibration, calibrate, describe, find_confidence, render
from mpm.measure.compare.pictures import Pictures, Source
from mpm.segmenters.config import SegmenterConfig
from mpm.segmenters.segmenter import Segmenter
from mpm.zoo.checkpoints import config_file, save_config


def add_parser(subparsers: Subparsers) -> None:
    """Adds `calibrate` to the program's commands."""
    parser = subparsers.add_parser(
        "calibrate",
        help="choose a model's light, fast and fastest recipe from pictures without labels",
        description="Nothing is learned and no label is used. Give pictures of every kind that the model is "
        "to see, never those on which it is reported.",
    )
    parser.add_argument("--model", default="streets-vit-tiny", help="registry name or checkpoint folder")
    parser.add_argument("--pictures", type=Path, nargs="+", metavar="PATH", help="image files or folders")
    parser.add_argument("--dataset", choices=tuple(READERS), default="camvid")
    parser.add_argument("--root", type=Path, help="folder of a data set; its labels are not used")
    parser.add_argument("--split", default="train")
    parser.add_argument("--limit", type=int, default=20, help="pictures of each source (default: 20)")
    parser.add_argument("--streets", type=int, default=0, help="synthetic streets of training seeds")
    parser.add_argument(
        "--only-confidence", action="store_true", help="only how sure the model is; the recipes stay"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps or auto (default: cpu)")
    parser.add_argument("--threads", type=int, help="of the CPU (default: PyTorch's choice)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--write", action="store_true", help="into the configuration of the model's folder")
    parser.set_defaults(func=run, keeps_files=lambda args: bool(args.json or args.write))


def run(args: argparse.Namespace) -> int:
    """The command. Raises InputError for bad input."""
    check_target(args.json)
    if args.write:
        config_file(args.model)  # before the work, not after it
    set_threads(args.threads)
    pictures = list(_pictures(args))
    segmenter = load_model(args.model, pick_device(args.device))
    bar = tqdm(pictures, unit="picture", disable=not sys.stderr.isatty(), file=sys.stderr)
    if args.only_confidence:
        return _only_confidence(args, segmenter, bar)
    found = calibrate(segmenter, bar)
    print(render(found))
    if args.json:
        write_json(args.json, asdict(found))
    if args.write:
        print(save_config(args.model, _config(segmenter, found)))
    else:
        print("\nchosen (--write keeps it): " + json.dumps(dict(found.recipes), indent=2))
    return 0


def _only_confidence(args: argparse.Namespace, segmenter: Segmenter, pictures: Iterable[np.ndarray]) -> int:
    found = find_confidence(segmenter, pictures)
    print("this model's masks say nothing of it" if found is None else describe(found))
    if args.json:
        write_json(args.json, {"confidence": None if found is None else asdict(found)})
    if args.write:
        print(save_config(args.model, replace(segmenter.config, confidence=found)))
    return 0


def _config(segmenter: Segmenter, found: Calibration) -> SegmenterConfig:
    recipes = dict(found.recipes)
    return replace(segmenter.config, recipes=recipes, changed=found.changed, confidence=found.confidence)


def _pictures(args: argparse.Namespace) -> Iterator[np.ndarray]:
    sources: list[Source] = []
    if args.pictures:
        sources.append(Pictures(args.pictures, args.limit))
    if args.root is not None:
        sources.append(FirstOf(open_dataset(args.dataset, args.root, args.split), args.limit))
    if args.streets:
        sources.append(training_streets(args.streets))
    if not sources:
        raise InputError("Give --pictures, --root or --streets: there is nothing to calibrate on")
    for source in sources:
        for index in range(len(source)):
            yield source[index][0]
