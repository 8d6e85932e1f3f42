"""The live latency view and the device cards: two gr.HTML components that draw numbers in the browser.

`LatencyView` takes the messages of `app.latency.payload`. `CardsView` takes those of `app.latency.cards` and
sends one event back, with the fields of `gr.EventData`:

    cards  {files: [{name, text}]}   all card files that are open now
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import gradio as gr

from app.scripts import joined

__all__ = ["CardsView", "LatencyView"]

_FOLDER = Path(__file__).parent
_SHARED = _FOLDER.parent / "inspector"

_STYLES = ("live", "rows", "parts", "cards", "narrow")


def LatencyView(value: str | None = None, *, elem_id: str = "latency-card", **kwargs) -> gr.HTML:
    """The live plot and what explains it. value: a message of `app.latency.payload`, or None."""
    return _component(value, "live", elem_id, kwargs)


def CardsView(value: str | None = None, *, elem_id: str = "latency-cards", **kwargs) -> gr.HTML:
    """Device cards side by side. value: a message of `app.latency.cards`."""
    return _component(value, "cards", elem_id, kwargs)


def _component(value: str | None, page: str, elem_id: str, kwargs: dict) -> gr.HTML:
    return gr.HTML(
        value=value,
        html_template=_read(_FOLDER / f"{page}.html"),
        css_template=style(),
        js_on_load=joined(_FOLDER / "js" / f"{page}.js"),
        apply_default_css=False,
        elem_id=elem_id,
        **kwargs,
    )


@cache
def style() -> str:
    """CSS of both components, over the inspector's base; what comes later wins."""
    shared = [_SHARED / "css" / f"{name}.css" for name in ("base", "controls")]
    return "\n".join(map(_read, [*shared, *(_FOLDER / "css" / f"{name}.css" for name in _STYLES)]))


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")
