"""The latency section on a page of its own, over one picture and one recipe."""

from __future__ import annotations

import json

import gradio as gr
import numpy as np

from app.engine.engine import Engine
from app.engine.generations import Generations
from app.engine.models import Models
from app.engine.pictures import Picture, Pictures
from app.latency.section import latency_section

EXPLORER_JS = """
let generation = 0;
const wish = () => ({ generation, picture: props.value, model: null, recipe: RECIPE });
window.mpmWish = (kind) => { generation += kind ? 1 : 0; return JSON.stringify(wish()); };
window.askForRace = () => trigger('race', wish());
"""
"""What the section needs of the explorer."""


def latency_page(engine: Engine, rgb: np.ndarray, recipe: str = "2,5") -> gr.Blocks:
    pictures = Pictures()
    shown = pictures.add(Picture.of(rgb))
    with gr.Blocks() as page:
        script = EXPLORER_JS.replace("RECIPE", json.dumps(recipe))
        explorer = gr.HTML(shown.digest, html_template="<span></span>", js_on_load=script)
        latency_section(Models.of(engine), pictures, Generations(), explorer, page)
    return page
