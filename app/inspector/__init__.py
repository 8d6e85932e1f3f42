"""The canvas inspector: one gr.HTML component that draws every merge of one image in the browser.

The browser receives one JSON string (see `app.inspector.payload`) and needs no server call to redraw.
Events that it sends back, each with the fields of `gr.EventData`:

    schedule  {view, schedule}                           the schedule now wanted
    custom    {view, schedule}                           a schedule outside the presets, not computed yet
    patch     {view, schedule, stage, patch, row, col}   the patch whose similarity map is wanted
    missing   {view, schedules}                          runs announced in `sent` that never arrived
    save      {view, schedule, what}                     a file that only Python can write
"""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path

import gradio as gr

from app.scripts import joined
from mpm.merging.elsewhere import ELSEWHERE, Elsewhere

_FOLDER = Path(__file__).parent

_STYLES = ("base", "controls", "schedule", "recipe", "merges", "masks", "tradeoff", "narrow")

EVENTS = ("schedule", "custom", "patch", "missing", "save")


def script() -> str:
    """The component's JavaScript."""
    return joined(_FOLDER / "js" / "main.js")


@cache
def style() -> str:
    """The component's CSS; what comes later wins."""
    return "\n".join((_FOLDER / "css" / f"{name}.css").read_text(encoding="utf-8") for name in _STYLES)


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
