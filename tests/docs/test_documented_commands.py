"""Every command line in README and docs is one that the real parsers take."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
from support.documents import DOCUMENTS, ROOT, command_lines, read

from app.start import parse_arguments
from mpm.__main__ import COMMANDS, _parser

STARTS = re.compile(r"^(?:torchrun \S+ -m mpm|python -m mpm|mpm|python app\.py)(?= |$)")
PLACEHOLDERS = {"M": "1", "N": "1", "…": "", "...": ""}
"""Words that stand for a number or for more; other capital words stand for names and files."""


def words_of(line: str) -> list[str]:
    told = shlex.split(line, comments=True)
    return [PLACEHOLDERS.get(word, word) for word in told if PLACEHOLDERS.get(word, word)]


def problem(line: str) -> str:
    """What a command line's parser says against it; empty where nothing, or where it is no such line."""
    start = STARTS.match(line)
    if start is None:
        return ""
    said = io.StringIO()
    rest = line[start.end() :].replace("COMMAND", "rules")
    try:
        words = words_of(rest)
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            if "app.py" in start[0]:
                parse_arguments(words)
            elif len(words) == 1 and words[0] in COMMANDS:
                return ""  # a command's name within a sentence
            elif words and words != ["rules"]:
                _parser(words).parse_args(words)
    except SystemExit as end:
        return said.getvalue() if end.code else ""
    except ValueError as error:
        return str(error)
    return ""


LINES = [(path, line) for path in DOCUMENTS for line in command_lines(read(path)) if STARTS.match(line)]


def test_there_are_such_lines():
    assert len(LINES) > 40 and {"README.md", "library.md"} <= {path.name for path, _ in LINES}


@pytest.mark.parametrize("path, line", LINES, ids=lambda one: one.name if isinstance(one, Path) else one)
def test_a_command_line_is_taken(path, line):
    assert problem(line) == ""


@pytest.mark.parametrize(
    "line",
    [
        "python -m mpm benchmark --recipes 2,5",
        "mpm bench --recipe-list 2,5",
        "python app.py --no-such-option",
        'mpm segment "photo.jpg',
    ],
)
def test_a_wrong_command_line_is_found(line):
    assert problem(line)


def test_scripts_and_files_that_are_named_are_there():
    named = set()
    for path in DOCUMENTS:
        named |= set(
            re.findall(r"\b(?:tests|mpm|app|assets)/[\w./-]+\.(?:py|js|sh|md|html|png)\b", read(path))
        )
    own = {
        "app/inspector/js/groupsizes.js",
        "mpm/merging/rules/followers.py",
        "tests/merging/test_followers.py",
    }
    promised = {"mpm/zoo/formats/NAME.py", "app/inspector/NAME_message.py", *own}
    assert {name for name in named - promised if not (ROOT / name).is_file()} == set()
