"""When things happened in a browser tab, on its own clock: events may overtake each other on their way.

A click that comes later may be heard first, and an event may wait in the queue while what it is about has
changed. So every event that starts work brings the moment at which it was made, and work asks whether
anything has happened since that ends it.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import gradio as gr

MAX_TABS = 10_000

MOMENT_JS = "(...inputs) => [...inputs.slice(0, -1), performance.now()]"
"""Puts the moment of an event, in ms on the tab's own clock, in the place of its last input."""


class Moments:
    """The latest moment of something in each tab. Tabs beyond `MAX_TABS` are forgotten, the oldest first.

    None as a moment stands for the beginning of the tab.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: OrderedDict[str, float] = OrderedDict()

    def note(self, tab: str, moment: float | None) -> bool:
        """Remember a moment; whether it is later than all before."""
        moment = moment or 0.0
        with self._lock:
            known = self._latest.pop(tab, -math.inf)
            self._latest[tab] = max(known, moment)
            if len(self._latest) > MAX_TABS:
                self._latest.popitem(last=False)
        return moment > known

    def latest(self, tab: str) -> float:
        """The latest moment, -inf where it has not happened."""
        with self._lock:
            return self._latest.get(tab, -math.inf)

    def since(self, tab: str, moment: float | None) -> bool:
        """Whether it has happened after that moment."""
        return self.latest(tab) > (moment or 0.0)


@dataclass(frozen=True)
class Tabs:
    """What is remembered of the tabs that are open.

    changes   of picture or model: exploring an earlier one ends
    explored  pictures, when the browser sent them: each change is explored once
    stops     Stop, another Start, another picture or model: every earlier race ends
    choices   of a schedule: the automatic race of an earlier one ends
    races     that have begun: each begins once
    models    chosen from the menu: an earlier one that is still being downloaded is not switched to
    """

    changes: Moments = field(default_factory=Moments)
    explored: Moments = field(default_factory=Moments)
    stops: Moments = field(default_factory=Moments)
    choices: Moments = field(default_factory=Moments)
    races: Moments = field(default_factory=Moments)
    models: Moments = field(default_factory=Moments)


def tab_of(request: gr.Request | None) -> str:
    """Names the tab that an event came from."""
    return str(request.session_hash) if request else ""
