"""Reading what a browser sent: its wish, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from app.engine.generations import Wish, tab_of
from app.server.toasts import bad_input_as_toast


def read_event(event: gr.EventData, request: gr.Request | None) -> tuple[Wish, Mapping[str, Any]]:
    """The wish of an event, and all its fields. Raises gr.Error for what no browser of ours sends."""
    fields = as_dict(event._data)
    with bad_input_as_toast():
        return Wish.read(fields, tab_of(request)), fields


def read_wish(text: str, request: gr.Request | None) -> Wish:
    """The wish that came as a JSON text. Raises gr.Error as well."""
    with bad_input_as_toast():
        return Wish.parse(text, tab_of(request))


def as_dict(value: Any) -> Mapping[str, Any]:
    """An object that a browser sent; anything else is an empty one."""
    return value if isinstance(value, dict) else {}
