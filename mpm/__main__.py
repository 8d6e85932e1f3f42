"""`python -m mpm COMMAND`, where it is installed `mpm COMMAND`, too: one module a command.

Bad input is one sentence on stderr and exit status 2. A closed or full stdout fails no command
whose results are in files.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from mpm.cli.output import Outlet, outlets
from mpm.errors import InputError
from mpm.system import check_opencv, share_cores

# The console script of an installed package imports this module, `python -m` runs it.
PROGRAM = "python -m mpm" if __name__ == "__main__" else "mpm"
COMMANDS = (
    "segment",
    "evaluate",
    "compare",
    "calibrate",
    "train",
    "bench",
    "export",
    "rules",
    "models",
    "card",
    "push",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 2 bad input or an answer that was not printed."""
    share_cores()
    words = list(sys.argv[1:] if arguments is None else arguments)
    with outlets() as out:
        try:
            check_opencv()
            args = _parser(words).parse_args(words)
            return args.func(args) or _status(out, args.keeps_files(args))
        except InputError as error:
            print(f"mpm: {error}", file=sys.stderr)
            return 2
        except SystemExit as end:  # help, or a word that argparse did not know
            if end.code or not out.lost():
                raise
            return _status(out, False)


def _status(out: Outlet, keeps_files: bool) -> int:
    """Of a command that is done: 0 if its results are all in files, or were printed, or nobody reads on."""
    reason = out.lost()
    if reason:
        print(f"mpm: not everything could be printed: {reason}", file=sys.stderr)
    return 2 if reason and not keeps_files else 0


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Mutual Pair Merging, seen and measured.")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    # One command needs not wait for the imports of all the others.
    for name in COMMANDS if not words or words[0] not in COMMANDS else words[:1]:
        importlib.import_module(f"mpm.cli.{name}").add_parser(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
