"""`python -m mpm evaluate`: what merging costs in mIoU, over a whole split.

    python -m mpm evaluate --dataset camvid --root DIR --split val --schedule none --schedule 2,5
    torchrun --nproc-per-node=4 -m mpm evaluate --model NAME --dataset ade20k --root DIR --mode sliding

`mpm.measure.evaluate.evaluate` is the same as a function.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from mpm.cli.inputs import (
    add_dataset_options,
    add_runtime_options,
    dataset_of,
    device_of,
    load_model,
    set_threads,
)
from mpm.cli.recipes import RECIPE_HELP, add_rules_option, check_recipes, use_rules, with_rule
from mpm.cli.types import Subparsers
from mpm.files import check_target, write_json
from mpm.measure.distributed import Team, join_team
from mpm.measure.evaluate import MODES, evaluate
from mpm.measure.scores import Evaluation, table
from mpm.merging.recipe import Recipe
from mpm.merging.rule import PAPER_RULE
from mpm.segmenters.segmenter import Segmenter

FLOP_IMAGES = 3
"""Images of which operations are counted; they are run once more for it."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds `evaluate` to the program's commands."""
    parser = subparsers.add_parser(
        "evaluate",
        help="mIoU of a model with and without merging, over a split",
        description="Under `torchrun --nproc-per-node=K -m mpm evaluate ...` K processes share the images.",
    )
    parser.add_argument("--model", default="streets-vit-tiny", help="registry name or checkpoint folder")
    add_dataset_options(parser)
    parser.add_argument(
        "--recipe",
        "--schedule",
        dest="recipes",
        action="append",
        help=f"{RECIPE_HELP}; may be given again; the baseline always comes first",
    )
    parser.add_argument("--merger", choices=("mutual", "random"), help=argparse.SUPPRESS)
    parser.add_argument(
        "--mode",
        choices=tuple(MODES),
        default="whole",
        help="sliding: the windows with which the model's figures were published",
    )
    parser.add_argument(
        "--resolution", type=int, help="short side in pixels (whole; default: the model's own)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    parser.add_argument("--threads", type=int, help="CPU threads a process; they may change a rounding")
    add_runtime_options(parser)
    add_rules_option(parser)
    parser.set_defaults(func=run, keeps_files=lambda args: bool(args.json))


def run(args: argparse.Namespace) -> int:
    """The command. Raises InputError for bad input."""
    check_target(args.json)
    use_rules(args)
    with join_team() as crew:
        set_threads(args.threads)
        check_recipes(args.recipes or ())
        dataset = dataset_of(args)
        segmenter = _load(args, crew)
        evaluation = evaluate(
            segmenter,
            dataset,
            _recipes(args, segmenter, crew),
            resolution=args.resolution,
            progress=lambda indices: _progress(indices, crew),
            mode=args.mode,
            team=crew,
            flop_images=FLOP_IMAGES,
        )
        if crew.leads:
            _show(args, evaluation)
    return 0


def _recipes(args: argparse.Namespace, segmenter: Segmenter, crew: Team) -> list[Recipe]:
    recipes = [segmenter.read_recipe(text) for text in args.recipes or ("2,5",)]
    if args.merger in (None, PAPER_RULE):
        return recipes
    return with_rule(recipes, args.merger, f"--merger {args.merger}" if crew.leads else "")


def _load(args: argparse.Namespace, crew: Team) -> Segmenter:
    device = crew.place(device_of(args))
    with crew.lead_first():
        return load_model(args.model, device, args.runtime, args.number_format)


def _progress(indices: range, crew: Team) -> Iterable[int]:
    """A bar over the lead's share, which is as long as any."""
    hidden = not crew.leads or not sys.stderr.isatty()
    many = crew.size > 1 and crew.size  # each step of the lead stands for one of everybody
    return tqdm(indices, unit="image", unit_scale=many, disable=hidden, file=sys.stderr)


def _show(args: argparse.Namespace, evaluation: Evaluation) -> None:
    what = f"{evaluation.dataset}, {evaluation.split}, {evaluation.images} images"
    print(f"{args.model} on {what}; {MODES[args.mode]}{_how(args)}")
    print(table(evaluation))
    if args.json:
        settings = {"model": args.model, "mode": args.mode, "runtime": args.runtime}
        settings["number_format"] = args.number_format or "float32"
        write_json(args.json, {**settings, **evaluation.to_json()})


def _how(args: argparse.Namespace) -> str:
    """What ran it, where that is not torch in float32."""
    asked = [word for word in (args.runtime, args.number_format) if word and word != "float32"]
    return "" if asked == ["torch"] else f"; {' '.join(asked)}"
