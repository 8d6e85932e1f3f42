"""The page: layout and wiring only."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr

from app import texts
from app.engine import Engine
from app.examples import FIRST_MESSAGE
from app.handlers import Handlers, shipped_examples
from app.inspector import Inspector
from app.latency import message_html
from app.uploads import UploadImage
from mpm.images import MAX_BYTES

CSS = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
FIRST_CHOICE = "2,5"

MODEL_QUEUE = {"concurrency_id": "model", "concurrency_limit": 1, "api_visibility": "private"}
"""All model work shares one place in the queue: two runs at once would spoil each other's timing."""
QUIET = {"show_progress": "hidden", "api_visibility": "private"}


def build_page(engine: Engine) -> gr.Blocks:
    """The whole page over one engine. Launch it with `launch_options()`."""
    on = Handlers(engine)
    with gr.Blocks(title=texts.TITLE, analytics_enabled=False) as page:
        gr.HTML(texts.HEADER, elem_id="header")
        picture, gallery = _inputs()
        inspector = Inspector(_first_message())
        with gr.Accordion("Latency on this device", open=True, elem_id="latency"):
            latency = gr.HTML(message_html(texts.LATENCY_INTRO), elem_id="latency-card")
            again = gr.Button("Measure again", size="sm", elem_id="measure")
        with gr.Accordion("What is this?", open=False):
            gr.Markdown(texts.ABOUT)
        chosen = gr.State(FIRST_CHOICE)

        race = {"fn": on.race, "inputs": [picture, chosen], "outputs": [latency, inspector], **_quiet_model()}
        gallery.select(on.example, None, picture, **QUIET)
        explored = picture.change(
            on.picture, [picture, chosen], inspector,
            show_progress="minimal", trigger_mode="always_last", **MODEL_QUEUE,
        )  # fmt: skip
        races = [
            explored.then(**race),
            inspector.schedule(on.schedule, None, chosen, **QUIET).then(**race),
            again.click(**race),
            page.load(**race),
        ]
        picture.change(None, cancels=races)
        inspector.custom(on.custom, picture, inspector, **_quiet_model())
        inspector.patch(on.patch, picture, inspector, **_quiet_model())
    return page


def launch_options() -> dict:
    """What belongs to `launch()` rather than to the page."""
    return {
        "css": CSS,
        "theme": gr.themes.Soft(primary_hue="teal", neutral_hue="slate"),
        "run_history": False,
        "footer_links": [],
        "show_error": True,
        "allowed_paths": [],
        "max_file_size": MAX_BYTES,
    }


def _inputs() -> tuple[UploadImage, gr.Gallery]:
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
                height=190,
                object_fit="cover",
                allow_preview=False,
                elem_id="examples",
            )
            gr.HTML(texts.KNOWS)
    return picture, gallery


def _quiet_model() -> dict:
    return {**QUIET, **MODEL_QUEUE}


def _first_message() -> str | None:
    return FIRST_MESSAGE.read_text(encoding="utf-8") if FIRST_MESSAGE.is_file() else None
