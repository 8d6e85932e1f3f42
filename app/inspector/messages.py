"""From runs to the explorer's messages: what the browser is told, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from app.engine.engine import Engine
from app.engine.pictures import Picture
from app.engine.scheduler import Claim
from app.engine.steps import Waiting, runs_only
from app.inspector.image_view import ImageView
from app.inspector.payload import (
    encode,
    encode_explored,
    encode_failure,
    encode_runs,
    encode_waiting,
)
from app.server.toasts import sentence_of
from mpm.data.labels import STREETS
from mpm.errors import InputError
from mpm.merging.grid import Grid
from mpm.merging.schedule import PAPER, PRESETS

if TYPE_CHECKING:
    from mpm.merging.recipe import Recipe

BASELINE = "none"
Paces = Callable[[], Mapping[str, str]]
"""How long a run of each model takes here, in words, as far as it can be told by now."""
STOPS = tuple(str(preset) for preset in PRESETS)
SHIPPED_STOPS = ("none", "2", "2,5", "2,5,8", "0,2,4,6,8")
"""Those that the page brings along: with all of them its HTML would be a fifth larger."""
ANSWERS = (
    "heat", "custom", "features", "curves",
    "mask", "npz", "report", "python", "figure-png", "figure-svg", "figure-pdf",
)  # fmt: skip
"""What the page can make on the explorer's request."""


def view_key(engine: Engine, picture: Picture) -> str:
    """Names picture and model; a checkpoint of one's own by the last part of its path."""
    return f"{picture.digest}-{engine.name}"


def image_view(engine: Engine, picture: Picture, card: Mapping[str, Any]) -> ImageView:
    """A picture as the explorer shows it, with the model's classes. card: the model's, of the menu."""
    segmenter = engine.segmenter
    return ImageView(
        key=view_key(engine, picture),
        image=picture.rgb,
        class_names=segmenter.class_names,
        palette=segmenter.palette,
        depth=segmenter.depth,
        schedules=STOPS,
        title=picture.title,
        truth=truth_for(engine, picture),
        ignore_index=segmenter.config.labels.ignore_index,
        baseline=BASELINE,
        can=ANSWERS if segmenter.needs_grid else (*ANSWERS, DECODE_MERGED),
        rules=rule_menu(),
        named=engine.named_recipes,
        picture=picture.digest,
        model=card,
    )


DECODE_MERGED = "decode-merged"


def truth_for(engine: Engine, picture: Picture):
    """The picture's labels, where they are this model's classes."""
    return picture.truth if engine.segmenter.config.labels.name == STREETS.name else None


def rule_menu() -> list[dict]:
    """The rules that a recipe may name, those of the program's own files too."""
    from mpm.merging.rule import rules

    return [one.describe() for one in rules()]


def explore(
    engine: Engine,
    picture: Picture,
    wanted: str,
    claim: Claim,
    generation: float = 0,
    card: Mapping[str, Any] | None = None,
    paces: Paces = dict,
) -> Iterator[str]:
    """Messages of one picture: the wanted recipe beside the baseline first, then every stop of the slider.

    card: the model's, of the menu. A recipe that does not fit the model gives way to the paper's. Raises
    InputError where the sweep does.
    """
    selected = fitting(wanted, engine)
    order = list(dict.fromkeys([selected, BASELINE, *STOPS]))
    runs = engine.at_hand(picture, order)
    asked = len({selected, BASELINE} - runs.keys())
    steps = engine.sweep(picture, [name for name in order if name not in runs], claim, asked)
    try:
        yield from _filled(runs, steps, {selected, BASELINE}, generation)
    except InputError as error:
        if selected == str(PAPER):
            raise
        # Some recipes only fail when they run, such as a time that this device cannot meet.
        yield encode_failure("custom", generation, sentence_of(error), [selected])
        yield from explore(engine, picture, str(PAPER), claim, generation, card, paces)
        return
    view = _whole_view(engine, picture, runs[BASELINE], card or {})
    yield encode(view, runs, selected=selected, generation=generation, paces=paces())
    for run in runs_only(steps):
        runs[str(run.recipe)] = run
        yield encode_runs(view, {str(run.recipe): run}, baseline=runs[BASELINE], sent=runs)
    yield encode_explored(view.key, generation, runs, paces())


def _filled(runs: dict, steps: Iterator, wanted: set[str], generation: float) -> Iterator[str]:
    """Runs are added until all that is wanted is there; yields how the waiting goes."""
    while not wanted <= runs.keys():
        step = next(steps)
        if isinstance(step, Waiting):
            yield waiting_message(step, generation)
        else:
            runs[str(step.recipe)] = step


def waiting_message(waiting: Waiting, generation: float) -> str:
    """How many are served first, and about how long that takes."""
    people = f"{waiting.ahead} {'person' if waiting.ahead == 1 else 'people'} ahead"
    text = people if waiting.ahead else "Waiting for the run that is on"
    return encode_waiting(generation, f"{text}, about {max(1, round(waiting.about_s))} s")


def first_message(engine: Engine, picture: Picture, selected: str = str(PAPER)) -> str:
    """One example in one message, as it ships inside the page. The other stops the browser asks for."""
    runs = {str(run.recipe): run for run in runs_only(engine.sweep(picture, SHIPPED_STOPS))}
    view = _whole_view(engine, picture, runs[BASELINE], {})
    return encode(view, runs, selected=selected, sent=STOPS)


def runs_messages(
    engine: Engine,
    picture: Picture,
    asked: Sequence[str],
    claim: Claim,
    generation: float = 0,
    paces: Paces = dict,
) -> Iterator[str]:
    """More runs of a picture that the browser already shows: how the waiting goes, then all at once.

    Raises InputError for a recipe that is none, and for one whose patches are not those of the view.
    """
    own_texts = {text: str(read_fitted(engine, text)) for text in asked}
    runs = {}
    for step in engine.sweep(picture, [BASELINE, *own_texts.values()], claim):
        if isinstance(step, Waiting):
            yield waiting_message(step, generation)
        else:
            runs[str(step.recipe)] = step
    for name, run in runs.items():
        _check_grid(name, run.grid, runs[BASELINE].grid)
    renamed = {text: own for text, own in own_texts.items() if text != own}
    view, baseline = image_view(engine, picture, {}), runs[BASELINE]
    yield encode_runs(view, runs, baseline=baseline, renamed=renamed, paces=paces())


def fitting(wanted: str, engine: Engine) -> str:
    """The recipe, or what comes next to it: for a head that needs the grid without merged decoding; else,
    where this model has no such blocks or rules, the paper's."""
    with suppress(InputError):
        # The view has one grid, that of the page's input size.
        return str(replace(read_fitted(engine, wanted), resolution_px=None))
    return str(PAPER)


def read_fitted(engine: Engine, text: str) -> Recipe:
    """A recipe of another model: without merged decoding where this one's head needs the grid."""
    from mpm.merging.recipe import Recipe

    segmenter = engine.segmenter
    return engine.read_recipe(segmenter.fitted(Recipe.parse(text, segmenter.shape)))


def _whole_view(engine: Engine, picture: Picture, baseline, card: Mapping[str, Any]) -> ImageView:
    """A picture with what its unmerged run tells of it."""
    from mpm.segmenters.confidence import is_unsure

    config = engine.segmenter.config
    return replace(
        image_view(engine, picture, card),
        notes=(*picture.notes, *baseline.notes, *filter(None, [config.remark])),
        reference=asdict(config.confidence) if config.confidence else None,
        is_unsure=is_unsure(baseline.confidence, config.confidence),
    )


def _check_grid(name: str, grid: Grid, shown: Grid) -> None:
    if (grid.rows, grid.cols) != (shown.rows, shown.cols):
        raise InputError(
            f"Recipe {name} cuts the picture into {grid.rows} x {grid.cols} patches, but this view shows "
            f"{shown.rows} x {shown.cols}: `mpm segment` and `mpm bench` run it"
        )
