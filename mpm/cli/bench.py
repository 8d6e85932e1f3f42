"""`python -m mpm bench`: how fast a recipe is, against the unmerged run, its ideal and the usual way.

The JSON that --json writes is described in `mpm.measure.bench.results`; `BenchResult.from_json` reads it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from mpm.cli.recipes import RECIPE_HELP, add_rules_option, check_recipes, use_rules, with_rule
from mpm.cli.types import Subparsers
from mpm.devices import pick_device
from mpm.errors import InputError
from mpm.files import check_target
from mpm.measure.bench.kernels import matcher, tail
from mpm.measure.bench.measure import Extras, contenders, measure
from mpm.measure.bench.plot import save_plot
from mpm.measure.bench.results import BenchResult, Kernel
from mpm.measure.bench.table import render
from mpm.measure.bench.workload import Workload, load_model, picture_batches, street_batches
from mpm.measure.device_card import card_of
from mpm.measure.machine import machine_record
from mpm.merging.recipe import Recipe
from mpm.merging.rule import PAPER_RULE
from mpm.runtimes import NUMBER_FORMATS, RUNTIMES, check_runtime
from mpm.segmenters.segmenter import Segmenter

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "bench",
        help="measure recipes on this device",
        description="Alternating runs, picture to mask; medians, and speed-ups with their 95 % interval.",
    )
    model = parser.add_argument_group("what runs")
    model.add_argument("--model", default="streets-vit-tiny", help="bundled, a checkpoint, or timm's name")
    model.add_argument("--classes", type=_positive, default=150, help="of a timm model (default: 150)")
    model.add_argument(
        "--recipes",
        "--schedules",
        nargs="+",
        default=["2,5", "0,2,4,6,8"],
        metavar="RECIPE",
        help=f"{RECIPE_HELP}; the unmerged run always comes first",
    )
    add_rules_option(parser)
    model.add_argument("--image", type=Path, nargs="+", help="pictures (default: synthetic streets)")
    model.add_argument("--pictures", type=_positive, default=4, help="number of synthetic streets in turn")
    model.add_argument("--resolution", type=_positive, help="short side in pixels (default: the model's own)")
    model.add_argument("--batch", type=_positive, default=1)
    model.add_argument("--encoder-only", action="store_true", help="no decoder, no mask: the ViT alone")
    where = parser.add_argument_group("where and how")
    where.add_argument("--device", default="cpu", help='e.g. cpu, cuda, mps or auto (default: "cpu")')
    where.add_argument("--dtype", choices=sorted(DTYPES), default="float32")
    where.add_argument(
        "--runtimes",
        "--runtime",
        nargs="+",
        default=[],
        metavar="RUNTIME",
        help=f"all recipes in others than torch, too: {', '.join(RUNTIMES[1:])}, each alone or with a number "
        "format, such as openvino:bfloat16; speed-ups are against torch, those under own against themselves",
    )
    where.add_argument("--number-format", choices=NUMBER_FORMATS, help="of runtimes that name none")
    where.add_argument("--threads", type=_positive, help="of the CPU (default: PyTorch's choice)")
    where.add_argument("--runs", type=_positive, default=20)
    where.add_argument("--warmup", type=_positive, default=3)
    rows = parser.add_argument_group("rows")
    rows.add_argument("--window", type=_positive, metavar="RADIUS", help=argparse.SUPPRESS)
    rows.add_argument("--no-extras", action="store_true", help="no ideal, reference or decode-merged rows")
    rows.add_argument("--kernels", action="store_true", help="also the tail and the matcher alone")
    output = parser.add_argument_group("output")
    output.add_argument("--json", type=Path, metavar="FILE")
    output.add_argument("--card", type=Path, metavar="FILE", help="a device card for the page to compare")
    output.add_argument("--plot", type=Path, metavar="FILE", help="png, svg or pdf")
    parser.set_defaults(func=run, keeps_files=lambda args: any((args.json, args.card, args.plot)))


def run(args: argparse.Namespace) -> int:
    if args.threads:
        torch.set_num_threads(args.threads)
    _check_outputs(args)
    use_rules(args)
    check_recipes(args.recipes)
    device, dtype = pick_device(args.device), DTYPES[args.dtype]
    runtimes = _runtimes(args)
    work = _workload(args, device, dtype)
    others = list(_others(work.segmenter, runtimes))
    result = _measured(args, work, _recipes(args, work.segmenter), others)
    print(render(result))
    if args.json:
        result.write(args.json)
    if args.card:
        card_of(result).write(args.card)
    if args.plot:
        save_plot(result, args.plot)
    return 0


def _recipes(args: argparse.Namespace, segmenter: Segmenter) -> list[Recipe]:
    recipes = [segmenter.read_recipe(text) for text in args.recipes]
    if args.window:
        recipes += with_rule(recipes, PAPER_RULE, f"--window {args.window}", window=args.window)
    return recipes


def _runtimes(args: argparse.Namespace) -> list[tuple[str, str]]:
    """Runtimes and their number formats, each once; torch in the type of `--dtype` runs anyway."""
    found = []
    for text in args.runtimes:
        name, colon, number_format = text.partition(":")
        number_format = number_format if colon else args.number_format or "float32"
        check_runtime(name, number_format)
        if (name, number_format) != ("torch", args.dtype):
            found.append((name, number_format))
    return list(dict.fromkeys(found))


def _others(segmenter: Segmenter, runtimes: list[tuple[str, str]]) -> Iterator[Segmenter]:
    """The model in each runtime that takes it."""
    for name, number_format in runtimes:
        other = segmenter.with_runtime(name, number_format)
        if other.runtime_note:
            print(f"mpm: {other.runtime_note}", file=sys.stderr)
        else:
            yield other


def _check_outputs(args: argparse.Namespace) -> None:
    for path in (args.json, args.card, args.plot):
        check_target(path)
    if args.card and args.encoder_only:
        raise InputError("A device card holds whole runs: give --card without --encoder-only")


def _workload(args: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> Workload:
    segmenter, trained = load_model(args.model, device, dtype, args.resolution, args.classes)
    side = args.resolution or segmenter.config.resolution
    if args.image:
        batches = picture_batches(args.image, args.batch)
    else:
        batches = street_batches(args.pictures, args.batch, (side, side))
    return Workload(segmenter, trained, batches, args.resolution, args.encoder_only)


def _measured(
    args: argparse.Namespace, work: Workload, recipes: list[Recipe], others: list[Segmenter]
) -> BenchResult:
    extras = Extras(False, False, False) if args.no_extras else Extras()
    kernels: dict[str, Kernel] = {}
    try:
        rows = measure(work, contenders(work, recipes, extras, others), args.runs, args.warmup, _progress)
        if args.kernels:
            kernels["tail"] = tail(args.classes, work.segmenter.device)
            kernels["matcher"] = matcher(work.segmenter.device)
    except (MemoryError, RuntimeError) as error:
        raise _explained(error, work) from error
    finally:
        _progress("")
    created = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return BenchResult(
        created, machine_record(work.segmenter.device), _settings(args, work), tuple(rows), kernels
    )


def _explained(error: BaseException, work: Workload) -> BaseException:
    """One clear sentence for a lack of memory; any other error as it is."""
    text = str(error).lower()
    if not isinstance(error, MemoryError) and "out of memory" not in text and "allocate memory" not in text:
        return error
    geometry = work.segmenter.preprocess(work.batches[0][0], work.resolution)[1]
    dtype = str(work.segmenter.dtype).removeprefix("torch.")
    return InputError(
        f"Out of memory with batch {work.batch} of {geometry.grid.size} patches each, {dtype}, on "
        f"{work.segmenter.device}: take a smaller --batch or --resolution"
    )


def _settings(args: argparse.Namespace, work: Workload) -> dict[str, Any]:
    picture = work.batches[0][0]
    return {
        "model": work.segmenter.config.name,
        "weights": "trained" if work.trained else "random",
        "classes": len(work.segmenter.class_names),
        "image_wh_px": [picture.shape[1], picture.shape[0]],
        "patches": work.segmenter.preprocess(picture, work.resolution)[1].grid.size,
        "resolution_px": work.resolution,
        "batch": work.batch,
        "dtype": args.dtype,
        "threads": torch.get_num_threads(),
        "runs": args.runs,
        "encoder_only": work.encoder_only,
    }


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"Must be at least 1, but got {number}")
    return number
