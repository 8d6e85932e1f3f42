"""What the page's events do: plain methods on plain values, tested without a browser."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr
import numpy as np

from app import texts
from app.device import device_name
from app.engine import Engine
from app.examples import EXAMPLES
from app.inspector.payload import encode_failure, encode_heat, encode_timings
from app.latency import latency_html, message_html
from app.views import BASELINE, explore, known_truths, run_message, view_key
from mpm.errors import InputError

RACE_ROUNDS = 9
RACE_DEADLINE_S = 12.0


class Handlers:
    """Event handlers over one engine. They keep nothing between calls."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def example(self, event: gr.SelectData) -> np.ndarray:
        """The picture of the example that was picked."""
        return shipped_examples()[event.index].rgb()

    def schedule(self, event: gr.EventData) -> str:
        """The schedule that the browser shows now."""
        return str(event.schedule)

    def picture(self, rgb: np.ndarray | None, chosen: str) -> Iterator[str]:
        """All presets of a new picture, message by message."""
        if rgb is None:
            return
        example = known_truths().get(view_key(self.engine, rgb).split("-")[0])
        truth, title = (example.truth(), example.title) if example else (None, "Your picture")
        yield from _or_toast(explore(self.engine, rgb, chosen, truth, title))

    def race(self, rgb: np.ndarray | None, chosen: str) -> Iterator[tuple]:
        """Baseline against the chosen schedule, run by run: the latency card and the inspector's timing."""
        if rgb is None:
            yield message_html(texts.EMPTY_LATENCY), gr.skip()
            return
        if not self.engine.wait(0):
            yield message_html(texts.WAITING_FOR_MODEL), gr.skip()
        contenders = list(dict.fromkeys([BASELINE, chosen]))
        samples: dict[str, list[float]] = {name: [] for name in contenders}
        device = device_name()
        for name, seconds in _or_toast(self.engine.race(rgb, contenders, RACE_ROUNDS, RACE_DEADLINE_S)):
            samples[name].append(seconds)
            if all(samples.values()):
                yield latency_html(samples, False, device), gr.skip()
        if all(samples.values()):
            yield latency_html(samples, True, device), encode_timings(view_key(self.engine, rgb), _medians(samples))

    def custom(self, rgb: np.ndarray | None, event: gr.EventData) -> str:
        """A schedule made on the strip of blocks."""
        if rgb is None:
            return gr.skip()
        try:
            return run_message(self.engine, rgb, str(event.schedule))
        except InputError as error:
            return encode_failure(view_key(self.engine, rgb), str(event.schedule), str(error))

    def patch(self, rgb: np.ndarray | None, event: gr.EventData) -> str:
        """Similarity of the pinned patch to all others."""
        if rgb is None:
            return gr.skip()
        schedule, stage, patch = str(event.schedule), int(event.stage), int(event.patch)
        try:
            values = self.engine.similarity(rgb, schedule, stage, patch)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return encode_heat(view_key(self.engine, rgb), schedule, stage, patch, values)


def shipped_examples() -> list:
    """Examples whose pictures are there."""
    return [example for example in EXAMPLES if example.picture.is_file()]


def _medians(samples: dict[str, list[float]]) -> dict[str, dict]:
    return {
        name: {"median_ms": 1000 * float(np.median(seconds)), "estimated": False}
        for name, seconds in samples.items()
    }


def _or_toast(work: Iterator) -> Iterator:
    """Bad input becomes a toast with its one sentence."""
    try:
        yield from work
    except InputError as error:
        raise gr.Error(str(error), print_exception=False) from error
