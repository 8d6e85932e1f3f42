"""Files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from mpm.errors import InputError


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file in one step, so that no reader finds half of it. Raises OSError; nothing is left then."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write indented JSON, whole or not at all; folders are made. Raises InputError where it cannot be."""
    check_target(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps(values, indent=2) + "\n").encode("utf-8"))
    except OSError as error:
        raise InputError(f"cannot write {str(path)!r}: {error.strerror or error}") from error


def check_target(path: Path | None) -> None:
    """Raises InputError when a path cannot be a file's: a command asks before its work, not after it."""
    if path is not None and (not path.name or path.is_dir()):
        raise InputError(f"cannot write {str(path)!r}: give the path of a file, not of a folder")
