"""From runs to the inspector's messages: what the browser is told, and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from app.engine.engine import Engine, digest
from app.engine.picture_notes import NOTES
from app.engine.zerogpu import on_zerogpu
from app.inspector.image_view import ImageView
from app.inspector.payload import encode, encode_controls, encode_failure, encode_runs
from mpm.errors import InputError
from mpm.merging.grid import Grid
from mpm.merging.recipe import Recipe
from mpm.merging.rule_call import RuleCall
from mpm.merging.schedule import PRESETS

BASELINE = "none"
STOPS = tuple(str(preset) for preset in PRESETS)
ANSWERS = ("heat", "custom", "mask", "npz", "report", "python")
"""What the page can make on the inspector's request."""


def view_key(engine: Engine, rgb: np.ndarray) -> str:
    """Names picture and model; a checkpoint of one's own by the last part of its path."""
    return f"{digest(rgb)}-{engine.name}"


def image_view(
    engine: Engine, rgb: np.ndarray, truth: np.ndarray | None = None, title: str = "", notes: tuple = ()
) -> ImageView:
    """A picture as the inspector shows it, with the model's classes."""
    segmenter = engine.segmenter
    return ImageView(
        key=view_key(engine, rgb),
        image=rgb,
        class_names=segmenter.class_names,
        palette=segmenter.palette,
        depth=segmenter.depth,
        schedules=STOPS,
        title=title,
        notes=notes,
        truth=truth,
        ignore_index=segmenter.config.labels.ignore_index,
        baseline=BASELINE,
        can=ANSWERS,
        rules=rule_menu(),
        named=engine.named_recipes,
    )


def rule_menu() -> list[dict]:
    """The rules that a recipe may name, those of the program's own files too."""
    from mpm.merging.rule import rules

    return [one.describe() for one in rules()]


def explore(
    engine: Engine, rgb: np.ndarray, selected: str, truth: np.ndarray | None = None, title: str = ""
) -> Iterator[str]:
    """Messages of one picture: the chosen schedule beside the baseline first, then every other stop.

    Raises InputError where the sweep does; the stops that are left out then are named before.
    """
    order = list(dict.fromkeys([selected, BASELINE, *STOPS]))
    runs: dict = {}
    try:
        yield from _explored(engine, rgb, order, runs, selected, truth, title)
    except InputError as error:
        yield encode_failure(view_key(engine, rgb), [name for name in order if name not in runs], str(error))
        raise


def _explored(
    engine: Engine, rgb: np.ndarray, order: list[str], runs: dict, selected: str, truth, title: str
) -> Iterator[str]:
    """The messages, while `runs` is filled."""
    view = None
    for run in engine.sweep(rgb, order):
        name = str(run.recipe)
        runs[name] = run
        if BASELINE not in runs or selected not in runs:
            continue
        timing = {own: estimate(other) for own, other in runs.items()}
        if view is None:
            remark = engine.segmenter.config.remark
            notes = (*NOTES.find(rgb), *run.notes, *filter(None, [remark]))
            view = image_view(engine, rgb, truth, title, notes)
            yield encode(view, runs, selected=selected, timings=timing)
        else:
            yield encode_runs(view, {name: run}, baseline=runs[BASELINE], timings=timing, sent=runs)


def first_message(
    engine: Engine, rgb: np.ndarray, truth: np.ndarray, title: str, selected: str = "2,5"
) -> str:
    """Everything about one example in one message, without timings: those belong to another machine."""
    runs = {str(run.recipe): run for run in engine.sweep(rgb, STOPS)}
    return encode(image_view(engine, rgb, truth, title), runs, selected=selected)


def estimate(run) -> dict | None:
    """A sweep's timing in the inspector's terms. On ZeroGPU none: races, on its CPU, are no match for it."""
    if on_zerogpu():
        return None
    return {"median_ms": 1000 * run.timing.total, "estimated": run.timing.estimated}


def runs_message(engine: Engine, rgb: np.ndarray, asked: Sequence[str]) -> str:
    """More runs of a picture that the browser already shows.

    Raises InputError for a recipe that is none, and for one whose patches are not those of the view.
    """
    own_texts = {text: str(engine.read_recipe(text)) for text in asked}
    wanted = list(dict.fromkeys([BASELINE, *own_texts.values()]))
    runs = {str(run.recipe): run for run in engine.sweep(rgb, wanted)}
    for name, run in runs.items():
        _check_grid(name, run.grid, runs[BASELINE].grid)
    timing = {name: estimate(run) for name, run in runs.items()}
    renamed = {text: own for text, own in own_texts.items() if text != own}
    view = image_view(engine, rgb)
    return encode_runs(view, runs, baseline=runs[BASELINE], timings=timing, renamed=renamed)


def _check_grid(name: str, grid: Grid, shown: Grid) -> None:
    if (grid.rows, grid.cols) != (shown.rows, shown.cols):
        raise InputError(
            f"recipe {name} cuts the picture into {grid.rows} x {grid.cols} patches, but this view shows "
            f"{shown.rows} x {shown.cols}: `mpm segment` and `mpm bench` run it"
        )


def drawn_at_random(recipe: str) -> str:
    """The control of a recipe: random pairs at the same blocks."""
    return str(Recipe.parse(recipe).with_rule(RuleCall("random")))


def controls_message(engine: Engine, rgb: np.ndarray) -> str:
    """What random pairs at the same counts would do: tokens kept and agreement with the baseline."""
    runs = dict(zip(STOPS, engine.sweep(rgb, list(map(drawn_at_random, STOPS))), strict=True))
    labels = runs[BASELINE].labels
    controls = {
        name: {
            "kept": run.trace.token_counts[-1] / run.trace.token_counts[0],
            "agreement": float((run.labels == labels).mean()),
        }
        for name, run in runs.items()
    }
    return encode_controls(view_key(engine, rgb), controls)
