"""Figures as text in columns."""

from __future__ import annotations

from collections.abc import Sequence


def text_table(lines: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines: the first column to the left, the others to the right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(_padded(line, widths)).rstrip() for line in lines)


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    right = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
    return [line[0].ljust(widths[0]), *right]


def percent(share: float | None, digits: int = 1) -> str:
    """A share as "12.3 %"; "-" where it is not known."""
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return "-" if share is None else f"{round(100 * share, digits) + 0.0:.{digits}f} %"


def count_of(count: int, what: str) -> str:
    """Such as "1 picture" or "3 pictures"."""
    return f"{count} {what}{'' if count == 1 else 's'}"
