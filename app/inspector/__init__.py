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
from pathlib import Path

import gradio as gr

_FOLDER = Path(__file__).parent

# Fixed order: a file may use what stands above it while loading; functions may call each other freely.
_SCRIPTS = (
    "util",
    "recipe",
    "decode",
    "model",
    "store",
    "ramps",
    "viewport",
    "merges",
    "highlight",
    "masks",
    "method",
    "schedule",
    "strip",
    "stages",
    "layers",
    "readout",
    "locality",
    "labels",
    "tradeoff",
    "classes",
    "pointer",
    "downloads",
    "link",
    "actions",
    "panes",
    "messages",
    "debug",
    "main",
)

_STYLES = ("base", "controls", "schedule", "merges", "masks", "tradeoff", "narrow")

EVENTS = ("schedule", "custom", "patch", "missing", "save")


@cache
def script() -> str:
    """The component's JavaScript, all files in one function scope."""
    return "'use strict';\n" + _joined("js", _SCRIPTS)


@cache
def style() -> str:
    """The component's CSS; what comes later wins."""
    return _joined("css", _STYLES)


@cache
def markup() -> str:
    """The component's HTML."""
    return (_FOLDER / "inspector.html").read_text(encoding="utf-8")


def _joined(kind: str, names: tuple[str, ...]) -> str:
    return "\n".join((_FOLDER / kind / f"{name}.{kind}").read_text(encoding="utf-8") for name in names)


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
