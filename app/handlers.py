"""What the page's events do: plain methods on plain values, tested without a browser."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr
import numpy as np

from app.downloads import make_download
from app.engine import Engine
from app.examples import EXAMPLES
from app.inspector.payload import encode_failure, encode_file, encode_heat
from app.toasts import bad_input_as_toast
from app.truths import Truths
from app.views import STOPS, controls_message, explore, runs_message, view_key
from mpm.errors import InputError


class Handlers:
    """Event handlers over one engine. What a person did is never kept between calls."""

    def __init__(self, engine: Engine, truths: Truths) -> None:
        self.engine = engine
        self.truths = truths

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
        known = self.truths.find(rgb)
        truth, title = (known.truth, known.title) if known else (None, "Your picture")
        with bad_input_as_toast():
            yield from explore(self.engine, rgb, chosen, truth, title)

    def controls(self, rgb: np.ndarray | None) -> str:
        """The random-pairs control of every preset."""
        if rgb is None:
            return gr.skip()
        with bad_input_as_toast():
            return controls_message(self.engine, rgb)

    def custom(self, rgb: np.ndarray | None, event: gr.EventData) -> tuple[str, str]:
        """A schedule made on the strip of blocks: its run, and the schedule as the chosen one."""
        schedule = str(event.schedule)
        if rgb is None:
            return gr.skip(), schedule
        try:
            return runs_message(self.engine, rgb, [schedule]), schedule
        except InputError as error:
            return encode_failure(view_key(self.engine, rgb), schedule, str(error)), gr.skip()

    def missing(self, rgb: np.ndarray | None, event: gr.EventData) -> str:
        """Runs whose message was overtaken by a later one."""
        wanted = [str(schedule) for schedule in event.schedules][: len(STOPS)]
        if rgb is None or not wanted:
            return gr.skip()
        with bad_input_as_toast():
            return runs_message(self.engine, rgb, wanted)

    def save(self, rgb: np.ndarray | None, event: gr.EventData) -> str:
        """A file that only Python can write, sent to the browser that asked."""
        if rgb is None:
            return gr.skip()
        what, schedule = str(event.what), str(event.schedule)
        with bad_input_as_toast():
            download = make_download(self.engine, rgb, schedule, what)
        return encode_file(view_key(self.engine, rgb), download.name, download.mime, download.content)

    def patch(self, rgb: np.ndarray | None, event: gr.EventData) -> str:
        """Similarity of the pinned patch to all others."""
        if rgb is None:
            return gr.skip()
        schedule, stage, patch = str(event.schedule), int(event.stage), int(event.patch)
        with bad_input_as_toast():
            values = self.engine.similarity(rgb, schedule, stage, patch)
        return encode_heat(view_key(self.engine, rgb), schedule, stage, patch, values)


def shipped_examples() -> list:
    """Examples whose pictures are there."""
    return [example for example in EXAMPLES if example.picture.is_file()]
