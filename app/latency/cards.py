"""Device cards as the page shows them, and the paper's ratios beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mpm.errors import InputError
from mpm.measure.device_card import PLAIN_RUNTIME, CardResult, DeviceCard, parse_card
from mpm.runtimes import RuntimeChoice

MAX_CARDS = 8
MAX_NAME = 60

PAPER = (
    ("Raspberry Pi 5, Seg-T/16, batch 1", 1.06, 1.71),
    ("H100, Seg-T/16, batch 32", 660, 831),
    ("H100, Seg-B/16, batch 32", 133, 177),
    ("H100, Seg-L/16, batch 32", 47, 74),
    ("H100 with FlashAttention-2, ViT-L, batch 32", 375, 456),
)
"""Images a second on ADE20K, baseline and merged, as the paper reports them (arXiv 2604.05718)."""


def encode_cards(files: Sequence[Any]) -> str:
    """Files {name, text} -> {schema, cards, refused [sentences]}. Nothing of a bad file is shown."""
    cards, refused = [], []
    for file in files[:MAX_CARDS]:
        name, text = _name(file), file.get("text") if isinstance(file, dict) else None
        try:
            cards.append(_shown(name, parse_card(text if isinstance(text, str) else "")))
        except InputError as error:
            refused.append(f"{name}: {error}")
    return json.dumps({"schema": 1, "cards": cards, "refused": refused, "paper": paper_ratios()})


def paper_ratios() -> list[dict]:
    """The paper's speed-ups: ratios only, never milliseconds of this page's kind."""
    return [{"name": name, "ratio": round(after / before, 3)} for name, before, after in PAPER]


def no_cards() -> str:
    """The message of a page on which no card was opened yet."""
    return encode_cards([])


def _name(file: Any) -> str:
    name = file.get("name") if isinstance(file, dict) else None
    text = name if isinstance(name, str) and name else "a file"
    return "".join(letter for letter in text if letter.isprintable())[:MAX_NAME]


def _shown(file: str, card: DeviceCard) -> dict:
    machine, own = card.machine, card.settings
    width, height = own["image_wh_px"]
    device = machine["device"].partition(": ")[2] or machine["device"]
    return {
        "file": file,
        "title": device,
        "note": (
            f"{own['model']} ({own['weights']} weights), {width:.0f} × {height:.0f} px, "
            f"{own['patches']} patches, batch {own['batch']}, {own['dtype']}, {own['threads']} threads, "
            f"torch {machine['torch']}, {card.created}"
        ),
        "work": [own["model"], own["patches"], own["batch"]],
        "results": [_result(one) for one in card.results],
    }


def _runtime_title(text: str) -> str:
    """Empty for PyTorch; one that is not known here keeps the card's own words."""
    if text == PLAIN_RUNTIME:
        return ""
    try:
        return RuntimeChoice.parse(text).title
    except InputError:
        return text


def _result(one: CardResult) -> dict:
    return {
        "schedule": one.schedule,
        "runtime": _runtime_title(one.runtime),
        "median": round(1000 * one.median, 3),
        "p10": round(1000 * one.p10, 3),
        "p90": round(1000 * one.p90, 3),
        "speedup": list(one.speedup),
        "runs": one.runs,
    }
