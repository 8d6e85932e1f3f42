"""Stopping races between two runs, though their messages are further apart."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict

MAX_TABS = 10_000

PRESS_JS = "(...inputs) => [...inputs.slice(0, -1), performance.now()]"
"""Puts the moment of an event, in ms on the tab's own clock, in the place of its last input."""


class Stops:
    """The moment of each browser tab's last Stop.

    A Stop may reach the server before the Start that was pressed ahead of it, or while that one still waits
    in the queue. So races are judged by when they were pressed, on the clock of their own tab.
    The tabs that stopped longest ago are forgotten beyond `MAX_TABS`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moments: OrderedDict[str, float] = OrderedDict()

    def stop(self, tab: str, moment: float | None) -> None:
        """Stop what a tab pressed before the moment: what runs, what waits, and what is still on its way."""
        with self._lock:
            known = self._moments.pop(tab, -math.inf)
            self._moments[tab] = max(known, moment or 0.0)
            if len(self._moments) > MAX_TABS:
                self._moments.popitem(last=False)

    def stopped(self, tab: str, pressed: float | None) -> bool:
        """Whether a race pressed at that moment has been stopped since."""
        with self._lock:
            return (pressed or 0.0) < self._moments.get(tab, -math.inf)
