"""What the page's events do: plain methods on plain values, tested without a browser."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr
import numpy as np

from app.downloads import make_download
from app.examples import EXAMPLES
from app.inspector.payload import encode_failure, encode_file, encode_heat
from app.models import Models
from app.toasts import bad_input_as_toast
from app.truths import Truths
from app.views import STOPS, controls_message, explore, runs_message, view_key
from mpm.errors import InputError
from mpm.labels import STREETS


class Handlers:
    """Event handlers over the page's models. What a person did is never kept between calls.

    `model` is always the name of an offered one, None for the page's own.
    """

    def __init__(self, models: Models, truths: Truths) -> None:
        self.models = models
        self.truths = truths

    def example(self, event: gr.SelectData) -> np.ndarray:
        """The picture of the example that was picked."""
        return shipped_examples()[event.index].rgb()

    def schedule(self, event: gr.EventData) -> str:
        """The schedule that the browser shows now."""
        return str(event.schedule)

    def picture(self, rgb: np.ndarray | None, chosen: str, model: str | None = None) -> Iterator[str]:
        """All presets of a new picture, or of another model, message by message."""
        if rgb is None:
            return
        known = self.truths.find(rgb)
        with bad_input_as_toast():
            engine = self.models.engine(model)
            truth = known.truth if known and engine.segmenter.config.labels.name == STREETS.name else None
            yield from explore(engine, rgb, chosen, truth, known.title if known else "Your picture")

    def controls(self, rgb: np.ndarray | None, model: str | None = None) -> str:
        """The random-pairs control of every preset."""
        if rgb is None:
            return gr.skip()
        with bad_input_as_toast():
            return controls_message(self.models.engine(model), rgb)

    def custom(self, rgb: np.ndarray | None, model: str | None, event: gr.EventData) -> tuple[str, str]:
        """A schedule made on the strip of blocks: its run, and the schedule as the chosen one."""
        schedule = str(event.schedule)
        if rgb is None:
            return gr.skip(), schedule
        with bad_input_as_toast():
            engine = self.models.engine(model)
        try:
            return runs_message(engine, rgb, [schedule]), schedule
        except InputError as error:
            return encode_failure(view_key(engine, rgb), schedule, str(error)), gr.skip()

    def missing(self, rgb: np.ndarray | None, model: str | None, event: gr.EventData) -> str:
        """Runs whose message was overtaken by a later one."""
        wanted = [str(schedule) for schedule in event.schedules][: len(STOPS)]
        if rgb is None or not wanted:
            return gr.skip()
        with bad_input_as_toast():
            return runs_message(self.models.engine(model), rgb, wanted)

    def save(self, rgb: np.ndarray | None, model: str | None, event: gr.EventData) -> str:
        """A file that only Python can write, sent to the browser that asked."""
        if rgb is None:
            return gr.skip()
        what, schedule = str(event.what), str(event.schedule)
        with bad_input_as_toast():
            engine = self.models.engine(model)
            download = make_download(engine, rgb, schedule, what)
        return encode_file(view_key(engine, rgb), download.name, download.mime, download.content)

    def patch(self, rgb: np.ndarray | None, model: str | None, event: gr.EventData) -> str:
        """Similarity of the pinned patch to all others."""
        if rgb is None:
            return gr.skip()
        schedule, stage, patch = str(event.schedule), int(event.stage), int(event.patch)
        with bad_input_as_toast():
            engine = self.models.engine(model)
            values = engine.similarity(rgb, schedule, stage, patch)
        return encode_heat(view_key(engine, rgb), schedule, stage, patch, values)


def shipped_examples() -> list:
    """Examples whose pictures are there."""
    return [example for example in EXAMPLES if example.picture.is_file()]
