"""`python -m mpm push`: publish a model at the Hugging Face hub, in our own format and with a card.

python -m mpm push FOLDER user/model --private
"""

from __future__ import annotations

import argparse

from mpm.cli.types import Subparsers
from mpm.zoo.publish import push_to_hub


def add_parser(subparsers: Subparsers) -> None:
    """Adds `push` to the program's commands."""
    parser = subparsers.add_parser("push", help="publish a model at the Hugging Face hub")
    parser.add_argument("model", metavar="MODEL", help="a checkpoint folder, or another model's name")
    parser.add_argument("repo", metavar="USER/MODEL", help="made where it does not exist")
    parser.add_argument("--private", action="store_true", help="a new repository is seen by its owner only")
    parser.add_argument("--licence", metavar="ID", help="of the weights, such as cc-by-4.0")
    parser.set_defaults(func=run, keeps_files=lambda args: True)


def run(args: argparse.Namespace) -> int:
    """The command. Raises InputError where the model cannot be published; HF_TOKEN or a login allows it."""
    print(push_to_hub(args.model, args.repo, private=args.private, licence=args.licence))
    return 0
