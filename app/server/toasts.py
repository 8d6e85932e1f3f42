"""Bad input as a toast: one sentence on the page, nothing in the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import gradio as gr

from mpm.errors import InputError, cut

LONGEST_SENTENCE = 400
"""Whatever a stranger sent is not sent back in full."""


@contextmanager
def bad_input_as_toast() -> Iterator[None]:
    """Turn InputError into the gr.Error that the page shows."""
    try:
        yield
    except InputError as error:
        raise gr.Error(escape(sentence_of(error), quote=False), print_exception=False) from error


def sentence_of(error: InputError) -> str:
    """The error as a sentence on the page."""
    text = str(error)
    return cut(text[:1].upper() + text[1:], LONGEST_SENTENCE)
