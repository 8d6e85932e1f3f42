"""What choosing a model does: download where needed, then hand its name to the rest of the page."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from html import escape

import gradio as gr

from app import texts
from app.engine.models import DEFAULT, Models, Offer
from app.server.staleness import Tabs, tab_of
from mpm.errors import InputError

log = logging.getLogger("mpm.app")


class ModelHandlers:
    """Event handlers of the menu of models."""

    def __init__(self, models: Models, tabs: Tabs | None = None) -> None:
        self.models = models
        self.tabs = tabs or Tabs()

    def menu(self) -> list[tuple[str, str]]:
        """(line, name) of every model on offer, the page's own first."""
        return [(offer.line, offer.name) for offer in self.models.offers()]

    def note(self, name: str) -> str:
        """HTML: what the model knows and under which licence it comes."""
        offer = next(offer for offer in self.models.offers() if offer.name == name)
        return _card(_about(offer))

    def choose(
        self, wanted: str, current: str, moment: float | None = None, request: gr.Request | None = None
    ) -> Iterator[tuple]:
        """(the page's model, the menu, its note): progress first, then the model or why it stays the old.

        Says no more once another model has been chosen after that moment; a download goes on all the same.
        """
        tab = tab_of(request)
        self.tabs.models.note(tab, moment)
        for shown in self._chosen(wanted, current):
            if self.tabs.models.since(tab, moment):
                yield gr.skip(), gr.skip(), gr.skip()  # Gradio repeats the last outputs at the end, or blanks
                return
            yield shown

    def _chosen(self, wanted: str, current: str) -> Iterator[tuple]:
        try:
            for done, total in self.models.fetch(wanted):
                yield gr.skip(), gr.skip(), _progress(wanted, done, total)
            self.models.engine(wanted)
        except InputError as error:
            yield gr.skip(), gr.update(value=current), _card(f"{error}. The model stays {current}.")
            return
        except OSError:
            log.exception("the model %s could not be downloaded", wanted)
            sentence = f"The model {wanted} could not be downloaded; the model stays {current}."
            yield gr.skip(), gr.update(value=current), _card(sentence)
            return
        yield wanted, gr.update(choices=self.menu(), value=wanted), self.note(wanted)


def _about(offer: Offer) -> str:
    if offer.name == DEFAULT:
        return texts.KNOWS
    licence = f" Licence: {offer.licence}." if offer.licence else ""
    knows = texts.DATA_SETS.get(offer.data_set, offer.data_set) or "classes of its own"
    return f"It knows {knows}: masks are meaningful on such pictures, merges on any.{licence}"


def _card(text: str) -> str:
    return f'<p class="knows" role="status">{escape(text)}</p>'


def _progress(name: str, done: int, total: int | None) -> str:
    share = f'value="{done}" max="{total}"' if total else ""
    whole = f" of {total / 1e6:.0f}" if total else ""
    words = f"Downloading {name}: {done / 1e6:.0f}{whole} MB"
    return f'<p class="knows" role="status"><progress {share}></progress> {escape(words)}</p>'
