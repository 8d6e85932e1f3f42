"""Ground truth of the pictures that the page drew itself, found again by their pixels."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache

from app.engine.engine import digest
from app.examples import Example

CACHE_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class KnownPicture:
    """A title and exact labels (H, W) uint8."""

    title: str
    truth: np.ndarray


class Truths:
    """Examples stay; streets drawn in the lab are kept as long as there is room. Safe for several threads.

    Whoever sends the same pixels gets the same labels, however the picture came: these are no secrets.
    """

    def __init__(self, examples: list[Example], cache_bytes: int = CACHE_BYTES) -> None:
        self._examples = {
            digest(example.rgb()): KnownPicture(example.title, example.truth()) for example in examples
        }
        self._drawn = LRUCache(cache_bytes, getsizeof=lambda known: known.truth.nbytes)
        self._lock = threading.Lock()

    def remember(self, rgb: np.ndarray, title: str, truth: np.ndarray) -> None:
        """Keep the labels of a picture that was drawn here."""
        with self._lock:
            self._drawn[digest(rgb)] = KnownPicture(title, truth)

    def find(self, rgb: np.ndarray) -> KnownPicture | None:
        """What is known of these pixels."""
        key = digest(rgb)
        with self._lock:
            return self._examples.get(key) or self._drawn.get(key)
