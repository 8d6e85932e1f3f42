"""`python -m mpm card`: a model's card, as the Hugging Face hub shows one.

python -m mpm card streets-vit-tiny
python -m mpm card FOLDER --repo user/model --licence cc-by-4.0 --output README.md
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mpm.cli.types import Subparsers
from mpm.errors import InputError
from mpm.files import check_target, write_whole
from mpm.zoo.model_card import model_card


def add_parser(subparsers: Subparsers) -> None:
    """Adds `card` to the program's commands."""
    parser = subparsers.add_parser("card", help="write a model's card for the Hugging Face hub")
    parser.add_argument("model", metavar="MODEL", help="a name, a checkpoint folder or USER/MODEL")
    parser.add_argument("--repo", metavar="USER/MODEL", help="where it is to be at the hub")
    parser.add_argument("--licence", metavar="ID", help="of the weights, such as cc-by-4.0")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it here instead of printing it")
    parser.set_defaults(func=run, keeps_files=lambda args: bool(args.output))


def run(args: argparse.Namespace) -> int:
    """The command. Raises InputError where the model cannot be loaded or the file cannot be written."""
    if args.output:
        check_target(args.output)
    text = model_card(args.model, args.repo, args.licence)
    if args.output is None:
        print(text, end="")
        return 0
    try:
        write_whole(args.output, text.encode())
    except OSError as error:
        raise InputError(f"Cannot write {str(args.output)!r}: {error.strerror or error}") from error
    return 0
