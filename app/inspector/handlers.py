"""What the page's events do: plain methods on plain values, tested without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import gradio as gr
import numpy as np

from app.engine.engine import Engine
from app.engine.ground_truth import Truths
from app.engine.models import Models
from app.examples import EXAMPLES
from app.inspector.downloads import make_download
from app.inspector.messages import STOPS, controls_message, explore, runs_message, view_key
from app.inspector.payload import encode_failure, encode_file, encode_heat
from app.server.staleness import Tabs, tab_of
from app.server.toasts import bad_input_as_toast
from mpm.data.labels import STREETS
from mpm.errors import InputError
from mpm.merging.schedule import PAPER

NO_PICTURE = "there is no picture any more: pick an example or drop in a photo"


class Handlers:
    """Event handlers over the page's models. What a person did is never kept between calls.

    `model` is always the name of an offered one, None for the page's own.
    """

    def __init__(self, models: Models, truths: Truths, tabs: Tabs | None = None) -> None:
        self.models = models
        self.truths = truths
        self.tabs = tabs or Tabs()

    def example(self, event: gr.SelectData) -> np.ndarray:
        """The picture of the example that was picked."""
        return shipped_examples()[event.index].rgb()

    def changed(self, moment: float | None, request: gr.Request | None = None) -> None:
        """Another picture or model: what was begun for the earlier one ends."""
        self.tabs.changes.note(tab_of(request), moment)
        self.tabs.stops.note(tab_of(request), moment)

    def schedule(
        self, moment: float | None, event: gr.EventData, request: gr.Request | None = None
    ) -> tuple[str, float | None]:
        """The schedule that the browser shows now, and since when."""
        return str(event.schedule), self.chosen(moment, request)

    def chosen(self, moment: float | None, request: gr.Request | None = None) -> float | None:
        """A schedule was chosen: the automatic race of the earlier one ends. Gives the moment on."""
        self.tabs.choices.note(tab_of(request), moment)
        return moment

    def picture(
        self,
        rgb: np.ndarray | None,
        chosen: str,
        model: str | None = None,
        sent: float | None = None,
        request: gr.Request | None = None,
    ) -> Iterator[tuple]:
        """All presets of a new picture, or of another model: (message, the chosen schedule, `sent`).

        sent: the moment at which the browser sent this picture and model; it comes from there, since the
        answers to two changes may come in any order. The schedule is only named where the chosen one does not
        fit the model.
        """
        tab = tab_of(request)
        if rgb is None or self.tabs.changes.since(tab, sent):
            yield gr.skip(), gr.skip(), sent
            return
        if sent is not None and self.tabs.explored.since(tab, self.tabs.changes.latest(tab)):
            yield gr.skip(), gr.skip(), gr.skip()  # Gradio told of one change twice
            return
        self.tabs.explored.note(tab, sent)
        known = self.truths.find(rgb)
        with bad_input_as_toast():
            engine = self.models.engine(model)
            truth = known.truth if known and engine.segmenter.config.labels.name == STREETS.name else None
            fit = _fitting(chosen, engine)
            for message in explore(engine, rgb, fit, truth, known.title if known else "Your picture"):
                yield message, gr.skip() if fit == chosen else fit, sent
                if self.tabs.changes.since(tab, sent):
                    yield gr.skip(), gr.skip(), sent  # Gradio repeats the last outputs at the end
                    return

    def controls(
        self,
        rgb: np.ndarray | None,
        model: str | None = None,
        known: str | None = None,
        pressed: float | None = None,
        request: gr.Request | None = None,
    ) -> tuple[str, str]:
        """The random-pairs control of every preset, once a view: (message, the view).

        known: the view that has it. Nothing is run after Stop or another Start, pressed after that moment.
        """
        if rgb is None or self.tabs.stops.since(tab_of(request), pressed):
            return gr.skip(), gr.skip()
        with bad_input_as_toast():
            engine = self.models.engine(model)
            view = view_key(engine, rgb)
            return (gr.skip(), gr.skip()) if view == known else (controls_message(engine, rgb), view)

    def custom(self, rgb: np.ndarray | None, model: str | None, event: gr.EventData) -> tuple[str, str]:
        """A recipe made on the strip or in the menu: its run, and its own text as the chosen one."""
        schedule = str(event.schedule)
        if rgb is None:
            return encode_failure(str(event.view), [schedule], NO_PICTURE), gr.skip()
        with bad_input_as_toast():
            engine = self.models.engine(model)
        try:
            return runs_message(engine, rgb, [schedule]), str(engine.read_recipe(schedule))
        except InputError as error:
            return encode_failure(view_key(engine, rgb), [schedule], str(error)), gr.skip()

    def missing(self, rgb: np.ndarray | None, model: str | None, event: gr.EventData) -> str:
        """Runs whose message was overtaken by a later one."""
        wanted = [str(schedule) for schedule in event.schedules][: len(STOPS)]
        if rgb is None or not wanted:
            return gr.skip()
        with bad_input_as_toast():
            return runs_message(self.models.engine(model), rgb, wanted)

    def save(self, rgb: np.ndarray | None, model: str | None, event: gr.EventData) -> str:
        """A file that only Python can write, sent to the browser that asked."""
        what, schedule = str(event.what), str(event.schedule)
        with bad_input_as_toast():
            _check_there_is(rgb)
            engine = self.models.engine(model)
            download = make_download(engine, rgb, schedule, what)
        return encode_file(view_key(engine, rgb), download.name, download.mime, download.content)

    def patch(self, rgb: np.ndarray | None, model: str | None, event: gr.EventData) -> str:
        """Similarity of the pinned patch to all others."""
        schedule, stage, patch = str(event.schedule), int(event.stage), int(event.patch)
        with bad_input_as_toast():
            _check_there_is(rgb)
            engine = self.models.engine(model)
            values = engine.similarity(rgb, schedule, stage, patch)
        return encode_heat(view_key(engine, rgb), schedule, stage, patch, values)


def _check_there_is(rgb: np.ndarray | None) -> None:
    if rgb is None:
        raise InputError(NO_PICTURE)


def _fitting(chosen: str, engine: Engine) -> str:
    """The chosen recipe, or the paper's where this model has no such blocks."""
    try:
        # The view has one grid, that of the page's input size.
        return str(replace(engine.read_recipe(chosen), resolution_px=None))
    except InputError:
        return str(PAPER)


def shipped_examples() -> list:
    """Examples whose pictures are there."""
    return [example for example in EXAMPLES if example.picture.is_file()]
