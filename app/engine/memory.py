"""What is held in memory besides the page's own model: further models, and models in other runtimes."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Any

import psutil
from cachetools import LRUCache

from app.engine.offers import megabytes
from mpm.errors import InputError

MEMORY_BYTES = 4 * 2**30
"""Held at most; on small computers half of their memory."""


class Memory:
    """Things by key, the least recently used forgotten first. Safe for several threads."""

    def __init__(self, limit_bytes: int | None = None) -> None:
        limit = limit_bytes or min(MEMORY_BYTES, psutil.virtual_memory().total // 2)
        self._lock = threading.Lock()
        self._held: LRUCache = LRUCache(limit, getsizeof=lambda held: held[1])

    def find(self, key: Hashable) -> Any:
        """What is held under the key, or None."""
        with self._lock:
            return self._held.get(key, (None, 0))[0]

    def keep(self, key: Hashable, thing: Any, size_bytes: int, name: str) -> None:
        """Hold a thing. Raises InputError as `check`."""
        self.check(size_bytes, name)
        with self._lock:
            self._held[key] = thing, size_bytes

    def check(self, size_bytes: int, name: str) -> None:
        """Raises InputError, with its name, for a thing that is larger than all there is."""
        if size_bytes > self._held.maxsize:
            raise InputError(f"{name} is too large for this computer's memory ({megabytes(size_bytes)})")
