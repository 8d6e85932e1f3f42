"""`python -m mpm models`: the models that have a name, and what is known of them.

python -m mpm models
python -m mpm models --download seg-tiny-mask-ade20k
python -m mpm models --download user/model
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from mpm.cli.types import Subparsers
from mpm.errors import InputError
from mpm.zoo import registry
from mpm.zoo.entry import ModelEntry
from mpm.zoo.hub_cache import HubSource, commit_of
from mpm.zoo.progress import download_bar

HEADERS = ("name", "data set", "size", "score", "licence", "source", "at hand")
FOOTNOTE = (
    "~ told from the number of parameters; mIoU and PQ (panoptic quality) as published, single scale\n"
    "USER/MODEL loads a model of the Hugging Face hub: in our own format, or EoMT or DPT in transformers'\n"
    "timm:NAME[+linear][+random] loads any plain timm ViT, with a random decoder"
)


def describe(entry: ModelEntry) -> dict[str, Any]:
    """What is known of a model, as plain values.

    size_bytes  may be an estimate: see `size_is_exact`
    hub         for a model at the Hugging Face hub; its commit is None before the first download
    """
    hub = entry.hub
    return {
        "name": entry.name,
        "title": entry.title,
        "data_set": entry.data_set,
        "format": entry.format,
        "size_bytes": entry.size_bytes,
        "size_is_exact": entry.size_is_exact,
        "parameters_m": entry.parameters_m,
        "mean_iou": entry.mean_iou,
        "panoptic_quality": entry.panoptic_quality,
        "licence": entry.licence,
        "source": entry.source,
        "bundled": entry.bundled,
        "cached": registry.is_cached(entry),
        "hub": {"repo": hub.repo, "revision": hub.revision, "commit": commit_of(hub)} if hub else None,
    }


def table() -> str:
    """All models as text, one a line."""
    rows = [HEADERS, *(_row(describe(entry)) for entry in registry.entries())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _row(known: dict[str, Any]) -> tuple[str, ...]:
    return (
        known["name"],
        known["data_set"],
        _size(known["size_bytes"], known["size_is_exact"]),
        _score(known["mean_iou"], known["panoptic_quality"]),
        known["licence"],
        known["source"],
        "yes" if known["cached"] else "no",
    )


def _score(mean_iou: float | None, panoptic_quality: float | None) -> str:
    if mean_iou is not None:
        return f"{mean_iou:g} % mIoU"
    return "-" if panoptic_quality is None else f"{panoptic_quality:g} PQ"


def _size(size_bytes: int | None, exact: bool) -> str:
    return "-" if size_bytes is None else f"{'' if exact else '~'}{size_bytes / 1e6:,.0f} MB"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `models` to the program's commands."""
    parser = subparsers.add_parser("models", help="the models that have a name; download them")
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    parser.add_argument(
        "--download",
        metavar="NAME",
        action="append",
        help="a name, or USER/MODEL of the Hugging Face hub, as it is there now; may be given again",
    )
    parser.set_defaults(func=run, keeps_files=lambda args: bool(args.download) and not args.json)


def run(args: argparse.Namespace) -> int:
    """The command. Raises InputError for a name that no model has, or where a download fails."""
    for name, found in [(name, _find(name)) for name in args.download or ()]:
        _download(name, found)
    if args.json:
        print(json.dumps([describe(entry) for entry in registry.entries()], indent=2))
    elif not args.download:
        print(f"{table()}\n\n{FOOTNOTE}")
    return 0


def _find(name: str) -> ModelEntry | HubSource:
    from mpm.zoo import hub  # the list needs no client of the hub

    found = registry.find(name) or hub.parse(name)
    if found is None:
        names = ", ".join(one.name for one in registry.entries())
        raise InputError(f"No model has the name {name!r}; there are {names}, and USER/MODEL at the hub")
    return found


def _download(name: str, found: ModelEntry | HubSource) -> None:
    with download_bar(name) as show:
        if isinstance(found, HubSource):
            folder = registry.fetch_from_hub(found, show, update=True)
        else:
            folder = registry.fetch(found, show, update=True)
    print(f"{name} is in {folder}", file=sys.stderr)
