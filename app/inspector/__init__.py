"""The canvas inspector: one gr.HTML component that draws every merge of one image in the browser.

The browser receives one JSON string (see `app.inspector.payload`) and needs no server call to redraw.
It also hears the window's events `mpm-message` (a message by another way, see `app.relay`) and `mpm-race`
(the latency view's message), and gives the page's own controls `window.mpmWish(kind)`.

Events that it sends back carry a wish (see `app.engine.generations.Wish`) and, as fields of `gr.EventData`:

    act       {kind}                nothing to run, but what is older of that kind ends
    open      {source}              a picture to explore: {example}, {upload, name} or {picture}
    custom    {}                    a recipe that is not at hand
    missing   {schedules}           runs announced in `sent` that never arrived
    patch     {stage, patch}        the patch whose similarity map is wanted
    features  {}                    the final tokens as colours
    save      {what, speed}         a file that only Python can write
    curves    {}                    what other methods do to this picture
    race      {}                    the short race of the baseline and the recipe
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from pathlib import Path

import gradio as gr

from app.scripts import joined
from mpm.merging.elsewhere import ELSEWHERE, Elsewhere

_FOLDER = Path(__file__).parent

_STYLES = (
    "base", "controls", "screen", "schedule", "recipe", "shelf", "merges", "masks", "methods", "tradeoff",
    "camera", "narrow", "touch",
)  # fmt: skip

EVENTS = ("act", "open", "custom", "missing", "patch", "features", "save", "curves", "race")


def script() -> str:
    """The component's JavaScript."""
    return joined(_FOLDER / "js" / "main.js")


@cache
def style() -> str:
    """The component's CSS, without comments and indentation; what comes later wins."""
    text = "\n".join((_FOLDER / "css" / f"{name}.css").read_text(encoding="utf-8") for name in _STYLES)
    lines = (line.strip() for line in re.sub(r"/\*.*?\*/", "", text, flags=re.S).splitlines())
    return "\n".join(line for line in lines if line)


@cache
def markup() -> str:
    """The component's HTML."""
    text = (_FOLDER / "inspector.html").read_text(encoding="utf-8")
    return text.replace("<!-- elsewhere -->", "\n".join(map(_elsewhere_row, ELSEWHERE)))


def _elsewhere_row(one: Elsewhere) -> str:
    cells = [escape(text) for text in (one.name, one.paper, one.why)]
    return f'<tr><th scope="row">{cells[0]}</th><td>{cells[1]}</td><td>{cells[2]}</td></tr>'


def Inspector(value: str | None = None, *, elem_id: str = "inspector", **kwargs) -> gr.HTML:
    """The inspector as a Gradio component.

    value: a string made by `app.inspector.payload.encode`, or None for the empty state.
    kwargs go to gr.HTML (visible, render, ...).
    """
    return gr.HTML(
        value=value,
        html_template=markup(),
        css_template=style(),
        js_on_load=script(),
        apply_default_css=False,
        elem_id=elem_id,
        **kwargs,
    )
