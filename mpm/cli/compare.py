"""`python -m mpm compare`: loss against measured time and against tokens, for many recipes.

    python -m mpm compare --recipes "2,5" "2,5|residual,sizes" --dataset camvid --root DIR --plot c.png
    python -m mpm compare --recipes "2,5" --pictures holiday/

`mpm.measure.compare.compare` is the same as a function; `mpm.measure.compare.results` describes its JSON.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from mpm.cli.inputs import add_dataset_options, dataset_of, load_model, set_threads
from mpm.cli.recipes import RECIPE_HELP, add_rules_option, check_recipes, use_rules
from mpm.cli.types import Subparsers
from mpm.devices import pick_device
from mpm.errors import InputError
from mpm.files import check_target
from mpm.measure.compare.pictures import Pictures, Source
from mpm.measure.compare.plan import EQUAL_AT, EQUAL_OPTIONS, SMALLER_PX
from mpm.measure.compare.plot import save_plot
from mpm.measure.compare.run import compare
from mpm.measure.compare.table import render
from mpm.measure.figures import check_figure_target

STOPPED = 130
"""Exit status of a program that Ctrl-C ended."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds `compare` to the program's commands."""
    parser = subparsers.add_parser(
        "compare",
        help="loss against time and tokens, for many recipes, over a data set",
        description="Every picture goes through every recipe in turn. Stopped with --json FILE, the same "
        "command goes on where it was.",
    )
    parser.add_argument("--model", default="streets-vit-tiny", help="registry name or checkpoint folder")
    parser.add_argument(
        "--recipes",
        nargs="+",
        default=["2,5", "0,2,4,6,8"],
        metavar="RECIPE",
        help=f"{RECIPE_HELP}; the unmerged run always comes first",
    )
    add_rules_option(parser)
    smaller = " ".join(map(str, SMALLER_PX))
    parser.add_argument(
        "--smaller",
        nargs="*",
        type=int,
        metavar="PX",
        help=f"short sides of smaller pictures beside them, none merged (default: {smaller})",
    )
    parser.add_argument("--rounds", type=int, default=1, help="how often each picture is timed (default: 1)")
    _add_data(parser.add_argument_group("pictures"))
    _add_equal(parser.add_argument_group("rules at equal counts"))
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    parser.add_argument("--threads", type=int, help="of the CPU (default: PyTorch's choice)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="results; unfinished ones are gone on with")
    parser.add_argument("--overwrite", action="store_true", help="begin anew, whatever --json FILE holds")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="png, svg or pdf")
    parser.set_defaults(func=run, keeps_files=lambda args: any((args.json, args.plot)))


def _add_data(group: argparse._ArgumentGroup) -> None:
    add_dataset_options(group)
    group.add_argument(
        "--pictures",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="image files or folders, in place of a data set: the unmerged mask stands in for labels",
    )


def _add_equal(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--equal",
        nargs="+",
        metavar="RULE",
        help="which rules (default: those that only choose, and those of the recipes)",
    )
    group.add_argument(
        "--equal-at",
        nargs="+",
        metavar="BLOCKS",
        help=f'at which blocks (default: {" ".join(EQUAL_AT)}); "none" leaves the table out',
    )
    group.add_argument(
        "--equal-options",
        nargs="+",
        default=EQUAL_OPTIONS,
        metavar="OPTIONS",
        help=f"options that all rules have alike (default: {' '.join(EQUAL_OPTIONS)}); copy: none",
    )


def run(args: argparse.Namespace) -> int:
    """The command. Raises InputError for bad input."""
    check_target(args.json)
    check_figure_target(args.plot)
    use_rules(args)
    check_recipes(args.recipes)
    set_threads(args.threads)
    source = _source(args)
    segmenter = load_model(args.model, pick_device(args.device))
    try:
        comparison = compare(
            segmenter,
            source,
            args.recipes,
            smaller=args.smaller,
            equal=args.equal,
            equal_at=args.equal_at,
            equal_options=args.equal_options,
            rounds=args.rounds,
            file=args.json,
            overwrite=args.overwrite,
            progress=_progress,
        )
    except KeyboardInterrupt:
        return _stopped(args.json)
    print(render(comparison))
    if args.plot:
        save_plot(comparison, args.plot)
    return 0


def _source(args: argparse.Namespace) -> Source:
    if not args.pictures:
        return dataset_of(args)
    if args.root is not None:
        raise InputError("Give --pictures or --root, not both")
    return Pictures(args.pictures, args.limit)


def _progress(todo: range) -> Iterable[int]:
    if todo.start:
        print(f"mpm: going on after picture {todo.start} of {todo.stop}", file=sys.stderr)
    return tqdm(
        todo,
        initial=todo.start,
        total=todo.stop,
        unit="picture",
        disable=not sys.stderr.isatty(),
        file=sys.stderr,
    )


def _stopped(file: Path | None) -> int:
    rest = f"; the same command goes on with {str(file)!r}" if file else ""
    print(f"mpm: stopped{rest}", file=sys.stderr)
    return STOPPED
