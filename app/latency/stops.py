"""Stopping a race between two runs, though its messages are further apart."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class StopFlags:
    """The races that run or wait, by browser tab. A tab is remembered only while it has one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flags: dict[str, list[threading.Event]] = {}

    @contextmanager
    def race(self, tab: str) -> Iterator[threading.Event]:
        """The flag of a new race: set once its tab asks to stop."""
        flag = threading.Event()
        with self._lock:
            self._flags.setdefault(tab, []).append(flag)
        try:
            yield flag
        finally:
            with self._lock:
                self._flags[tab].remove(flag)
                if not self._flags[tab]:
                    del self._flags[tab]

    def stop(self, tab: str) -> None:
        """Stop every race of a tab that has begun."""
        with self._lock:
            for flag in self._flags.get(tab, []):
                flag.set()

    def __len__(self) -> int:
        """Tabs that race now."""
        return len(self._flags)
