"""The page's latency section: controls, the live view, the device cards, and their wiring."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.engine.models import Models
from app.latency import CardsView, LatencyView
from app.latency.cards import no_cards
from app.latency.handlers import LatencyHandlers
from app.latency.settings import BASELINE, SCOPES
from app.server.staleness import MOMENT_JS, Tabs
from mpm.merging.schedule import PRESETS

QUIET = {"show_progress": "hidden", "api_visibility": "private"}
RIVALS = [str(preset) for preset in PRESETS if str(preset) != BASELINE]


@dataclass(frozen=True)
class LatencySection:
    """What the page needs to wire the section to the rest.

    raced    the event of Start's race
    pressed  gr.State: the moment at which that race was started
    """

    on: LatencyHandlers
    view: gr.HTML
    start: gr.Button
    stop: gr.Button
    raced: gr.events.Dependency
    pressed: gr.State


def latency_section(
    models: Models, picture: gr.components.Component, chosen: gr.State, model: gr.State, queue: dict,
    inspector: gr.HTML | None = None, tabs: Tabs | None = None,
) -> LatencySection:  # fmt: skip
    """Build the section inside the present Blocks.

    chosen, model: names of the schedule and the model. queue: settings of events that run the model.
    inspector: gets the measured medians. tabs: what the rest of the page knows of each tab.
    """
    on = LatencyHandlers(models, tabs)
    with gr.Accordion("Latency on this device", open=True, elem_id="latency"):
        with gr.Row(elem_id="latency-controls"):
            with gr.Column(scale=3, min_width=260):
                rivals = gr.CheckboxGroup(
                    [(f"{{{name.replace(',', ', ')}}}", name) for name in RIVALS],
                    label="Also race", info="The baseline and the schedule chosen above always run.",
                    elem_id="latency-rivals",
                )  # fmt: skip
            with gr.Column(scale=2, min_width=240):
                scope = gr.Radio(
                    list(SCOPES), value=SCOPES[0], label="What is timed", elem_id="latency-scope",
                    info="Model only leaves out resizing the picture and upsampling the mask.",
                )  # fmt: skip
            with gr.Column(scale=2, min_width=220):
                with gr.Row():
                    # No limits here: Gradio's own refusal would leave the plot saying that it waits.
                    rounds = gr.Number(
                        20, label="Runs each", precision=0, min_width=90, elem_id="latency-rounds"
                    )
                    seconds = gr.Number(
                        30, label="Seconds", precision=0, min_width=90, elem_id="latency-seconds"
                    )
                with gr.Row():
                    start = gr.Button("Start", variant="primary", size="sm", min_width=90, elem_id="measure")
                    stop = gr.Button("Stop", size="sm", min_width=90, elem_id="latency-stop")
        moment, pressed = gr.Number(visible=False), gr.State()
        view = LatencyView(padding=False)
        with gr.Accordion("Compare devices", open=False, elem_id="latency-devices"):
            cards = CardsView(no_cards(), padding=False)
    sinks = [view] if inspector is None else [view, inspector]

    def begin(picture, chosen, rivals, scope, rounds, seconds, model, pressed, request: gr.Request):
        controls = (chosen, rivals, scope, rounds, seconds)
        for message, timings in on.start(picture, *controls, model, pressed, request):
            yield message if inspector is None else (message, timings)

    # "multiple": the browser drops no click that comes before it has heard of the last one's end.
    at_once = {**QUIET, "queue": False, "trigger_mode": "multiple", "js": MOMENT_JS}
    announced = start.click(on.announce, [picture, model, moment], [view, pressed], **at_once)
    inputs = [picture, chosen, rivals, scope, rounds, seconds, model, pressed]
    raced = announced.success(begin, inputs, sinks, **{**QUIET, **queue, "trigger_mode": "multiple"})
    stop.click(on.stopped, moment, view, **at_once)
    cards.cards(on.cards, None, cards, queue=False, **QUIET)
    return LatencySection(on, view, start, stop, raced, pressed)
