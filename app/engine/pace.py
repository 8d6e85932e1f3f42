"""How long models take here, from what they took: measured once they ran, told from another before that."""

from __future__ import annotations

import math
import statistics
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from app.engine.offers import Offer

KEPT_RUNS = 9
USUAL_PATCHES = (("eomt-small", 1600), ("eomt-base", 1600), ("patch8", 2048), ("640", 2048), ("dinov2", 1813))
"""Patches of a photo, by a part of the model's name."""
CITYSCAPES_PATCHES, OTHER_PATCHES = 2048, 1376
"""Large models take no more than the first here; a photo of 512 px has the second."""


@dataclass(frozen=True)
class Pace:
    """Seconds that an unmerged run over so many patches takes."""

    seconds: float
    patches: int


class Paces:
    """The latest unmerged runs of each model. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, deque[Pace]] = {}

    def note(self, model: str, seconds: float, patches: int) -> None:
        with self._lock:
            self._runs.setdefault(model, deque(maxlen=KEPT_RUNS)).append(Pace(seconds, patches))

    def of(self, model: str) -> Pace | None:
        """Median of its latest runs over as many patches as the last had; None where it never ran."""
        with self._lock:
            runs = list(self._runs.get(model, ()))
        if not runs:
            return None
        alike = [run.seconds for run in runs if run.patches == runs[-1].patches]
        return Pace(statistics.median(alike), runs[-1].patches)


def pace_texts(offers: Iterable[Offer], paces: Paces, own: str, own_parameters: float) -> dict[str, str]:
    """How long a run takes here, by model; nothing is said before the page's own model ran.

    own: its name; own_parameters: how many it has.
    """
    reference = paces.of(own)
    told = {offer.name: _text(offer, paces.of(offer.name), reference, own_parameters) for offer in offers}
    return {name: text for name, text in told.items() if text}


def _text(offer: Offer, measured: Pace | None, reference: Pace | None, own_parameters: float) -> str:
    if measured:
        return f"{seconds_text(measured.seconds)} a run here"
    if reference is None or not offer.parameters_m:
        return ""
    more = _work(offer.parameters_m * 1e6, _usual_patches(offer)) / _work(own_parameters, reference.patches)
    return f"about {seconds_text(reference.seconds * more)} a run here"


def _work(parameters: float, patches: int) -> float:
    """What a run takes, up to a factor: each patch meets all weights, and in attention all patches.

    A ViT of L blocks and C channels has 12 L C^2 weights, so L C is about their square root.
    """
    return patches * (parameters + 2 * patches * math.sqrt(parameters))


def _usual_patches(offer: Offer) -> int:
    known = (patches for part, patches in USUAL_PATCHES if part in offer.name)
    return next(known, CITYSCAPES_PATCHES if offer.data_set == "cityscapes" else OTHER_PATCHES)


def seconds_text(seconds: float) -> str:
    """Two digits, and never more exact than a tenth of a second where it is that long."""
    if seconds < 0.1:
        return f"{max(1, round(1000 * seconds))} ms"
    return f"{seconds:.1f} s" if seconds < 10 else f"{round(seconds)} s"
