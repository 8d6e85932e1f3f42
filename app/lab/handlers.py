"""What the lab's events do: dials -> a street, tokens kept, charts."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import gradio as gr
import numpy as np

from app.engine.ground_truth import Truths
from app.engine.models import Models
from app.lab.charts import PAPER_NIGHT, dial_chart, night_chart
from app.lab.experiments import STUDY_SEEDS, SWEEP_VALUES, day_and_night, draw, measure, sweep_dial
from app.server.toasts import bad_input_as_toast
from mpm.streets import Dials, Street


class LabHandlers:
    """Event handlers of the lab. Drawn streets are remembered with their ground truth."""

    def __init__(self, models: Models, truths: Truths) -> None:
        self.models = models
        self.truths = truths

    def preview(self, model: str | None, chosen: str, seed: float, *dials: float) -> Iterator[tuple]:
        """The street of these dials at once, then how many of its tokens stay."""
        street = self._draw(seed, dials)
        yield street.image, _card(f"Counting the tokens that stay at {{{chosen}}} …")
        with bad_input_as_toast():
            point = measure(self.models.engine(model), street, chosen)
        sentence = f"{point.tokens} → {point.kept} tokens at {{{chosen}}}: {point.share_kept:.1%} kept."
        yield gr.skip(), _card(sentence)

    def open(self, seed: float, *dials: float) -> np.ndarray:
        """The street as the page's picture, with its ground truth."""
        street = self._draw(seed, dials)
        self.truths.remember(street.image, f"Street {street.seed}", street.labels)
        return street.image

    def sweep(self, model: str | None, chosen: str, dial: str, seed: float, *dials: float) -> Iterator[tuple]:
        """Tokens kept along one dial, everything else as set: progress, then the chart."""
        with bad_input_as_toast():
            points = []
            for point in sweep_dial(self.models.engine(model), seed, Dials(*dials), dial, chosen):
                points.append(point)
                yield gr.skip(), _progress(len(points), len(SWEEP_VALUES[dial]))
        yield dial_chart(points, dial, chosen), _card("One street, one dial; nothing else changes.")

    def night(self, model: str | None, chosen: str, seed: float, *dials: float) -> Iterator[tuple]:
        """The paper's comparison by day and by night, on many streets: progress, then the chart."""
        with bad_input_as_toast():
            pairs = []
            for pair in day_and_night(self.models.engine(model), chosen, Dials(*dials), STUDY_SEEDS):
                pairs.append(pair)
                yield gr.skip(), _progress(len(pairs), len(STUDY_SEEDS))
        yield night_chart(pairs, chosen), _card(PAPER_NIGHT)

    def _draw(self, seed: float, dials: tuple[float, ...]) -> Street:
        with bad_input_as_toast():
            return draw(seed, Dials(*dials))


def _card(text: str) -> str:
    return f'<p class="lab-note">{escape(text)}</p>'


def _progress(done: int, total: int) -> str:
    words = f"{done} of {total} streets drawn and merged"
    return f'<p class="lab-note"><progress value="{done}" max="{total}"></progress> {words}</p>'
