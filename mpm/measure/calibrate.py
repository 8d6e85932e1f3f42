"""Which recipes a model should be given, from pictures without labels.

Each picture goes through the unmerged run and every candidate in turn. What counts is the share of pixels
whose class changes, and how many times as fast the run was. Labels are never seen, so nothing is tuned on
what is reported later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mpm.errors import InputError
from mpm.measure.paired import paired_ratio
from mpm.merging.named import budget_text, scaled
from mpm.merging.recipe import Recipe
from mpm.segmenters.confidence import ConfidenceReference
from mpm.segmenters.segmentation_run import SegmentationRun
from mpm.segmenters.segmenter import Segmenter
from mpm.segmenters.sweep import sweep

OPTIONS = "|decode-merged,residual,sizes"
CANDIDATES = tuple(
    merges + OPTIONS
    for merges in (
        "2,5",
        "regions(0.97)@1",
        "regions(0.96)@0,1",
        "regions@1",
        "regions@0,1",
        "regions@0+regions(largest=6)@1",
        "regions@1+3",
        "regions@1+regions(largest=8)@3+5",
        "regions@0+regions(largest=6)@1+3",
        "regions@0,1+2,4",
        "regions@0+regions(largest=8)@1+regions(largest=16)@2+4",
        "regions@0+regions(largest=6)@1+2,4",
        "regions(0.94)@0+regions(0.94,6)@1+2,4",
    )
)
"""For twelve blocks, and scaled to other depths."""
THRESHOLDS = (0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92, 0.91, 0.9, 0.88, 0.85)
"""Of the adaptive recipe without a time to keep."""
CHANGED = {"light": 1.35, "fast": 2.75, "fastest": 3.6}
"""Per cent of the pixels that may change their class, on average over the pictures.

On training pictures of streets-vit-tiny that went with a loss of mIoU of about 0.3, 1.0 and 1.6 %.
"""


@dataclass(frozen=True)
class Candidate:
    """What a recipe did. changed: per cent of pixels; speed: how many times as fast; tokens_kept: a share."""

    recipe: str
    changed: float
    speed: float
    tokens_kept: float


@dataclass(frozen=True)
class Calibration:
    """What was found.

    candidates  in their order
    changed     (threshold, per cent of pixels changed), thresholds falling
    recipes     the text chosen for each name; a name is missing where no candidate fits
    confidence  of the unmerged masks; None where the model's say nothing
    """

    pictures: int
    candidates: tuple[Candidate, ...]
    changed: tuple[tuple[float, float], ...]
    recipes: Mapping[str, str] = field(default_factory=dict)
    confidence: ConfidenceReference | None = None


def calibrate(
    segmenter: Segmenter,
    pictures: Iterable[np.ndarray],
    candidates: Sequence[str] = CANDIDATES,
    thresholds: Sequence[float] = THRESHOLDS,
    limits: Mapping[str, float] = CHANGED,
) -> Calibration:
    """Run every candidate and threshold over every picture (H, W, 3) uint8 RGB, and choose.

    candidates: texts for twelve blocks. limits: for each name the per cent of pixels that may change; the
    fastest candidate below it is chosen. Raises InputError for no picture at all.
    """
    asked_texts = (budget_text(segmenter.depth, threshold=one) for one in thresholds)
    recipes = [_read(segmenter, text) for text in _own(candidates, segmenter)]
    asked = [_read(segmenter, text) for text in asked_texts]
    seen = [_see(segmenter, one, recipes, asked, number) for number, one in enumerate(pictures)]
    if not seen:
        raise InputError("There is no picture to calibrate on")
    *columns, sure = zip(*seen, strict=True)
    seconds, kept, changed = map(np.array, columns)
    share = [round(float(one), 3) for one in changed.mean(0)]
    found = tuple(
        Candidate(str(recipe), share[place], _speed(seconds, place + 1), round(float(left), 4))
        for place, (recipe, left) in enumerate(zip(recipes, kept.mean(0), strict=True))
    )
    curve = tuple(zip(thresholds, share[len(recipes) :], strict=True))
    return Calibration(len(seen), found, curve, choose(found, limits), _reference(sure))


def _read(segmenter: Segmenter, text: str) -> Recipe:
    """A recipe for this model: where the head needs the full grid, that is what it gets."""
    return segmenter.read_recipe(segmenter.fitted(Recipe.parse(text, segmenter.shape)))


def find_confidence(segmenter: Segmenter, pictures: Iterable[np.ndarray]) -> ConfidenceReference | None:
    """How sure the model is on pictures of its kind, (H, W, 3) uint8 RGB, without merging.

    None where its masks say nothing of it. Raises InputError for no picture at all.
    """
    sure = [segmenter.segment(picture, Recipe()).confidence for picture in pictures]
    if not sure:
        raise InputError("There is no picture to calibrate on")
    return _reference(sure)


def _reference(confidences: Sequence[float | None]) -> ConfidenceReference | None:
    known = [one for one in confidences if one is not None]
    return ConfidenceReference.of(known) if known else None


def _see(
    segmenter: Segmenter,
    picture: np.ndarray,
    recipes: Sequence[Recipe],
    asked: Sequence[Recipe],
    number: int,
) -> tuple[list[float], list[float], list[float], float | None]:
    """What happened on one picture. number: its place among all, which sets the order of the runs.

    Seconds of the unmerged run and of each candidate; the share of tokens that each candidate kept; per cent
    of the pixels that changed, by the candidates and then by `asked`, which are not on the clock; how sure
    the unmerged mask is.
    """
    if number == 0:
        segmenter.segment(picture, Recipe())  # the first run of all finds kernels and memory
    plain, *runs = _in_turn(segmenter, picture, [Recipe(), *recipes], backwards=number % 2 == 1)
    masks = [run.labels for run in (*runs, *sweep(segmenter, picture, asked))]
    return (
        [run.timing.total for run in (plain, *runs)],
        [run.trace.token_counts[-1] / run.trace.token_counts[0] for run in runs],
        [100 * float((labels != plain.labels).mean()) for labels in masks],
        plain.confidence,
    )


def choose(candidates: Sequence[Candidate], limits: Mapping[str, float]) -> dict[str, str]:
    """For each name the fastest candidate that changes no more than its limit."""
    chosen = {}
    for name, limit in limits.items():
        fitting = [one for one in candidates if one.changed <= limit]
        if fitting:
            chosen[name] = max(fitting, key=lambda one: one.speed).recipe
    return chosen


def render(found: Calibration) -> str:
    """The figures as text."""
    names = {text: name for name, text in found.recipes.items()}
    width = max((len(one.recipe) for one in found.candidates), default=0)
    lines = [f"{found.pictures} pictures; changed: pixels whose class is not the unmerged run's", ""]
    lines += [
        f"{one.recipe:{width}}  changed {one.changed:6.2f} %  {one.speed:5.2f}x  "
        f"tokens kept {one.tokens_kept:6.1%}  {names.get(one.recipe, '')}".rstrip()
        for one in found.candidates
    ]
    lines += ["", "adaptive(loss=...): " + ", ".join(f"{t:g}: {c:.2f} %" for t, c in found.changed)]
    if found.confidence is not None:
        lines += ["", describe(found.confidence)]
    return "\n".join(lines)


def describe(confidence: ConfidenceReference) -> str:
    """The reference as a line of text."""
    low, median = confidence.low, confidence.median
    return f"confidence of unmerged masks: median {median:.4f}, 5 % quantile {low:.4f}"


def _own(candidates: Sequence[str], segmenter: Segmenter) -> list[str]:
    """Each once: at few blocks several may become the same."""
    return list(dict.fromkeys(scaled(text, segmenter.depth) for text in candidates))


def _in_turn(
    segmenter: Segmenter, picture: np.ndarray, recipes: Sequence[Recipe], backwards: bool
) -> list[SegmentationRun]:
    """Their runs, in the recipes' order; every second picture goes backwards."""
    order = range(len(recipes))
    runs = {
        place: segmenter.segment(picture, recipes[place]) for place in (order[::-1] if backwards else order)
    }
    return [runs[place] for place in order]


def _speed(seconds: np.ndarray, place: int) -> float:
    return round(paired_ratio(seconds[:, 0].tolist(), seconds[:, place].tolist())[0], 3)
