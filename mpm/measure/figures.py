"""Figures of matplotlib as files."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from mpm.errors import InputError
from mpm.files import check_target, write_whole


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all. The format follows the file's ending; without one it is PNG.

    Raises InputError for a path that cannot be written or an ending that names no format.
    """
    try:
        write_whole(path, lambda file: figure.savefig(file, dpi=150, format=_kind(path)))
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot write the plot to {str(path)!r}: {error}") from error


def check_figure_target(path: Path | None) -> None:
    """Raises InputError where `save_figure` would: a command asks before its work, not after it."""
    check_target(path)
    if path is None:
        return
    known = sorted(Figure().canvas.get_supported_filetypes())
    if _kind(path) not in known:
        raise InputError(f"A plot's file ends in one of {', '.join(known)}, but got {path.name!r}")
    if not path.parent.is_dir():
        raise InputError(f"Cannot write the plot to {str(path)!r}: there is no such folder")


def _kind(path: Path) -> str:
    return path.suffix.removeprefix(".").lower() or "png"
