"""The stages of a message's runs, each written once: recipes that begin alike share their first ones."""

from __future__ import annotations

import base64
import zlib

import numpy as np

from mpm.merging.explain import reasons_of


class StageTable:
    """Stages by number, in the order in which they were first seen."""

    def __init__(self) -> None:
        self.entries: list[dict] = []
        self._numbers: dict[tuple, int] = {}

    def number(self, stage) -> int:
        """The number of a `mpm` trace's stage."""
        entry = stage_entry(stage)
        key = (entry["block"], entry["rule"], tuple(entry["sentences"]), entry["data"])
        if key not in self._numbers:
            self._numbers[key] = len(self.entries)
            self.entries.append(entry)
        return self._numbers[key]


def stage_entry(stage) -> dict:
    """A stage as the browser reads it, see `app.inspector.payload`."""
    dtype = "u2" if len(stage.index) < 0xFFFF else "u4"
    reasons = reasons_of(stage)
    # -1 (none) wraps to the largest number of the type.
    indices = [
        np.asarray(values, np.int64).astype("<" + dtype)
        for values in (stage.index, stage.nearest, stage.partner)
    ]
    arrays = [*indices, np.asarray(stage.similarity, "<f4"), np.asarray(reasons.code, np.uint8)]
    packed = zlib.compress(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays), 6)
    return {
        "block": int(stage.block),
        "rule": stage.rule,
        "sentences": list(reasons.sentences),
        "tokens": len(stage.index),
        "dtype": dtype,
        "data": base64.b64encode(packed).decode("ascii"),
    }
