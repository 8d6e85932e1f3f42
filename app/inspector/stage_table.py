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
    dtype = "i2" if len(stage.index) <= 0x7FFF else "i4"
    reasons = reasons_of(stage)
    offsets = [_offsets(values, dtype) for values in (stage.index, stage.nearest, stage.partner)]
    similarity = np.ascontiguousarray(stage.similarity, "<f4")
    arrays = [*offsets, _byte_planes(similarity), np.asarray(reasons.code, np.uint8)]
    packed = zlib.compress(b"".join(array.tobytes() for array in arrays), 9)
    return {
        "block": int(stage.block),
        "rule": stage.rule,
        "sentences": list(reasons.sentences),
        "tokens": len(stage.index),
        "dtype": dtype,
        "data": base64.b64encode(packed).decode("ascii"),
    }


def _offsets(values: np.ndarray, dtype: str) -> np.ndarray:
    """Tokens as distances from each token's own number: neighbours repeat, so they pack well."""
    values = np.asarray(values, np.int64)
    none = np.iinfo(dtype).min
    return np.where(values < 0, none, values - np.arange(len(values))).astype("<" + dtype)


def _byte_planes(numbers: np.ndarray) -> np.ndarray:
    """The first byte of all numbers, then the second ...: signs and exponents are much alike."""
    return np.ascontiguousarray(numbers.view(np.uint8).reshape(-1, numbers.itemsize).T)
