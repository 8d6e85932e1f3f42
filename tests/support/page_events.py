"""What a browser sends, and what it is told, without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import SimpleNamespace

import numpy as np
from PIL import Image


def tab(name: str = "tab") -> SimpleNamespace:
    """The request of a browser tab."""
    return SimpleNamespace(session_hash=name)


def wish(generation: float = 1, picture=None, model: str | None = None, recipe: str = "2,5") -> dict:
    """What a tab wants. picture: a Picture, a digest or None."""
    named = getattr(picture, "digest", picture)
    return {"generation": generation, "picture": named, "model": model, "recipe": recipe}


def event(generation: float = 1, picture=None, model=None, recipe: str = "2,5", **fields) -> SimpleNamespace:
    """An event of the explorer: a wish and its own fields, which may say otherwise."""
    return SimpleNamespace(_data={**wish(generation, picture, model, recipe), **fields})


def told(messages: Iterable) -> list[dict]:
    """The messages that arrive in the browser: `gr.skip()` does not."""
    return [json.loads(message) for message in messages if isinstance(message, str)]


def first_told(messages: Iterable, kind: str) -> dict:
    """The first message of that kind; what would come after it is not run."""
    told_so_far = (json.loads(message) for message in messages if isinstance(message, str))
    return next(message for message in told_so_far if message["kind"] == kind)


def kinds(messages: Iterable) -> list[str]:
    """Kinds of messages, repeated ones once."""
    return list(dict.fromkeys(message["kind"] for message in told(messages)))


def only_failure(messages: Iterable) -> dict:
    """The one message, which says what could not be done, in one short sentence."""
    messages = list(messages)
    (failed,) = told(messages)
    assert failed["kind"] == "failed" and 0 < len(failed["message"]) <= 400
    assert failed["message"][0].isupper() and failed["message"][-1] in ".…"
    assert len(messages[0]) < 3000
    return failed


def uploaded(folder, rgb: np.ndarray, name: str = "picture.png") -> str:
    """A picture as a file in the folder for uploads."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path)
    return str(path)
