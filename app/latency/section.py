"""The page's latency section: controls, the live view, the device cards, and their wiring."""

from __future__ import annotations

import os

import gradio as gr

from app.engine.generations import Generations
from app.engine.models import Models
from app.engine.pictures import Pictures
from app.latency import CardsView, LatencyView
from app.latency.cards import no_cards
from app.latency.handlers import LatencyHandlers
from app.latency.settings import BASELINE, SCOPES
from app.server.wiring import ACT_RACE_JS, AT_ONCE, WORK
from mpm.merging.schedule import PRESETS

NO_OTHER = ("no", "")
INSTALL = (
    "Does merging still pay in a faster runtime? After `pip install 'mpm-explorer[onnx]'` the same recipes "
    "can race in ONNX Runtime, too."
)
RIVALS = [str(preset) for preset in PRESETS if str(preset) != BASELINE]


def latency_section(
    models: Models, pictures: Pictures, generations: Generations, explorer: gr.HTML, page: gr.Blocks
) -> None:
    """Build the section inside the page. explorer: asks for the races that run by themselves."""
    on = LatencyHandlers(models, pictures, generations)
    with gr.Accordion("Latency on this device", open=True, elem_id="latency"):
        with gr.Row(elem_id="latency-controls"):
            with gr.Column(scale=3, min_width=260):
                rivals = gr.CheckboxGroup(
                    [(f"{{{name.replace(',', ', ')}}}", name) for name in RIVALS],
                    label="Also race", info="The baseline and the schedule chosen above always run.",
                    elem_id="latency-rivals",
                )  # fmt: skip
                # What is installed is known once the model is there: see `offered`.
                runtime = gr.Radio(
                    [NO_OTHER], value=NO_OTHER[1], visible=False, elem_id="latency-runtime",
                    label="Also race in another runtime",
                    info="Does merging still pay in a faster one? The same recipes run there in turn.",
                )  # fmt: skip
                hint = gr.Markdown(INSTALL, visible=False, elem_id="latency-install")
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
        wish, started = gr.Textbox(visible=False), gr.State()
        view = LatencyView(padding=False)
        with gr.Accordion("Compare devices", open=False, elem_id="latency-devices"):
            cards = CardsView(no_cards(), padding=False)

    def announce(wish: str, request: gr.Request):
        return on.announce(wish, request), wish

    page.load(lambda: offered(on.runtimes()), None, [runtime, hint], **WORK)
    explorer.race(on.race, None, view, **WORK)
    announced = start.click(announce, wish, [view, started], **AT_ONCE, js=ACT_RACE_JS)
    announced.success(on.start, [rivals, scope, rounds, seconds, runtime, started], view, **WORK)
    stop.click(on.stopped, wish, view, **AT_ONCE, js=ACT_RACE_JS)
    cards.cards(on.cards, None, cards, **AT_ONCE)


def offered(found: list[tuple[str, str]] | None) -> tuple[dict, dict]:
    """How the choice of a runtime and the words on how to get one are shown; found: of `runtimes`."""
    is_lacking = found == [] and not os.environ.get("SPACE_ID")
    return gr.update(choices=[NO_OTHER, *(found or [])], visible=bool(found)), gr.update(visible=is_lacking)
