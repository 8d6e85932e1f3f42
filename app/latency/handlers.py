"""What the latency section's events do: plain methods on plain values, tested without a browser."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from app.engine.engine import Engine
from app.engine.events import LONGEST_RECIPE, answered, read_event, read_wish
from app.engine.generations import RACE, RECIPE, VIEW, Generations, Wish
from app.engine.models import Models
from app.engine.pictures import Picture, Pictures
from app.engine.scheduler import Claim, Urgency
from app.engine.twins import built_quickly
from app.engine.zerogpu import on_zerogpu
from app.errors import Overtaken
from app.latency.cards import MAX_CARDS, encode_cards
from app.latency.own_card import own_card
from app.latency.payload import Heading, encode_race, encode_stopped, encode_text, verdicts_of
from app.latency.race import Race, run_race
from app.latency.settings import MAX_RIVALS, SCOPES, SETTLED_AT, Plan
from app.server.log import watched_run
from app.server.toasts import bad_input_as_toast, sentence_of
from mpm.errors import InputError
from mpm.measure.machine import device_facts, device_line

SEND_EVERY_S = 0.6
"""Shorter runs travel together: each message costs some of the CPU that is measured."""
JUDGE_EVERY_S = 1.0
SPARE = 100
"""A verdict is drawn up again only after this many times the time that the last one took."""
NO_PICTURE = "Pick an example or drop in a photo, and it is timed here."
WAITING_FOR_MODEL = "The model is being loaded; measuring starts in a moment."
WAITING_FOR_TURN = "Waiting for the device: timed runs have it to themselves."
AUTO_ROUNDS, AUTO_DEADLINE_S = 21, 12.0
METHODS_ROUNDS, METHODS_DEADLINE_S = 9, 60.0

Settings = tuple[str, Sequence[str], str, float | None, float | None, str | None]
"""Of a race: recipe, others, scope, rounds, deadline in seconds, the text of another runtime."""


class LatencyHandlers:
    """Event handlers over the page's models. Wishes: see `app.engine.generations`."""

    def __init__(self, models: Models, pictures: Pictures, generations: Generations | None = None) -> None:
        self.models = models
        self.pictures = pictures
        self.generations = generations or Generations()
        self._numbers = itertools.count(1)

    def runtimes(self) -> list[tuple[str, str]] | None:
        """Title and text of the runtimes that the page's own model can race in besides its own.

        Empty where nothing but PyTorch is installed; None where there is no choice: the others are for CPUs.
        Waits for the model.
        """
        try:
            segmenter = self.models.own.segmenter
        except InputError:
            return None
        if segmenter.device.type != "cpu" or str(segmenter.dtype) != "torch.float32" or on_zerogpu():
            return None
        found = built_quickly()
        if all(one.name == "torch" for one in found):
            return []
        return [(one.title, one.text) for one in found if one.text != segmenter.runtime]

    def announce(self, wish: str, request: gr.Request | None = None) -> str:
        """Start was pressed: what is shown until the first run. Earlier races of the tab end at once."""
        wanted = read_wish(wish, request)
        with bad_input_as_toast():
            loaded = self.models.engine(wanted.model).wait(0)
        self.generations.note(wanted.tab, RACE, wanted.generation)
        return encode_text(WAITING_FOR_TURN if loaded else WAITING_FOR_MODEL, wanted.generation)

    def race(self, event: gr.EventData, request: gr.Request | None = None) -> Iterator[str]:
        """The short race that follows every picture and recipe; it ends as soon as it knows enough.

        Field `rivals`, a list of recipes: these race as well, because somebody asked for it.
        """
        wish, fields = read_event(event, request)
        if "rivals" not in fields:
            settings: Settings = (wish.recipe, (), SCOPES[0], AUTO_ROUNDS, AUTO_DEADLINE_S, None)
            yield from self._race(wish, settings, (VIEW, RECIPE, RACE), by_hand=False)
            return
        with bad_input_as_toast():
            rivals = read_rivals(fields["rivals"])
        self.generations.note(wish.tab, RACE, wish.generation)
        settings = (wish.recipe, rivals, SCOPES[0], METHODS_ROUNDS, METHODS_DEADLINE_S, None)
        yield from self._race(wish, settings, (VIEW, RACE), by_hand=True)

    def start(
        self,
        schedules: Sequence[str],
        scope: str,
        rounds: float | None,
        deadline_s: float | None,
        runtime: str | None,
        wish: str,
        request: gr.Request | None = None,
    ) -> Iterator[str]:
        """A race as its controls say, run by run. runtime: the text of another one, or nothing."""
        wanted = read_wish(wish, request)
        if not self.generations.begins(wanted.tab, wanted.generation):
            yield gr.skip()
            return
        settings = (wanted.recipe, schedules, scope, rounds, deadline_s, runtime)
        yield from self._race(wanted, settings, (VIEW, RACE), by_hand=True)

    def stopped(self, wish: str, request: gr.Request | None = None) -> str:
        """The race was stopped by hand: no run of it begins any more."""
        wanted = read_wish(wish, request)
        self.generations.note(wanted.tab, RACE, wanted.generation)
        return encode_stopped(wanted.generation)

    def cards(self, event: gr.EventData) -> str:
        """Device cards that the browser read from files: the good ones, and a sentence for each other one."""
        files = event.files if isinstance(event.files, list) else []
        return encode_cards(files[:MAX_CARDS])

    def _race(self, wish: Wish, settings: Settings, kinds: tuple[str, ...], by_hand: bool) -> Iterator[str]:
        raced = self._raced(wish, settings, kinds, by_hand)
        return answered("race", raced, lambda sentence: encode_text(sentence, wish.generation))

    def _raced(self, wish: Wish, settings: Settings, kinds: tuple[str, ...], by_hand: bool) -> Iterator[str]:
        if wish.picture is None:
            yield encode_text(NO_PICTURE, wish.generation)
            return
        try:
            engine, picture = self.models.engine(wish.model), self.pictures.find(wish.picture)
            if not engine.wait(0):
                yield encode_text(WAITING_FOR_MODEL, wish.generation)
            recipe, others, scope, rounds, deadline_s, runtime = settings
            plan = Plan.read(recipe, others, scope, rounds, deadline_s, engine.read_recipe, runtime)
            plan = plan if by_hand else replace(plan, settled_at=SETTLED_AT)
            number = f"race {next(self._numbers)}"
            heading = Heading(number, wish.generation, picture.digest, engine.name, by_hand)
            claim = self.generations.claim(wish, Urgency.MEASURED, *kinds)
            yield from _messages(engine, picture, plan, _Sender(heading), claim)
        except InputError as error:
            raise InputError(f"This cannot be measured: {sentence_of(error)}") from error


def read_rivals(given: object) -> list[str]:
    """Recipes that a browser wants raced. Raises InputError for anything but a few short texts."""
    rivals: list[Any] = given if isinstance(given, list) else [None]
    if not all(isinstance(one, str) and len(one) <= LONGEST_RECIPE for one in rivals):
        raise InputError("Rivals must be a list of recipes")
    if len(rivals) > MAX_RIVALS:
        raise InputError(f"At most {MAX_RIVALS} recipes race beside the chosen one, but got {len(rivals)}")
    return rivals


def _messages(engine: Engine, picture: Picture, plan: Plan, sender: _Sender, claim: Claim) -> Iterator[str]:
    facts = _Facts()
    with watched_run("race", engine.name, " ".join(plan.schedules), picture.wh_px):
        for race in run_race(engine, picture.rgb, plan, claim):
            if not claim.is_wanted():
                raise Overtaken
            message = sender.message(race, facts)
            if message:
                yield message


class _Facts:
    """The device's facts, put together anew only when the conditions were looked at again."""

    def __init__(self) -> None:
        self._seen: object = self
        self._facts: list[tuple[str, str]] = []

    def at(self, race: Race) -> list[tuple[str, str]]:
        if race.segmenter and race.conditions is not self._seen:
            self._seen = race.conditions
            self._facts = device_facts(race.segmenter, race.conditions)
        return self._facts


class _Sender:
    """Decides which moments of a race are worth a message, and how often its verdict is worth its price."""

    def __init__(self, heading: Heading) -> None:
        self._heading = heading
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
        device = device_line(race.segmenter) if race.segmenter else ""
        return encode_race(race, self._heading, facts.at(race), self._verdicts, self._card(race), device)

    def _card(self, race: Race) -> str | None:
        is_whole = race.state == "done" and race.measured and race.plan.scope == SCOPES[0]
        return own_card(race, race.segmenter) if is_whole and race.segmenter else None
