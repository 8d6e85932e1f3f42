"""The live latency view and the device cards: two gr.HTML components that draw numbers in the browser.

`LatencyView` takes the messages of `app.latency.payload`. `CardsView` takes those of `app.latency.cards` and
sends one event back, with the fields of `gr.EventData`:

    cards  {files: [{name, text}]}   all card files that are open now
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import gradio as gr

__all__ = ["CardsView", "LatencyView"]

_FOLDER = Path(__file__).parent
_SHARED = _FOLDER.parent / "inspector"

# Fixed order: a file may use what stands above it while loading.
_LIVE_SCRIPTS = ("numbers", "theme", "plot", "rows", "parts", "blocks", "live")
_CARD_SCRIPTS = ("numbers", "cards")
_STYLES = ("live", "rows", "parts", "cards", "narrow")


def LatencyView(value: str | None = None, *, elem_id: str = "latency-card", **kwargs) -> gr.HTML:
    """The live plot and what explains it. value: a message of `app.latency.payload`, or None."""
    return _component(value, "live", _LIVE_SCRIPTS, elem_id, kwargs)


def CardsView(value: str | None = None, *, elem_id: str = "latency-cards", **kwargs) -> gr.HTML:
    """Device cards side by side. value: a message of `app.latency.cards`."""
    return _component(value, "cards", _CARD_SCRIPTS, elem_id, kwargs)


def _component(value: str | None, page: str, scripts: tuple[str, ...], elem_id: str, kwargs: dict) -> gr.HTML:
    return gr.HTML(
        value=value,
        html_template=_read(_FOLDER / f"{page}.html"),
        css_template=style(),
        js_on_load=script(scripts),
        apply_default_css=False,
        elem_id=elem_id,
        **kwargs,
    )


@cache
def script(names: tuple[str, ...]) -> str:
    """JavaScript of one component, all files in one function scope; small helpers are the inspector's."""
    files = [
        *(_SHARED / "js" / f"{name}.js" for name in ("util", "recipe")),
        *(_FOLDER / "js" / f"{name}.js" for name in names),
    ]
    return "'use strict';\n" + "\n".join(map(_read, files))


@cache
def style() -> str:
    """CSS of both components, over the inspector's base; what comes later wins."""
    shared = [_SHARED / "css" / f"{name}.css" for name in ("base", "controls")]
    return "\n".join(map(_read, [*shared, *(_FOLDER / "css" / f"{name}.css" for name in _STYLES)]))


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")
