"""What is counted of one contender. All but seconds are integers: no order of adding changes a figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mpm.measure.metrics import ConfusionMatrix


@dataclass(frozen=True)
class Seen:
    """One picture through one contender.

    tokens    patch tokens at the start and after each insertion
    equal_px  pixels labelled as the unmerged run labels them, of `pixels`
    seconds   of each round, picture to mask; empty where nothing is timed
    missing   tokens that a rule at equal counts should have removed and did not, over all insertions
    extra     tokens that it removed beyond its count
    """

    tokens: tuple[int, ...]
    equal_px: int
    pixels: int
    seconds: tuple[float, ...] = ()
    missing: int = 0
    extra: int = 0

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "tokens": list(self.tokens), "seconds": list(self.seconds)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Seen:
        """Raises KeyError, TypeError or ValueError for anything that `to_json` did not give."""
        tokens, seconds = tuple(map(int, data["tokens"])), tuple(map(float, data["seconds"]))
        counts = {name: int(data[name]) for name in ("equal_px", "pixels", "missing", "extra")}
        return cls(tokens, seconds=seconds, **counts)


@dataclass(frozen=True, eq=False)
class Tally:
    """Pixels by true and predicted class, (classes, classes) int64, and what was seen of each picture."""

    cells: np.ndarray
    seen: tuple[Seen, ...] = ()

    @classmethod
    def empty(cls, classes: int) -> Tally:
        return cls(np.zeros((classes, classes), np.int64))

    def after(self, seen: Seen, cells: np.ndarray) -> Tally:
        """One picture later."""
        return replace(self, cells=self.cells + cells, seen=(*self.seen, seen))

    @property
    def mean_iou(self) -> float | None:
        """None before a labelled pixel was seen."""
        matrix = ConfusionMatrix(len(self.cells))
        matrix.counts = self.cells
        return matrix.mean_iou if self.cells.any() else None

    @property
    def agreement(self) -> float:
        """Share of all pixels labelled as the unmerged run labels them."""
        return sum(one.equal_px for one in self.seen) / sum(one.pixels for one in self.seen)

    @property
    def seconds(self) -> list[float]:
        """Of each picture, the median of its rounds."""
        return [float(np.median(one.seconds)) for one in self.seen]

    def kept_of(self, baseline: Tally) -> float:
        """Tokens at the end as a share of the unmerged run's: mean over the pictures."""
        pairs = zip(self.seen, baseline.seen, strict=True)
        return float(np.mean([own.tokens[-1] / other.tokens[0] for own, other in pairs]))

    def to_json(self) -> dict[str, Any]:
        return {"confusion": self.cells.tolist(), "pictures": [one.to_json() for one in self.seen]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Tally:
        """Raises KeyError, TypeError or ValueError for anything that `to_json` did not give."""
        cells = np.array(data["confusion"])
        if cells.ndim != 2 or cells.dtype.kind != "i":
            raise ValueError("A confusion matrix holds rows of integers.")
        return cls(cells.astype(np.int64), tuple(map(Seen.from_json, data["pictures"])))
