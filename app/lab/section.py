"""The lab on the page: its controls and their wiring."""

from __future__ import annotations

import gradio as gr

from app import texts
from app.engine.models import Models
from app.engine.pictures import Pictures
from app.lab.experiments import DIAL_TITLES
from app.lab.handlers import LabHandlers
from app.relay import Relay
from app.server.wiring import AT_ONCE, WISH_FIRST_JS, WORK
from mpm.streets import Dials


def lab_section(models: Models, pictures: Pictures) -> None:
    """Build the section inside the present Blocks."""
    on = LabHandlers(models, pictures)
    with gr.Accordion("The lab: streets to order", open=False, elem_id="lab") as lab:
        gr.Markdown(texts.LAB)
        with gr.Row():
            street = _dials()
            with gr.Column(scale=3, min_width=300):
                shown = gr.Image(
                    label="The street", format="png", interactive=False, height=300, buttons=[],
                    elem_id="lab-street",
                )  # fmt: skip
                note = gr.HTML(elem_id="lab-note")
                opened = gr.Button("Open it in the explorer", size="sm", elem_id="lab-open")
            with gr.Column(scale=4, min_width=300):
                chart = gr.Plot(label="Tokens", elem_id="lab-chart")
                with gr.Row():
                    dial = gr.Dropdown(
                        [(title, name) for name, title in DIAL_TITLES.items()], value="time_of_day",
                        label="Dial", show_label=False, container=False, min_width=140,
                    )  # fmt: skip
                    swept = gr.Button("Turn this dial from end to end", size="sm", min_width=160)
                    nights = gr.Button("Day against night, 16 streets", size="sm", min_width=160)
        wish, offer = gr.Textbox(visible=False), Relay()
        drawn = {"fn": on.preview, "inputs": [wish, *street], "outputs": [shown, note], "js": WISH_FIRST_JS}
        lab.expand(**drawn, **WORK)
        for control in street:
            control.change(**drawn, **{**WORK, "trigger_mode": "always_last"})
        opened.click(on.open, street, offer, **AT_ONCE)
        shows_progress = {**WORK, "show_progress": "full"}
        swept.click(on.sweep, [wish, dial, *street], [chart, note], js=WISH_FIRST_JS, **shows_progress)
        nights.click(on.night, [wish, *street], [chart, note], js=WISH_FIRST_JS, **shows_progress)


def _dials() -> list[gr.components.Component]:
    """The street's number and a slider a dial."""
    start = Dials()
    with gr.Column(scale=2, min_width=260):
        seed = gr.Number(4, label="Street", precision=0, minimum=0, elem_id="lab-seed")
        sliders = [
            gr.Slider(
                0, 24 if name == "time_of_day" else 1, getattr(start, name), label=title,
                info=texts.DIAL_HINTS[name], elem_id=f"lab-{name}",
            )
            for name, title in DIAL_TITLES.items()
        ]  # fmt: skip
    return [seed, *sliders]
