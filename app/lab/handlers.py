"""What the lab's events do: dials -> a street, tokens kept, charts."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import gradio as gr

from app.engine.events import read_wish
from app.engine.generations import Wish
from app.engine.models import Models
from app.engine.pictures import Picture, Pictures
from app.engine.scheduler import Claim, Urgency
from app.inspector.payload import encode_offer
from app.lab.charts import PAPER_NIGHT, dial_chart, night_chart
from app.lab.experiments import STUDY_SEEDS, SWEEP_VALUES, day_and_night, draw, measure, sweep_dial
from app.server.toasts import bad_input_as_toast
from mpm.streets import Dials, Street


class LabHandlers:
    """Event handlers of the lab. Drawn streets are kept with their ground truth.

    wish: the JSON text of an `app.engine.generations.Wish`: its model and its recipe count here.
    """

    def __init__(self, models: Models, pictures: Pictures) -> None:
        self.models = models
        self.pictures = pictures

    def preview(
        self, wish: str, seed: float, *dials: float, request: gr.Request | None = None
    ) -> Iterator[tuple]:
        """The street of these dials at once, then how many of its tokens stay."""
        street = self._draw(seed, dials)
        wanted = read_wish(wish, request)
        with bad_input_as_toast():
            yield street.image, _card(f"Counting the tokens that stay at {wanted.recipe} …")
            engine = self.models.engine(wanted.model)
            point = measure(engine, street, wanted.recipe, claim=_claim(wanted, Urgency.ASKED))
        sentence = (
            f"{point.tokens} → {point.kept} tokens at {wanted.recipe}: {100 * point.share_kept:.1f} % kept."
        )
        yield gr.skip(), _card(sentence)

    def open(self, seed: float, *dials: float) -> str:
        """The street, with its ground truth, offered to the explorer."""
        return encode_offer(self.pictures.add(self._picture(seed, dials), lambda: self._picture(seed, dials)))

    def sweep(
        self, wish: str, dial: str, seed: float, *dials: float, request: gr.Request | None = None
    ) -> Iterator[tuple]:
        """Tokens kept along one dial, everything else as set: progress, then the chart."""
        wanted, points = read_wish(wish, request), []
        with bad_input_as_toast():
            claim, engine = _claim(wanted, Urgency.AHEAD), self.models.engine(wanted.model)
            for point in sweep_dial(engine, seed, Dials(*dials), dial, wanted.recipe, claim):
                points.append(point)
                yield gr.skip(), _progress(len(points), len(SWEEP_VALUES[dial]))
        yield dial_chart(points, dial, wanted.recipe), _card("One street, one dial; nothing else changes.")

    def night(
        self, wish: str, seed: float, *dials: float, request: gr.Request | None = None
    ) -> Iterator[tuple]:
        """The paper's comparison by day and by night, on many streets: progress, then the chart."""
        wanted, pairs = read_wish(wish, request), []
        with bad_input_as_toast():
            claim, engine = _claim(wanted, Urgency.AHEAD), self.models.engine(wanted.model)
            for pair in day_and_night(engine, wanted.recipe, Dials(*dials), STUDY_SEEDS, claim):
                pairs.append(pair)
                yield gr.skip(), _progress(len(pairs), len(STUDY_SEEDS))
        yield night_chart(pairs, wanted.recipe), _card(PAPER_NIGHT)

    def _picture(self, seed: float, dials: tuple[float, ...]) -> Picture:
        street = self._draw(seed, dials)
        return Picture.of(street.image, title=f"Street {street.seed}", truth=street.labels)

    def _draw(self, seed: float, dials: tuple[float, ...]) -> Street:
        with bad_input_as_toast():
            return draw(seed, Dials(*dials))


def _claim(wish: Wish, urgency: Urgency) -> Claim:
    return Claim(wish.tab, urgency)


def _card(text: str) -> str:
    return f'<p class="lab-note">{escape(text)}</p>'


def _progress(done: int, total: int) -> str:
    words = f"{done} of {total} streets drawn and merged"
    return f'<p class="lab-note"><progress value="{done}" max="{total}"></progress> {words}</p>'
