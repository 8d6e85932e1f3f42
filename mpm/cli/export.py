"""`python -m mpm export`: a model and a recipe as files that run without PyTorch."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from mpm.cli.inputs import load_model
from mpm.cli.recipes import RECIPE_HELP, check_recipes
from mpm.cli.types import Subparsers
from mpm.export.write import FORMATS, export


def add_parser(subparsers: Subparsers) -> None:
    """Adds `export` to the program's commands."""
    parser = subparsers.add_parser(
        "export",
        help="write a model and a recipe as ONNX graphs with a runner that needs no PyTorch",
        description="Writes the graphs, model.json, which says how they are chained, and run.py, which needs "
        "numpy and onnxruntime only: python DIR/run.py picture.jpg.",
    )
    parser.add_argument("--model", default="streets-vit-tiny", help="registry name or checkpoint folder")
    parser.add_argument("--recipe", "--schedule", default="2,5", help=f"{RECIPE_HELP}; mutual pairs only")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="made if it is not there")
    parser.add_argument(
        "--number-format", choices=FORMATS, default="float32", help="of the blocks (default: float32)"
    )
    parser.set_defaults(func=run, keeps_files=lambda _: True)


def run(args: argparse.Namespace) -> int:
    """The command. Raises InputError for bad input."""
    check_recipes([args.recipe])
    segmenter = load_model(args.model, torch.device("cpu"))
    for path in export(segmenter, args.recipe, args.output, args.number_format):
        print(path)
    return 0
