"""This device's card, from a race on the page: the same file as `python -m mpm bench --card` writes."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from app.latency.race import Race
from app.latency.settings import BASELINE, SCOPES, Contender
from mpm.errors import InputError
from mpm.measure.device_card import PLAIN_RUNTIME, CardResult, make_card
from mpm.measure.machine import compute_threads, machine_record
from mpm.measure.paired import Summary, ratio_interval
from mpm.merging.recipe import Recipe
from mpm.runtimes import RuntimeChoice

if TYPE_CHECKING:
    from mpm.segmenters.segmenter import Segmenter


def own_card(race: Race, segmenter: Segmenter, created: str | None = None) -> str:
    """JSON of the card, as `mpm.measure.device_card.parse_card` reads it.

    segmenter: the model that raced. created: ISO 8601; None: now. Raises InputError for a race that has not
    ended, that left somebody out, or that timed a part of the work.
    """
    if race.state != "done" or not race.measured:
        raise InputError("A device card is of a race that has ended: wait until all have run")
    if race.plan.scope != SCOPES[0]:
        raise InputError(f"A device card holds whole runs: race {SCOPES[0]!r}, not {race.plan.scope!r}")
    results = [_result(race, one, segmenter) for one in race.plan.contenders]
    when = created or datetime.now(timezone.utc).isoformat()
    card = make_card(when, machine_record(segmenter.device), _settings(race, segmenter), results)
    return json.dumps(card.to_json(), indent=2) + "\n"


def _settings(race: Race, segmenter: Segmenter) -> dict[str, Any]:
    return {
        "model": segmenter.config.name,
        "weights": "trained" if _is_trained(segmenter.config.name) else "random",
        "image_wh_px": race.picture["wh_px"],
        "patches": race.picture["patches"],
        "batch": 1,
        "dtype": str(segmenter.dtype).removeprefix("torch."),
        "threads": compute_threads(),
    }


def _is_trained(name: str) -> bool:
    from mpm.zoo.formats.encoders import PREFIX, EncoderName

    return not name.startswith(PREFIX) or EncoderName.parse(name).pretrained


def _result(race: Race, one: Contender, segmenter: Segmenter) -> CardResult:
    name = one.name
    seconds = Summary.of(race.seconds[name])
    return CardResult(
        schedule=one.recipe,
        tokens=insertion_counts(race, one, segmenter),
        median=seconds.median,
        p10=seconds.p10,
        p90=seconds.p90,
        runs=seconds.runs,
        speedup=ratio_interval(race.seconds[BASELINE], race.seconds[name]),
        parts=race.parts(name),
        runtime=one.runtime.text if one.runtime else _own_runtime(segmenter),
        speedup_own=_speedup_own(race, one),
    )


def _own_runtime(segmenter: Segmenter) -> str:
    """Of torch the settings tell the number format."""
    choice = RuntimeChoice.parse(segmenter.runtime)
    return choice.name if choice.name == PLAIN_RUNTIME else choice.text


def _speedup_own(race: Race, one: Contender) -> tuple[float, float, float] | None:
    if one.runtime is None:
        return None
    return ratio_interval(race.seconds[one.unmerged.name], race.seconds[one.name])


def insertion_counts(race: Race, one: Contender, segmenter: Segmenter) -> tuple[float, ...]:
    """Patch tokens at the start and after each insertion, from those that enter each block.

    What merges in the middle of the last block enters no block any more, and is left out.
    """
    recipe, entering = Recipe.parse(one.recipe), race.tokens(one.name)
    behind = [block + recipe.after_attention for block in recipe.blocks]
    # Before the first block nothing is counted: where tokens merge there, the grid tells the start.
    start = _patches(race, recipe, segmenter) if 0 in behind else entering[0]
    return (start, *(entering[block] for block in behind if block < len(entering)))


def _patches(race: Race, recipe: Recipe, segmenter: Segmenter) -> int:
    if recipe.resolution_px is None:
        return race.picture["patches"]
    return segmenter.plan(tuple(race.picture["wh_px"]), recipe.resolution_px).grid.size
