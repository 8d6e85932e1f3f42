"""Files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from mpm.errors import InputError

Content = bytes | Callable[[BinaryIO], object]
"""What stands in a file, or who writes it there."""


def write_whole(path: Path, content: Content) -> Path:
    """Write a file in one step, so that no reader finds half of it. Raises OSError; nothing is left then."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        _write(path, content)  # a pipe or a device: nothing may take its place
    else:
        write_all({path: content})
    return path


def write_all(files: Mapping[Path, Content]) -> list[Path]:
    """Write files of one folder, all whole or none. Raises OSError: older files are then what they were.

    Only a program killed between two renames leaves new files beside old ones.
    """
    paths = list(files)
    # New files grow under short names: those wanted may be as long as the file system takes.
    with tempfile.TemporaryDirectory(prefix=".mpm-", dir=paths[0].parent) as room:
        fresh = [Path(room, f"new{number}") for number in range(len(paths))]
        for place, content in zip(fresh, files.values(), strict=True):
            _write(place, content)
            os.chmod(place, 0o644)
        _rename_all(dict(zip(paths, fresh, strict=True)), Path(room))
    return paths


def _write(path: Path, content: Content) -> None:
    with open(path, "wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            content(file)


def _rename_all(fresh: Mapping[Path, Path], room: Path) -> None:
    """Each new file to its path; where one cannot go, the older files come back."""
    old = {path: _kept(path, room / f"old{number}") for number, path in enumerate(fresh)}
    done = []
    try:
        for path, place in fresh.items():
            os.replace(place, path)
            done.append(path)
    except BaseException:
        for path in done:
            kept = old[path]
            if kept is None:
                path.unlink()
            else:
                os.replace(kept, path)
        raise


def _kept(path: Path, spare: Path) -> Path | None:
    """A second name for a file, or a copy where the file system has no such thing; None: there is no file."""
    try:
        os.link(path, spare, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except (NotImplementedError, OSError):
        shutil.copy2(path, spare, follow_symlinks=False)
    return spare


def write_json(path: Path, values: dict[str, Any], indent: int | None = 2) -> None:
    """Write JSON, whole or not at all; folders are made. Raises InputError where it cannot be."""
    check_target(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps(values, indent=indent) + "\n").encode("utf-8"))
    except OSError as error:
        raise InputError(f"Cannot write {str(path)!r}: {error.strerror or error}") from error


def check_target(path: Path | None) -> None:
    """Raises InputError when a path cannot be a file's: a command asks before its work, not after it."""
    if path is not None and (not path.name or path.is_dir()):
        raise InputError(f"Cannot write {str(path)!r}: give the path of a file, not of a folder")
