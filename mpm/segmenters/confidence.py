"""How sure a model is of a picture's mask, and whether that is less than on pictures of its kind.

The confidence of a mask is the mean over the patch grid of the highest softmax probability (the score of
Hendrycks and Gimpel, ICLR 2017, here over patches). Patches that touch nothing of the picture, as where a
model pads it to a square, are left out. On streets-vit-tiny it told pictures that are no streets from
training streets as well as entropy, energy and the largest logit did, and it can be read as it is: a share.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mpm.errors import InputError

LOW_QUANTILE = 0.05


@dataclass(frozen=True)
class ConfidenceReference:
    """Confidence of unmerged masks on pictures of the model's kind, in [0, 1]: median and 5 % quantile.

    Raises InputError for values that are none.
    """

    median: float
    low: float

    def __post_init__(self) -> None:
        values = (self.low, self.median)
        numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in values)
        if not numbers or not 0 <= self.low <= self.median <= 1:
            raise InputError(
                "A model's confidence has a low and a median with 0 <= low <= median <= 1, "
                f"but got {self.low!r} and {self.median!r}"
            )

    @property
    def threshold(self) -> float:
        """As far below `low` as that is below the median: of normal values one in 2000 lies there."""
        return 2 * self.low - self.median

    @classmethod
    def of(cls, confidences: Iterable[float]) -> ConfidenceReference:
        """From the confidence of each picture. Raises ValueError for none."""
        values = np.fromiter(confidences, np.float64)
        if not len(values):
            raise ValueError("A reference needs at least one confidence, but got none.")
        return cls(round(float(np.median(values)), 4), round(float(np.quantile(values, LOW_QUANTILE)), 4))

    @classmethod
    def from_json(cls, data: Any) -> ConfidenceReference | None:
        """Read {"median": ..., "low": ...}; None stays None. Raises InputError for anything else."""
        if data is None:
            return None
        if not isinstance(data, dict) or set(data) != {"median", "low"}:
            raise InputError(f"A model's confidence must be its median and low, but got {data!r:.80}")
        return cls(data["median"], data["low"])


def mask_confidence(logits: np.ndarray) -> float | None:
    """Mean over the patches of the highest class probability: logits (classes, rows, cols) -> [0, 1].

    None where it says nothing: below two classes, or with logits that are not finite.
    """
    if len(logits) < 2:
        return None
    highest = logits.max(axis=0)
    # max softmax = exp(max) / sum exp = 1 / sum exp(l - max)
    total = np.exp(logits - highest).sum(axis=0)
    mean = float((1 / total).mean(dtype=np.float64))
    return mean if np.isfinite(mean) else None


def is_unsure(confidence: float | None, reference: ConfidenceReference | None) -> bool:
    """Whether a mask is so much less sure than on pictures of the model's kind that it may mean nothing.

    confidence: of the unmerged run, which the reference is about. False where either is not known.
    """
    return confidence is not None and reference is not None and confidence < reference.threshold
