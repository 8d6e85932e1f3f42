"""`python -m mpm COMMAND`: one module a command; bad input is one sentence on stderr and exit status 2."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from mpm.errors import InputError
from mpm.system import check_opencv

COMMANDS = ("segment", "evaluate", "train", "bench")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 2 bad input."""
    try:
        check_opencv()
        args = _parser().parse_args(arguments)
        return args.func(args)
    except InputError as error:
        print(f"mpm: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mpm", description="Mutual Pair Merging, seen and measured."
    )
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"mpm.{name}").add_parser(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
