"""Bad input as a toast: one sentence on the page, nothing in the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import gradio as gr

from mpm.errors import InputError


@contextmanager
def bad_input_as_toast() -> Iterator[None]:
    """Turn InputError into the gr.Error that the page shows."""
    try:
        yield
    except InputError as error:
        raise gr.Error(escape(str(error), quote=False), print_exception=False) from error
