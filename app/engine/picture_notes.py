"""What the decoder had to say of a picture (first frame, scaled, on white ...), found again by its pixels.

Gradio decodes an upload before any handler runs and hands over pixels alone, so the notes wait here.
"""

from __future__ import annotations

import threading

import numpy as np
from cachetools import LRUCache

from app.engine.engine import digest

MAX_PICTURES = 4096


class PictureNotes:
    """Sentences by picture, the longest unused forgotten first. Safe for several threads."""

    def __init__(self, max_pictures: int = MAX_PICTURES) -> None:
        self._notes: LRUCache = LRUCache(max_pictures)
        self._lock = threading.Lock()

    def remember(self, rgb: np.ndarray, notes: tuple[str, ...]) -> None:
        """Keep the notes of a picture that was decoded; the same pixels without any have none."""
        with self._lock:
            if notes:
                self._notes[digest(rgb)] = notes
            elif self._notes:
                self._notes.pop(digest(rgb), None)

    def find(self, rgb: np.ndarray) -> tuple[str, ...]:
        """The notes of these pixels."""
        with self._lock:
            return self._notes.get(digest(rgb), ()) if self._notes else ()


NOTES = PictureNotes()
"""Those of this process: uploads write them, whoever tells a person about a picture reads them."""
