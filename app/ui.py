"""The page: its sections one after the other."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr

from app import texts
from app.camera.frames import CameraHandlers, server_function
from app.endpoint import add_endpoint
from app.engine.generations import Generations
from app.engine.models import Models
from app.engine.pictures import Pictures
from app.inspector.section import explorer_section
from app.lab.section import lab_section
from app.latency.section import latency_section
from mpm.data.images import MAX_BYTES

FOLDER = Path(__file__).parent
CSS = (FOLDER / "page.css").read_text(encoding="utf-8")
HEAD = (FOLDER / "head.html").read_text(encoding="utf-8")


def build_page(models: Models) -> gr.Blocks:
    """The whole page over its models. Launch it with `launch_options()`."""
    pictures, generations = Pictures(), Generations()
    frame = server_function(CameraHandlers(models))
    with gr.Blocks(title=texts.TITLE, analytics_enabled=False, fill_width=True) as page:
        explorer = explorer_section(models, pictures, generations, page, [frame])
        latency_section(models, pictures, generations, explorer, page)
        lab_section(models, pictures)
        with gr.Accordion("What is this?", open=False):
            gr.Markdown(texts.ABOUT)
        add_endpoint(models)
    return page


def launch_options() -> dict:
    """What belongs to `launch()` rather than to the page."""
    system = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    return {
        "css": CSS,
        "theme": gr.themes.Soft(primary_hue="teal", neutral_hue="slate", font=system),
        "head": HEAD,
        "run_history": False,
        "footer_links": [],
        "show_error": False,  # Gradio's own messages name folders; ours are shown all the same
        "allowed_paths": [],
        "max_file_size": MAX_BYTES,
        "mcp_server": find_spec("mcp") is not None,
    }
