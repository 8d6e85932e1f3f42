"""The page: layout and wiring only."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr

from app import texts
from app.endpoint import add_endpoint
from app.engine.ground_truth import Truths
from app.engine.models import DEFAULT, Models
from app.examples import FIRST_MESSAGE
from app.inspector import Inspector
from app.inspector.handlers import Handlers, shipped_examples
from app.inspector.messages import rule_menu
from app.lab.experiments import DIAL_TITLES
from app.lab.handlers import LabHandlers
from app.latency.section import LatencySection, latency_section
from app.model_menu import ModelHandlers
from app.server.staleness import MOMENT_JS, Tabs
from app.server.uploads import UploadImage
from mpm.data.images import MAX_BYTES
from mpm.merging.rule import has_own_rules
from mpm.streets import Dials

CSS = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
JS = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
FIRST_CHOICE = "2,5"

# "multiple": Gradio drops no event that comes before the one before it has ended.
QUIET = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "multiple"}
AT_ONCE = {**QUIET, "queue": False, "js": MOMENT_JS}
"""For events that note a moment, their last input."""
MODEL = {"concurrency_id": "model", "concurrency_limit": 1, "api_visibility": "private"}
"""All model work shares one place in the queue: two runs at once would spoil each other's timing."""
QUIET_MODEL = {**QUIET, **MODEL}


def build_page(models: Models) -> gr.Blocks:
    """The whole page over its models. Launch it with `launch_options()`."""
    truths, tabs = Truths(shipped_examples()), Tabs()
    on = Handlers(models, truths, tabs)
    with gr.Blocks(title=texts.TITLE, analytics_enabled=False) as page:
        chosen, model = gr.State(FIRST_CHOICE), gr.State(models.default)
        moment = gr.Number(visible=False)  # the place of MOMENT_JS
        gr.HTML(texts.HEADER, elem_id="header", padding=False)
        picture, gallery = _inputs(ModelHandlers(models, tabs), model, moment)
        first = _first_message(models.own.model)
        inspector = Inspector(first, padding=False)
        latency = latency_section(models, picture, chosen, model, MODEL, inspector, tabs)
        _lab(LabHandlers(models, truths), picture, chosen, model)
        with gr.Accordion("What is this?", open=False):
            gr.Markdown(texts.ABOUT)
        add_endpoint(models, MODEL)

        gallery.select(on.example, None, picture, **QUIET)
        _wire(page, on, latency, inspector, (picture, chosen, model, moment), bool(first))
    return page


def _wire(
    page: gr.Blocks, on: Handlers, latency: LatencySection, inspector: gr.HTML, values: tuple, is_shown: bool
) -> None:
    """What follows from what. values: picture, chosen schedule, model, the place of MOMENT_JS.

    is_shown: the first picture is there already. Otherwise it is explored once the page is open.
    Gradio cancels nothing: work that was overtaken ends by itself (see `app.server.staleness`).
    """
    picture, chosen, model, moment = values
    explored_at, chosen_at, controlled = gr.State(), gr.State(), gr.State()
    seen = [picture, model]
    renewals = [picture.change, model.change] + ([] if is_shown else [page.load])
    changed = gr.on(renewals, on.changed, moment, None, **AT_ONCE)
    explored = changed.success(
        on.picture, [picture, chosen, model, moment], [inspector, chosen, explored_at],
        show_progress="minimal", trigger_mode="multiple", js=MOMENT_JS, **MODEL,
    )  # fmt: skip
    scheduled = inspector.schedule(on.schedule, moment, [chosen, chosen_at], **AT_ONCE)
    inspector.custom(on.chosen, moment, chosen_at, **AT_ONCE)
    customised = inspector.custom(on.custom, seen, [inspector, chosen], **QUIET_MODEL)

    def race(at: gr.components.Component) -> dict:
        inputs, outputs = [picture, chosen, model, at], [latency.view, inspector]
        return {"fn": latency.on.race, "inputs": inputs, "outputs": outputs, **QUIET_MODEL}

    def control(at: gr.components.Component) -> dict:
        inputs, outputs = [*seen, controlled, at], [inspector, controlled]
        return {"fn": on.controls, "inputs": inputs, "outputs": outputs, **QUIET_MODEL}

    explored.success(**race(explored_at)).success(**control(explored_at))
    if is_shown:
        page.load(**race(moment), js=MOMENT_JS).success(**control(explored_at))
    for choice in (scheduled, customised):
        choice.success(**race(chosen_at))
    latency.raced.success(**control(latency.pressed))
    inspector.patch(on.patch, seen, inspector, **QUIET_MODEL)
    inspector.missing(on.missing, seen, inspector, **QUIET_MODEL)
    inspector.save(on.save, seen, inspector, **QUIET_MODEL)


def launch_options() -> dict:
    """What belongs to `launch()` rather than to the page."""
    system = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    return {
        "css": CSS,
        "js": JS,
        "theme": gr.themes.Soft(primary_hue="teal", neutral_hue="slate", font=system),
        "run_history": False,
        "footer_links": [],
        "show_error": False,  # Gradio's own messages name folders; ours are shown all the same
        "allowed_paths": [],
        "max_file_size": MAX_BYTES,
        "mcp_server": find_spec("mcp") is not None,
    }


def _inputs(on: ModelHandlers, model: gr.State, moment: gr.Number) -> tuple[UploadImage, gr.Gallery]:
    shipped = shipped_examples()
    with gr.Row(elem_id="inputs"):
        with gr.Column(scale=2, min_width=260):
            picture = UploadImage(
                value=shipped[0].rgb() if shipped else None,
                label="Your picture",
                sources=["upload", "clipboard"],
                height=230,
                elem_id="picture",
            )
        with gr.Column(scale=5, min_width=300):
            gallery = gr.Gallery(
                [(example.rgb(), example.title) for example in shipped],
                label="Examples",
                columns=6,
                height=180,
                object_fit="cover",
                allow_preview=False,
                buttons=[],
                elem_id="examples",
            )
            menu = gr.Dropdown(on.menu(), value=model.value, label="Model", elem_id="model")
            note = gr.HTML(on.note(model.value), padding=False, elem_id="model-note")
    menu.input(
        on.choose,
        [menu, model, moment],
        [model, menu, note],
        js=MOMENT_JS,
        concurrency_id="download",
        concurrency_limit=8,
        **QUIET,
    )
    return picture, gallery


def _lab(on: LabHandlers, picture: UploadImage, chosen: gr.State, model: gr.State) -> None:
    start = Dials()
    with gr.Accordion("The lab: streets to order", open=False, elem_id="lab"):
        gr.Markdown(texts.LAB)
        with gr.Row():
            with gr.Column(scale=2, min_width=260):
                seed = gr.Number(4, label="Street", precision=0, minimum=0, elem_id="lab-seed")
                sliders = [
                    gr.Slider(
                        0, 24 if name == "time_of_day" else 1, getattr(start, name), label=title,
                        info=texts.DIAL_HINTS[name], elem_id=f"lab-{name}",
                    )
                    for name, title in DIAL_TITLES.items()
                ]  # fmt: skip
            with gr.Column(scale=3, min_width=300):
                shown = gr.Image(
                    label="The street",
                    format="png",
                    interactive=False,
                    height=300,
                    buttons=[],
                    elem_id="lab-street",
                )
                note = gr.HTML(elem_id="lab-note")
                opened = gr.Button("Open it in the inspector", size="sm")
            with gr.Column(scale=4, min_width=300):
                chart = gr.Plot(label="Tokens", elem_id="lab-chart")
                with gr.Row():
                    dial = gr.Dropdown(
                        [(title, name) for name, title in DIAL_TITLES.items()], value="time_of_day",
                        label="Dial", show_label=False, container=False, min_width=140,
                    )  # fmt: skip
                    swept = gr.Button("Turn this dial from end to end", size="sm", min_width=160)
                    nights = gr.Button("Day against night, 16 streets", size="sm", min_width=160)
        street = [seed, *sliders]
        drawn = {"fn": on.preview, "inputs": [model, chosen, *street], "outputs": [shown, note]}
        for control in street:
            control.change(**drawn, **{**QUIET_MODEL, "trigger_mode": "always_last"})
        opened.click(on.open, street, picture, **QUIET)
        swept.click(on.sweep, [model, chosen, dial, *street], [chart, note], **MODEL)
        nights.click(on.night, [model, chosen, *street], [chart, note], **MODEL)


def _first_message(model: str) -> str | None:
    """What the bundled model makes of the first example; other models have to be asked."""
    if model != DEFAULT or not FIRST_MESSAGE.is_file():
        return None
    text = FIRST_MESSAGE.read_text(encoding="utf-8")
    return json.dumps(json.loads(text) | {"rules": rule_menu()}) if has_own_rules() else text
