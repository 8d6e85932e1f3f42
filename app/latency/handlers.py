"""What the latency section's events do: plain methods on plain values, tested without a browser."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

import gradio as gr
import numpy as np

from app.engine.engine import Engine
from app.engine.models import Models
from app.inspector.messages import view_key
from app.inspector.payload import encode_timings
from app.latency.cards import MAX_CARDS, encode_cards
from app.latency.payload import encode_race, encode_stopped, encode_text, verdicts_of
from app.latency.race import Race, run_race
from app.latency.settings import SCOPES, Plan
from app.server.log import watched_run
from app.server.staleness import Tabs, tab_of
from app.server.toasts import bad_input_as_toast
from mpm.errors import InputError
from mpm.measure.machine import device_facts
from mpm.measure.paired import Summary

SEND_EVERY_S = 1.25
"""Shorter runs travel together: each message costs some of the CPU that is measured."""
JUDGE_EVERY_S = 1.0
SPARE = 100
"""A verdict is drawn up again only after this many times the time that the last one took."""
NO_PICTURE = "Pick an example or drop in a photo, and it is timed here."
WAITING_FOR_MODEL = "The model is being loaded; measuring starts in a moment."
WAITING_FOR_TURN = (
    "Waiting for the model: one piece of work runs at a time, so that none spoils another’s times."
)
AUTO_ROUNDS, AUTO_DEADLINE_S = 9, 12.0


class LatencyHandlers:
    """Event handlers over the page's models.

    pressed: the moment of the event in ms on the tab's own clock (see `app.server.staleness`).
    """

    def __init__(self, models: Models, tabs: Tabs | None = None) -> None:
        self.models = models
        self.tabs = tabs or Tabs()
        self._numbers = itertools.count(1)

    def announce(
        self,
        rgb: np.ndarray | None,
        model: str | None = None,
        pressed: float | None = None,
        request: gr.Request | None = None,
    ) -> tuple[str, float | None]:
        """Start was pressed: (what is shown until the first run, the moment). Earlier races of the tab end.

        Runs outside the queue, so that it acts at once.
        """
        self.tabs.stops.note(tab_of(request), pressed)
        if rgb is None:
            return encode_text(NO_PICTURE, pressed), pressed
        with bad_input_as_toast():
            loaded = self.models.engine(model).wait(0)
        return encode_text(WAITING_FOR_TURN if loaded else WAITING_FOR_MODEL, pressed), pressed

    def race(
        self,
        rgb: np.ndarray | None,
        chosen: str,
        model: str | None = None,
        pressed: float | None = None,
        request: gr.Request | None = None,
    ) -> Iterator[tuple]:
        """The short race that follows every picture and schedule: (latency message, inspector message)."""
        tab = tab_of(request)
        settings = (chosen, (), SCOPES[0], AUTO_ROUNDS, AUTO_DEADLINE_S)

        def over() -> bool:
            return self.tabs.stops.since(tab, pressed) or self.tabs.choices.since(tab, pressed)

        yield from self._race(rgb, settings, model, pressed, tab, over)

    def start(
        self,
        rgb: np.ndarray | None,
        chosen: str,
        schedules: Sequence[str],
        scope: str,
        rounds: float | None,
        deadline_s: float | None,
        model: str | None = None,
        pressed: float | None = None,
        request: gr.Request | None = None,
    ) -> Iterator[tuple]:
        """A race as its controls say, run by run: (latency message, inspector message)."""
        tab = tab_of(request)
        settings = (chosen, schedules, scope, rounds, deadline_s)
        yield from self._race(rgb, settings, model, pressed, tab, lambda: self.tabs.stops.since(tab, pressed))

    def _race(
        self,
        rgb: np.ndarray | None,
        settings: tuple,
        model: str | None,
        pressed: float | None,
        tab: str,
        over: Callable[[], bool],
    ) -> Iterator[tuple]:
        if over() or (pressed is not None and not self.tabs.races.note(tab, pressed)):
            yield gr.skip(), gr.skip()  # without any output, Gradio would blank them
            return
        if rgb is None:
            yield encode_text(NO_PICTURE, pressed), gr.skip()
            return
        try:
            engine = self.models.engine(model)
            if not engine.wait(0):
                yield encode_text(WAITING_FOR_MODEL, pressed), gr.skip()
            plan = Plan.read(*settings, engine.read_recipe)
            yield from _messages(engine, rgb, plan, _Sender(f"race {next(self._numbers)}", pressed), over)
        except InputError as error:
            yield encode_text(f"This cannot be measured: {error}.", pressed), gr.skip()
            with bad_input_as_toast():
                raise

    def stopped(self, pressed: float | None = None, request: gr.Request | None = None) -> str:
        """The race was stopped by hand: no run of it begins any more."""
        self.tabs.stops.note(tab_of(request), pressed)
        return encode_stopped(pressed)

    def cards(self, event: gr.EventData) -> str:
        """Device cards that the browser read from files: the good ones, and a sentence for each other one."""
        files = event.files if isinstance(event.files, list) else []
        return encode_cards(files[:MAX_CARDS])


def _messages(
    engine: Engine, rgb: np.ndarray, plan: Plan, sender: _Sender, over: Callable[[], bool]
) -> Iterator[tuple]:
    facts = _Facts(engine)
    with watched_run("race", engine.name, " ".join(plan.schedules), (rgb.shape[1], rgb.shape[0])):
        for race in run_race(engine, rgb, plan):
            if over():
                yield gr.skip(), gr.skip()  # Gradio repeats the last outputs at the end
                return
            message = sender.message(race, facts)
            if message:
                done = race.state == "done" and plan.scope == SCOPES[0]
                timings = encode_timings(view_key(engine, rgb), medians(race)) if done else gr.skip()
                yield message, timings


class _Facts:
    """The device's facts, put together anew only when the conditions were looked at again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: object = self
        self._facts: list[tuple[str, str]] = []

    def at(self, race: Race) -> list[tuple[str, str]]:
        if race.conditions is not self._seen:
            self._seen = race.conditions
            self._facts = device_facts(self._engine.segmenter, race.conditions)
        return self._facts


class _Sender:
    """Decides which moments of a race are worth a message, and how often its verdict is worth its price."""

    def __init__(self, key: str, pressed: float | None) -> None:
        self._key, self._pressed = key, pressed
        self._sent = self._next_verdict = -1e9
        self._verdicts: dict = {}
        self._state = ""

    def message(self, race: Race, facts: _Facts) -> str | None:
        """The message to send now, or None."""
        now = time.monotonic()
        if race.state == self._state and now - self._sent < SEND_EVERY_S:
            return None
        if race.state == "done" or now > self._next_verdict:
            self._verdicts = verdicts_of(race)
            self._next_verdict = now + max(JUDGE_EVERY_S, SPARE * (time.monotonic() - now))
        self._sent, self._state = now, race.state
        return encode_race(race, self._key, facts.at(race), self._verdicts, self._pressed)


def medians(race: Race) -> dict[str, dict]:
    """Measured medians in the inspector's terms."""
    return {
        name: {"median_ms": 1000 * Summary.of(seconds).median, "estimated": False}
        for name, seconds in race.seconds.items()
        if seconds
    }
