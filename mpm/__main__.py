"""`python -m mpm COMMAND`, where it is installed `mpm COMMAND`, too: one module a command.

Bad input is one sentence on stderr and exit status 2.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from mpm.errors import InputError
from mpm.system import check_opencv

# The console script of an installed package imports this module, `python -m` runs it.
PROGRAM = "python -m mpm" if __name__ == "__main__" else "mpm"
COMMANDS = ("segment", "evaluate", "train", "bench", "rules", "models")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 2 bad input."""
    try:
        check_opencv()
        words = list(sys.argv[1:] if arguments is None else arguments)
        args = _parser(words).parse_args(words)
        return args.func(args)
    except InputError as error:
        print(f"mpm: {error}", file=sys.stderr)
        return 2


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Mutual Pair Merging, seen and measured.")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    # One command needs not wait for the imports of all the others.
    for name in COMMANDS if not words or words[0] not in COMMANDS else words[:1]:
        importlib.import_module(f"mpm.cli.{name}").add_parser(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
