"""Methods as curves: on one picture, how much of the mask stays the same at how many tokens kept.

Every rule is a method, those of the program's own files too, and so is a smaller picture. The message, kind
"curves" of the schema of `app.inspector.payload`, is complete in itself each time:

curves  [{method, title, points [{schedule, kept, agreement}], left_out (a sentence, or null)}], the points in
        the order of their runs. kept: tokens at the end by those of the unmerged run; agreement: share of
        pixels with the unmerged run's class
done, of  runs that are through, and all
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.inspector.agreement import agreement
from app.inspector.payload import inspector_message
from mpm.errors import InputError
from mpm.merging.named import scaled
from mpm.merging.rule import PAPER_RULE, Rule

MAX_RUNS = 44
"""All runs of a picture together: five to twenty seconds with the bundled model on two cores."""
STRENGTHS = 5
FIRST = (1, 4, 0, 3, 2)
"""Which of the five strengths stay where there are fewer: the paper's schedule, then the ends."""
BASELINE = "none"
SMALLER = "smaller-picture"
SMALLER_TITLE = "Smaller picture"
SIZES = (27 / 32, 45 / 64, 9 / 16)
"""Short sides by the model's own: 432, 360 and 288 px of 512."""

PRESETS = ("5", "2,5", "2,5,8", "2,4,6,8", "0,2,4,6,8")
SHARES = (0.05, 0.1, 0.15, 0.2, 0.3)
AMOUNTS: dict[str, tuple[str, ...]] = {
    "bipartite": tuple(f"bipartite({share})@0,2,4,6,8" for share in SHARES),
    "energy": tuple(f"energy({share})@0,2,4,6,8" for share in SHARES),
    "windows": tuple(f"windows({one})@2,5" for one in (0.98, 0.95, 0.9, 0.85, 0.8)),
    "regions": tuple(f"regions({one})@0,1" for one in (0.99, 0.97, 0.95, 0.92, 0.9)),
    "rounds": tuple(f"rounds({one})@2,5" for one in (0.99, 0.98, 0.97, 0.96, 0.95)),
    "graph": tuple(f"graph({one})@1" for one in (0.99, 0.98, 0.95, 0.92, 0.88)),
    "budget": tuple(f"budget(threshold={one})@1,3,5" for one in (0.99, 0.97, 0.95, 0.92, 0.9)),
    # Two by two become one, once: later insertions find nothing more, so there are no strengths.
    "pool": ("pool@5", "pool@2"),
}
"""Where a method is made stronger by a parameter, or not at all; all others by more blocks. For 12 blocks."""


@dataclass(frozen=True)
class Method:
    """A way to have fewer tokens, and its recipes by growing strength. name: the rule's, or SMALLER."""

    name: str
    title: str
    recipes: tuple[str, ...]


@dataclass(frozen=True)
class Curve:
    """What is known of a method so far. left_out: why it has no more points, None where it may have."""

    method: str
    title: str
    points: tuple[dict[str, Any], ...] = ()
    left_out: str | None = None


@dataclass(frozen=True)
class Curves:
    """All methods of a picture. done: runs that are through, of all of them."""

    curves: tuple[Curve, ...]
    done: int
    of: int


def curve_methods(
    depth: int, resolution_px: int, rules: Sequence[Rule], max_runs: int = MAX_RUNS
) -> tuple[Method, ...]:
    """The methods to compare on a model of `depth` blocks whose pictures are resized to `resolution_px`.

    The more rules there are, the fewer strengths each gets, two at least, to stay within max_runs with the
    unmerged run. No rule is asked whether it can run.
    """
    sizes = tuple(dict.fromkeys(f"none|{max(1, round(resolution_px * share))}px" for share in SIZES))
    room = (max_runs - 1 - len(sizes)) // max(1, len(rules))
    methods = [
        Method(one.name, one.title, _texts(one.name, depth, max(2, min(STRENGTHS, room)))) for one in rules
    ]
    return (*methods, Method(SMALLER, SMALLER_TITLE, sizes))


def _texts(rule: str, depth: int, strengths: int) -> tuple[str, ...]:
    wanted = AMOUNTS.get(rule)
    if wanted is None:
        wanted = PRESETS if rule == PAPER_RULE else tuple(f"{rule}@{preset}" for preset in PRESETS)
    kept = sorted(FIRST[:strengths]) if len(wanted) == STRENGTHS else range(min(strengths, len(wanted)))
    return tuple(dict.fromkeys(_fitting(wanted[place], depth) for place in kept))


def _fitting(text: str, depth: int) -> str:
    """The slider's stops are the same blocks at any depth that has them; else they are scaled."""
    blocks = text.rpartition("@")[2]
    return text if max(map(int, blocks.split(","))) < depth else scaled(text, depth)


def curve_point(baseline, run) -> dict[str, Any]:
    """A run on its curve: its recipe, share of tokens kept, and agreement with the unmerged run."""
    return {
        "schedule": str(run.recipe),
        "kept": run.trace.token_counts[-1] / baseline.trace.token_counts[0],
        "agreement": agreement(run.labels, baseline.labels),
    }


def draw_curves(
    sweep: Callable[[Sequence[str]], Iterator[Any]], methods: Sequence[Method]
) -> Iterator[Curves]:
    """The curves after every run. sweep: recipe texts -> their runs on one picture, in order.

    A method whose recipe is refused or fails keeps the points that it has, and says why. Raises InputError
    where the unmerged run does. Close it to stop.
    """
    total = 1 + sum(len(one.recipes) for one in methods)
    curves = [Curve(one.name, one.title) for one in methods]
    (baseline,) = sweep([BASELINE])
    done = 1
    yield Curves(tuple(curves), done, total)
    for place, method in enumerate(methods):
        runs: Iterator[Any] = iter(())
        try:
            runs = sweep(method.recipes)
            for number, run in enumerate(runs, 1):
                points = (*curves[place].points, curve_point(baseline, run))
                curves[place] = replace(curves[place], points=points)
                yield Curves(tuple(curves), done + number, total)
        except InputError as error:  # whatever a rule raises has become one
            curves[place] = replace(curves[place], left_out=str(error))
            yield Curves(tuple(curves), done + len(method.recipes), total)
        finally:
            _close(runs)
        done += len(method.recipes)


def encode_curves(key: str, curves: Curves) -> str:
    """The message of what is known so far. key: the view's."""
    told = [
        {
            "method": one.method,
            "title": one.title,
            "points": [
                {**point, "kept": round(point["kept"], 5), "agreement": round(point["agreement"], 5)}
                for point in one.points
            ],
            "left_out": one.left_out,
        }
        for one in curves.curves
    ]
    return inspector_message("curves", key, {"curves": told, "done": curves.done, "of": curves.of})


def _close(runs: Iterator[Any]) -> None:
    """Whatever the runs hold is let go at once, not when somebody collects it."""
    close = getattr(runs, "close", None)
    if close is not None:
        close()
