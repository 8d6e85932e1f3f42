"""The file of a comparison: written now and then, gone on with by a later run of the same settings."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from mpm.errors import InputError
from mpm.files import write_json
from mpm.measure.compare.results import SCHEMA, Comparison
from mpm.measure.compare.tally import Tally

SAVE_EVERY_S = 10.0
"""Of work that a power cut may cost. Pictures that take longer are saved one by one."""


class Store:
    """Where a comparison is kept; with no path nowhere."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._saved_at = 0.0

    def resume(self, empty: Comparison) -> Comparison:
        """What the file holds of this comparison; the empty one where there is no file.

        Raises InputError for a file of other settings, and for one that is no comparison.
        """
        if self._path is None or not self._path.exists():
            return empty
        return _continued(_read(self._path), empty, self._path)

    def save(self, comparison: Comparison, at_once: bool = False) -> None:
        """Write the file, unless it was written just now. Raises InputError where it cannot be written."""
        if self._path is None or not (at_once or time.monotonic() - self._saved_at >= SAVE_EVERY_S):
            return
        write_json(self._path, comparison.to_json(), indent=None)
        self._saved_at = time.monotonic()


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"Cannot read {str(path)!r}: {error.strerror}") from error
    except ValueError as error:  # no JSON, or no UTF-8
        raise _foreign(path) from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA or "tallies" not in data:
        raise _foreign(path)
    return data


def _foreign(path: Path) -> InputError:
    return InputError(f"{str(path)!r} is no file of a comparison: give another one, or --overwrite")


def _continued(data: dict[str, Any], empty: Comparison, path: Path) -> Comparison:
    other = _differences(data, empty)
    if other:
        raise InputError(
            f"{str(path)!r} holds a comparison of other settings ({', '.join(other)}): give another file, or "
            "--overwrite"
        )
    try:
        found = replace(
            empty,
            created=str(data["created"]),
            warnings=tuple(map(str, data["warnings"])),
            tallies=tuple(map(Tally.from_json, data["tallies"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _foreign(path) from error
    if not _fits(found, empty):
        raise _foreign(path)
    return found


def _differences(data: dict[str, Any], empty: Comparison) -> list[str]:
    """Names of what is not as it was."""
    found = []
    # Through JSON once, as what the file holds: tuples become lists.
    for own, there in ((empty.settings, data.get("settings")), (empty.machine, data.get("machine"))):
        own, there = json.loads(json.dumps(own)), there if isinstance(there, dict) else {}
        found += [name for name in dict.fromkeys([*own, *there]) if own.get(name) != there.get(name)]
    return found


def _fits(found: Comparison, empty: Comparison) -> bool:
    shapes = {tally.cells.shape for tally in found.tallies} == {empty.tallies[0].cells.shape}
    return (
        shapes and len(found.tallies) == len(empty.tallies) and len({len(t.seen) for t in found.tallies}) == 1
    )
