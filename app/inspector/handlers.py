"""What the explorer's events do: plain methods on plain values, tested without a browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr

from app.engine.engine import Engine
from app.engine.events import LONGEST_RECIPE, answered, as_dict, read_event
from app.engine.generations import CAMERA, KINDS, RECIPE, VIEW, Generations, Wish, tab_of
from app.engine.models import Models
from app.engine.offers import model_card
from app.engine.pictures import Examples, Picture, Pictures
from app.engine.scheduler import Urgency
from app.engine.steps import runs_only
from app.errors import Overtaken
from app.inspector.curves import curve_methods, draw_curves, encode_curves
from app.inspector.downloads import make_download
from app.inspector.features_message import encode_features
from app.inspector.messages import STOPS, explore, runs_messages, view_key
from app.inspector.payload import (
    encode_failure,
    encode_file,
    encode_heat,
    encode_picture,
    encode_waiting,
)
from app.server.uploads import open_upload
from mpm.errors import InputError, cut
from mpm.merging.rule import rules

LOOK_EVERY_S = 0.5
LONGEST_TITLE = 60
LONGEST_SPEED = 120


class Handlers:
    """Event handlers over the page's models. What a person did is never kept between calls.

    Every event is a wish (see `app.engine.generations`) and what it asks for; every answer is a message.
    What cannot be done is told by a message, too: one sentence, and nothing else changes on the page.
    """

    def __init__(
        self, models: Models, pictures: Pictures, examples: Examples, generations: Generations | None = None
    ) -> None:
        self.models = models
        self.pictures = pictures
        self.examples = examples
        self.generations = generations or Generations()

    def act(self, event: gr.EventData, request: gr.Request | None = None) -> None:
        """Something changed for which nothing has to be run: what it makes stale ends."""
        wish, fields = read_event(event, request)
        if fields.get("kind") in KINDS:
            self.generations.note(wish.tab, fields["kind"], wish.generation)

    def gone(self, request: gr.Request) -> None:
        """The tab was closed."""
        self.generations.close(tab_of(request))

    def open(self, event: gr.EventData, request: gr.Request | None = None) -> Iterator[str]:
        """A picture through a model: the picture, then its runs."""
        wish, fields = read_event(event, request)
        self.generations.note(wish.tab, VIEW, wish.generation)
        yield from told("open", wish, self._opened(wish, as_dict(fields.get("source"))))

    def custom(self, event: gr.EventData, request: gr.Request | None = None) -> Iterator[str]:
        """A recipe made on the strip or in a menu: its run."""
        wish, _ = read_event(event, request)
        self.generations.note(wish.tab, RECIPE, wish.generation)
        yield from told("custom", wish, self._run(wish, [wish.recipe], VIEW, RECIPE), [wish.recipe])

    def missing(self, event: gr.EventData, request: gr.Request | None = None) -> Iterator[str]:
        """Runs whose message was overtaken by a later one."""
        wish, fields = read_event(event, request)
        given = fields.get("schedules")
        wanted = [str(one) for one in given][: len(STOPS)] if isinstance(given, list) else []
        yield from told("missing", wish, self._run(wish, wanted, VIEW), wanted)

    def save(self, event: gr.EventData, request: gr.Request | None = None) -> Iterator[str]:
        """A file that only Python can write, for the browser that asked."""
        wish, fields = read_event(event, request)
        yield from told("save", wish, self._saved(wish, fields))

    def patch(self, event: gr.EventData, request: gr.Request | None = None) -> Iterator[str]:
        """Similarity of the pinned patch to all others."""
        wish, fields = read_event(event, request)
        yield from told("patch", wish, self._similarity(wish, fields))

    def features(self, event: gr.EventData, request: gr.Request | None = None) -> Iterator[str]:
        """The final tokens as colours, of the unmerged run and of the recipe."""
        wish, _ = read_event(event, request)
        yield from told("features", wish, self._features(wish))

    def curves(self, event: gr.EventData, request: gr.Request | None = None) -> Iterator[str]:
        """What all methods do to this picture; everybody else goes first."""
        wish, _ = read_event(event, request)
        yield from told("curves", wish, self._curves(wish))

    def _opened(self, wish: Wish, source: Mapping[str, Any]) -> Iterator[str]:
        self._check_wanted(wish)
        picture = self._picture(source)
        yield encode_picture(picture, wish.generation, notes=picture.notes)
        yield from self._fetched(wish)
        engine = self.models.engine(wish.model)
        while not engine.wait(0):
            yield encode_waiting(wish.generation, "The model is being loaded")
            engine.wait(LOOK_EVERY_S)
            self._check_wanted(wish)
        patches = engine.segmenter.plan(picture.wh_px, max_patches=engine.max_patches).grid.size
        yield encode_picture(picture, wish.generation, patches, picture.notes)
        claim = self.generations.claim(wish, Urgency.ASKED, VIEW)
        card = model_card(self.models.offer(wish.model))
        self._check_wanted(wish)  # runs at hand take no turn, which would ask
        paces = self.models.paces
        yield from explore(engine, picture, wish.recipe, claim, wish.generation, card, paces)

    def _picture(self, source: Mapping[str, Any]) -> Picture:
        """From {example}, {upload, name} or {picture}."""
        if "example" in source:
            return self.examples.find(str(source["example"]))
        if "upload" in source:
            path, title = str(source["upload"]), _title(source.get("name"))
            return self.pictures.add(_decoded(path, title), lambda: _decoded(path, title))
        return self.pictures.find(str(source.get("picture")))

    def _fetched(self, wish: Wish) -> Iterator[str]:
        """Downloads the model where needed; a download goes on when nobody waits for it any more."""
        if wish.model is None:
            return
        for done, total in self.models.fetch(wish.model):
            megabytes = f"{done / 1e6:.0f}" + (f" of {total / 1e6:.0f}" if total else "")
            text = f"Downloading {wish.model}: {megabytes} MB"
            yield encode_waiting(wish.generation, text, done, total)
            self._check_wanted(wish)

    def _run(self, wish: Wish, recipes: list[str], *kinds: str) -> Iterator[str]:
        if not recipes:
            return
        engine, picture = self.seen(wish)
        claim = self.generations.claim(wish, Urgency.ASKED, *kinds)
        yield from runs_messages(engine, picture, recipes, claim, wish.generation, self.models.paces)

    def _saved(self, wish: Wish, fields: Mapping[str, Any]) -> Iterator[str]:
        engine, picture = self.seen(wish)
        claim = self.generations.claim(wish, Urgency.ASKED, VIEW)
        speed = fields.get("speed")
        told = cut(speed, LONGEST_SPEED) if isinstance(speed, str) else None
        made = make_download(engine, picture, wish.recipe, str(fields.get("what")), claim, told)
        yield encode_file(view_key(engine, picture), made.name, made.mime, made.content)

    def _similarity(self, wish: Wish, fields: Mapping[str, Any]) -> Iterator[str]:
        engine, picture = self.seen(wish)
        stage, patch = (whole_number(fields, name) for name in ("stage", "patch"))
        claim = self.generations.claim(wish, Urgency.ASKED, VIEW)
        values = engine.similarity(picture, wish.recipe, stage, patch, claim)
        yield encode_heat(view_key(engine, picture), wish.recipe, stage, patch, values)

    def _features(self, wish: Wish) -> Iterator[str]:
        engine, picture = self.seen(wish)
        recipe = str(engine.read_recipe(wish.recipe))
        claim = self.generations.claim(wish, Urgency.ASKED, VIEW)
        colours = engine.feature_colours(picture, recipe, claim)
        yield encode_features(view_key(engine, picture), recipe, colours)

    def _curves(self, wish: Wish) -> Iterator[str]:
        engine, picture = self.seen(wish)
        segmenter, key = engine.segmenter, view_key(engine, picture)
        claim = self.generations.claim(wish, Urgency.IDLE, VIEW, CAMERA)
        methods = curve_methods(segmenter.depth, segmenter.config.resolution, rules())
        for curves in draw_curves(lambda recipes: runs_only(engine.sweep(picture, recipes, claim)), methods):
            yield encode_curves(key, curves)

    def seen(self, wish: Wish) -> tuple[Engine, Picture]:
        """What a wish is about. Raises InputError where model or picture are not here."""
        return self.models.engine(wish.model), self.pictures.find(wish.picture)

    def _check_wanted(self, wish: Wish) -> None:
        if self.generations.is_over(wish.tab, wish.generation, VIEW):
            raise Overtaken


def told(what: str, wish: Wish, messages: Iterator[str], schedules: list[str] | None = None) -> Iterator:
    """The messages; where they cannot be made, a `failed` one with the reason."""
    named = [cut(one, LONGEST_RECIPE) for one in schedules or ()]
    return answered(what, messages, lambda sentence: encode_failure(what, wish.generation, sentence, named))


def whole_number(fields: Mapping[str, Any], name: str) -> int:
    """A number that a browser sent. Raises InputError for anything else."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{name} must be a whole number")
    return value


def _decoded(path: str, title: str) -> Picture:
    decoded = open_upload(path)
    return Picture.of(decoded.rgb, title=title, notes=tuple(decoded.notes))


def _title(name: Any) -> str:
    """A file's name without its ending, as far as it can be shown."""
    text = "".join(letter for letter in str(name or "") if letter.isprintable())
    stem = text.rpartition(".")[0].strip()
    return (stem or text.strip())[:LONGEST_TITLE].strip() or "Your picture"
