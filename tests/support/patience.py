"""Waiting for what another thread does, instead of for a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

PATIENCE_S = 30


def until(holds: Callable[[], bool]) -> None:
    """Return once it holds. AssertionError when it never does."""
    wait = threading.Event()
    for _ in range(PATIENCE_S * 200):
        if holds():
            return
        wait.wait(0.005)
    raise AssertionError("it never happened")
