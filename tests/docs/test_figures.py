"""No figure without its command: what README and docs say was measured can be measured again.

The rule: a section that holds a measured figure (a number of ms, seconds a run, times as fast, per cent,
mIoU, frames a second, MB or GB) also holds a command that prints it, the machine and the date. A number that
nobody measured (a limit, a size of a file, what a paper reports, an example) stands in a section whose
comment <!-- figures: WHY --> says what it is.
"""

from __future__ import annotations

import re

import pytest
from support.documents import DOCUMENTS, Section, command_lines, read, sections

FIGURE = re.compile(
    r"(?<![\w.])\d[\d.,]* ?(?:ms\b|s a run|x(?![\w-])|×|%|FPS\b|frames a second|images/s|[MG]B\b)"
    r"|mIoU of \d"
)
COMMAND = re.compile(r"^(?:python -m mpm|mpm|python tests/|torchrun|--)")
MACHINE = re.compile(r"\b(?:EPYC|Xeon|H100|H200|Raspberry Pi \d)\b")
DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
EXCUSE = re.compile(r"<!-- figures: (\w+(?: [\w,]+)+) -->")


def lacking(section: Section) -> list[str]:
    """Its first figure and what is missing beside it; empty where nothing is, or where there is none."""
    text = section.text
    code = re.sub(r"`[^`]*`", "", re.sub(r"^ {4,}\S.*$", "", text, flags=re.M))
    figures = FIGURE.findall(code)
    if not figures or EXCUSE.search(text):
        return []
    commands = [line for line in command_lines(text) if COMMAND.match(line)]
    missing = {
        "a command": not commands,
        "a machine": not MACHINE.search(text),
        "a date": not DATE.search(text),
    }
    names = [name for name, is_missing in missing.items() if is_missing]
    return [f"{figures[0]}: {', '.join(names)}"] if names else []


SECTIONS = [(path, section) for path in DOCUMENTS for section in sections(read(path))]


@pytest.mark.parametrize(
    "path, section", SECTIONS, ids=[f"{path.name}-{section.title or 'top'}" for path, section in SECTIONS]
)
def test_figures_have_command_machine_and_date(path, section):
    assert lacking(section) == []


GOOD = "On 2026-12-01, two cores of an AMD EPYC, `mpm bench --recipes 2,5` printed 1.3x."


@pytest.mark.parametrize(
    "text, missing",
    [
        ("It is 1.3x as fast.", "a command, a machine, a date"),
        ("A run takes 58 ms.", "a command, a machine, a date"),
        ("| loss | 0.93 % |", "a command, a machine, a date"),
        ("The camera gives 8 frames a second.", "a command, a machine, a date"),
        (GOOD.replace("`mpm bench --recipes 2,5`", "we"), "a command"),
        (GOOD.replace("AMD EPYC", "computer"), "a machine"),
        (GOOD.replace("2026-12-01", "Monday"), "a date"),
        (GOOD.replace("mpm bench", "ls"), "a command"),
        ("<!-- figures: limits -->\nAt most 40 MB.", "a command, a machine, a date"),
    ],
)
def test_a_figure_without_them_is_found(text, missing):
    (found,) = lacking(Section("Bad", 2, text))
    assert found.endswith(f": {missing}")


@pytest.mark.parametrize(
    "text", [GOOD, "<!-- figures: limits that are set -->\nAt most 40 MB.", "Blocks 2 and 5."]
)
def test_what_is_told_passes(text):
    assert lacking(Section("Good", 2, text)) == []
