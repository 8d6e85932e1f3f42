"""README and docs as tests read them: sections, blocks of code, links, command lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.M)


@dataclass(frozen=True)
class Section:
    """Text under a heading, up to the next one. level: 1 for a document's title."""

    title: str
    level: int
    text: str


@cache
def read(path: Path) -> str:
    """A document, without a host's settings before it."""
    text = path.read_text(encoding="utf-8")
    return text.split("---\n", 2)[2] if text.startswith("---\n") else text


def blocks(text: str, language: str = "python") -> list[str]:
    """Fenced blocks of code in one language."""
    return [code for kind, code in _FENCED.findall(text) if kind == language]


def without_fences(text: str) -> str:
    return _FENCED.sub("", text)


def sections(text: str) -> list[Section]:
    """All of a text's sections, that before the first heading included."""
    text = without_fences(text)
    found = list(_HEADING.finditer(text))
    ends = [one.start() for one in found[1:]] + [len(text)]
    first = Section("", 0, text[: found[0].start()] if found else text)
    rest = (
        (Section(one[2], len(one[1]), text[one.end() : end]) for one, end in zip(found, ends, strict=True))
        if found
        else ()
    )
    return [first, *rest]


def anchor(title: str) -> str:
    """What forges make of a heading."""
    bare = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", title).strip().lower()
    return re.sub(r"[^\w\- ]", "", bare).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    return {anchor(one.title) for one in sections(read(path)) if one.level}


def links(text: str) -> list[str]:
    """Targets of links and pictures."""
    bare = re.sub(r"`[^`\n]*`", "`code`", without_fences(text))
    return re.findall(r"\]\(([^)\s]+)\)", bare) + re.findall(r'(?:src|href)="([^"]+)"', bare)


def command_lines(text: str) -> Iterator[str]:
    """Lines of indented blocks, and code within the text, that start the library's commands or the page."""
    bare = without_fences(text)
    indented = re.findall(r"^ {4,}(\S.*)$", bare, re.M)
    inline = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", bare)]
    for line in (*indented, *inline):
        for part in re.split(r"&&|;", line.replace("\\|", "|")):
            yield part.strip()
