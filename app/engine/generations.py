"""What has become stale in a browser tab: one number counts the person's acts there.

Events may overtake each other on their way. So every event brings the number of acts in its tab, the
*generation*, and work asks whether a later act has ended it: another picture or model ("view"), another
recipe ("recipe"), another race or Stop ("race"), a live camera ("camera").
"""

from __future__ import annotations

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from app.engine.scheduler import Claim, Urgency
from mpm.errors import InputError

MAX_TABS = 10_000
MOST_ACTS = 2**53
"""Browsers count no further."""

VIEW, RECIPE, RACE, CAMERA = KINDS = ("view", "recipe", "race", "camera")
BEGUN = "begun"


@dataclass(frozen=True)
class Wish:
    """What a tab wanted when it sent an event.

    tab         names the browser tab
    generation  the person's acts there so far
    picture     digest of the picture, None while the browser does not know it
    model       None: the page's own
    recipe      its text, as the browser spells it
    """

    tab: str
    generation: float
    picture: str | None
    model: str | None
    recipe: str

    @classmethod
    def read(cls, fields: Mapping[str, Any], tab: str) -> Wish:
        """From what a browser sent. Raises InputError for what no browser of ours sends."""
        generation, recipe = fields.get("generation"), fields.get("recipe")
        if not _is_count(generation) or not isinstance(recipe, str):
            raise InputError("The page sent something that cannot be read: please reload it")
        picture, model = (fields.get(name) for name in ("picture", "model"))
        return cls(tab, generation, str(picture) if picture else None, str(model) if model else None, recipe)

    @classmethod
    def parse(cls, text: str | None, tab: str) -> Wish:
        """The same from a JSON text."""
        try:
            fields = json.loads(text or "")
        except ValueError:
            fields = None
        return cls.read(fields if isinstance(fields, dict) else {}, tab)


class Generations:
    """The latest generation of each kind of act in each tab; the longest silent tabs are forgotten first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: OrderedDict[str, dict[str, float]] = OrderedDict()
        self._closed: OrderedDict[str, bool] = OrderedDict()

    def note(self, tab: str, kind: str, generation: float) -> None:
        """An act of that kind happened. Raises KeyError for an unknown kind."""
        with self._lock:
            self._closed.pop(tab, None)
            latest = self._of(tab)
            latest[kind] = max(latest[kind], generation)

    def begins(self, tab: str, generation: float) -> bool:
        """Whether this is the first of its generation, or of a later one, that begins in the tab.

        Clicks that follow each other closely may all read what the last of them wanted.
        """
        with self._lock:
            latest = self._of(tab)
            is_first = generation > latest[BEGUN]
            latest[BEGUN] = max(latest[BEGUN], generation)
            return is_first

    def _of(self, tab: str) -> dict[str, float]:
        latest = self._latest.setdefault(tab, dict.fromkeys((*KINDS, BEGUN), -math.inf))
        self._latest.move_to_end(tab)
        if len(self._latest) > MAX_TABS:
            self._latest.popitem(last=False)
        return latest

    def close(self, tab: str) -> None:
        """The tab is gone, or its connection: what waits for it is over, until something comes from there."""
        with self._lock:
            self._closed[tab] = True
            if len(self._closed) > MAX_TABS:
                self._closed.popitem(last=False)

    def is_over(self, tab: str, generation: float, *kinds: str) -> bool:
        """Whether a later act of one of these kinds has ended what belongs to that generation."""
        with self._lock:
            if tab in self._closed:
                return True
            latest = self._latest.get(tab)
        return latest is not None and any(latest[kind] > generation for kind in kinds)

    def claim(self, wish: Wish, urgency: Urgency, *kinds: str) -> Claim:
        """A claim on the device that ends with acts of these kinds. Whoever asks for something is there."""
        with self._lock:
            self._closed.pop(wish.tab, None)

        def is_wanted() -> bool:
            return not self.is_over(wish.tab, wish.generation, *kinds)

        return Claim(wish.tab, urgency, is_wanted)


def _is_count(value: Any) -> TypeGuard[float]:
    """Whether a browser may have counted so far; NaN has not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= MOST_ACTS


def tab_of(request: Any) -> str:
    """Names the tab that an event came from. request: a gr.Request, or None."""
    return str(request.session_hash) if request else ""
