"""The explorer on the page: its component, what it knows from the start, and the wiring of its events."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence

import gradio as gr

from app import texts
from app.engine.generations import Generations
from app.engine.models import Models
from app.engine.offers import DEFAULT, GROUPS, model_card
from app.engine.pictures import Examples, Pictures
from app.examples import EXAMPLES, FIRST_MESSAGE, Example
from app.inspector import Inspector
from app.inspector.handlers import Handlers
from app.inspector.messages import STOPS, rule_menu
from app.relay import Relay
from app.server.wiring import AT_ONCE, WORK
from mpm.merging.rule import has_own_rules


def explorer_section(
    models: Models,
    pictures: Pictures,
    generations: Generations,
    page: gr.Blocks,
    server_functions: Sequence[Callable] = (),
) -> gr.HTML:
    """Build the explorer inside the present Blocks. Its event `race` is left to the latency section.

    server_functions: what the browser may call directly, by name.
    """
    shipped = shipped_examples()
    examples = Examples(shipped, pictures)
    on = Handlers(models, pictures, examples, generations)
    first = first_message(models.own.model)
    if first:
        examples.find(shipped[0].stem)  # whoever sees the first view may ask about its picture
    facts = json.dumps(page_facts(models, shipped, bool(first)))
    explorer = Inspector(first, page=facts, server_functions=list(server_functions), padding=False)
    runs, answers, features, curves = (Relay() for _ in range(4))

    explorer.act(on.act, None, None, **AT_ONCE)
    explorer.open(on.open, None, explorer, **WORK)
    explorer.custom(on.custom, None, runs, **WORK)
    explorer.missing(on.missing, None, runs, **WORK)
    explorer.patch(on.patch, None, answers, **WORK)
    explorer.save(on.save, None, answers, **WORK)
    explorer.features(on.features, None, features, **WORK)
    explorer.curves(on.curves, None, curves, **WORK)
    page.unload(on.gone)
    return explorer


def page_facts(models: Models, shipped: list[Example], has_first: bool) -> dict:
    """What the explorer knows before any picture."""
    return {
        "title": texts.TITLE,
        "models": [model_card(offer) for offer in models.offers()],
        "groups": list(GROUPS),
        "model": models.default,
        "examples": [_thumbnail(example) for example in shipped],
        "selected_example": shipped[0].stem if shipped else None,
        "links": texts.links(),
        "stops": list(STOPS),
        "first": has_first,
    }


def first_message(model: str) -> str | None:
    """What the bundled model makes of the first example; other models have to be asked."""
    if model != DEFAULT or not FIRST_MESSAGE.is_file():
        return None
    text = FIRST_MESSAGE.read_text(encoding="utf-8")
    return json.dumps(json.loads(text) | {"rules": rule_menu()}) if has_own_rules() else text


def shipped_examples() -> list[Example]:
    """Examples whose pictures are there."""
    return [example for example in EXAMPLES if example.picture.is_file()]


def _thumbnail(example: Example) -> dict:
    data = base64.b64encode(example.thumbnail()).decode("ascii")
    return {
        "name": example.stem,
        "title": example.title,
        "kind": "photo" if example.drawing is None else "synthetic street",
        "credit": example.credit,
        "thumbnail": f"data:image/jpeg;base64,{data}",
    }
