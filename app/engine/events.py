"""What a browser sends, read: its wish, and what it asks for. And answers, however they end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gradio as gr

from app.engine.generations import Wish, tab_of
from app.errors import Overtaken
from app.server.toasts import bad_input_as_toast, sentence_of
from mpm.errors import InputError

log = logging.getLogger("mpm.app")

LONGEST_RECIPE = 400
"""Nothing longer is read as one of a list, or sent back: a stranger may have sent a novel."""


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


def answered(what: str, messages: Iterator[str], failed: Callable[[str], str]) -> Iterator:
    """The messages; at the end of bad luck a sentence about it, and nothing where they were overtaken.

    what: the event, for the log. failed: makes a message of a sentence.
    """
    try:
        yield from messages
    except Overtaken:
        pass
    except InputError as error:
        yield failed(sentence_of(error))
    except OSError:
        log.exception("%s failed", what)
        yield failed("The files that this needs could not be read or downloaded.")
    except Exception as error:  # whoever waits must hear that nothing comes
        log.exception("%s failed", what)
        yield failed(f"Something went wrong on the server ({type(error).__name__}).")
    else:
        return
    yield gr.skip()  # Gradio repeats the last output at the end, and blanks it where there was none
