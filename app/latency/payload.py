"""Messages of the live plot: JSON strings of numbers and words, each complete in itself.

Messages that follow each other closely may be lost on the way to the browser, so every one holds all runs.

    schema      3
    kind        "race" | "text" | "stopped"
    generation  of the act that the race belongs to (see `app.engine.generations`): messages may overtake each
                other, so what was started before the last Stop is known by this
    race        a name of this race: another one starts the plot afresh
    picture, model  what is measured: the picture's digest, the model's name
    by_hand     started by the person, not by the page
    state       "waiting" | "building" (the model in another runtime) | "warming up" | "running" |
                "held" (another visitor is served) | "done"
    scope       "picture to mask" | "model only"
    runs, deadline_s  where the race ends at the latest
    size        {wh_px, patches} of the picture
    contenders  [{name, schedule, ms [...], summary {median, p10, p90}, speedup [value, low, high],
                  tokens [...], parts {name: ms}, blocks [[tokens, block ms, match ms, merge ms], ...],
                  verdict [sentences]}], the baseline first; all in the page's own runtime
    elsewhere   null, or {runtime (its title), contenders}: the same schedules in another runtime. Theirs have
                "own", too, the speed-up over the unmerged run there, and "agreement", the share of pixels
                labelled as the page's own runtime does; each null before it is known
    runtime     the page's own, its title
    device      one line: processor, threads, runtime
    card        JSON text of this device's card, once a race of whole runs is done; else null
    warnings    sentences
    facts       [[name, value], ...] on the device
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from app.latency.elsewhere import own_speedup, own_title, verdict_elsewhere
from app.latency.race import Race
from app.latency.settings import BASELINE, Contender
from app.latency.verdict import Interval, speedup, verdict
from mpm.measure.paired import Summary

SCHEMA = 3
Facts = Sequence[tuple[str, str]]
UNJUDGED: dict = {"verdict": [], "speedup": None}


@dataclass(frozen=True)
class Heading:
    """What a race belongs to: the tab's generation, the picture's digest, the model, and who started it."""

    race: str
    generation: float
    picture: str | None = None
    model: str | None = None
    by_hand: bool = False


def encode_race(
    race: Race,
    heading: Heading,
    facts: Facts = (),
    verdicts: Mapping[str, dict[str, Any]] | None = None,
    card: str | None = None,
    device: str = "",
) -> str:
    """The whole race as one message. verdicts: those of `verdicts_of`, which cost more than the rest."""
    said = verdicts or {}
    told = [(one, _contender(race, one, said.get(one.name))) for one in race.plan.contenders]
    return _message(
        "race",
        **asdict(heading),
        state=race.state,
        scope=race.plan.scope,
        runs=race.plan.rounds,
        deadline_s=race.plan.deadline_s,
        warmed=race.warmed,
        size=race.picture,
        contenders=[fields for one, fields in told if one.runtime is None],
        elsewhere=_elsewhere(race, [fields for one, fields in told if one.runtime is not None]),
        runtime=own_title(race),
        device=device,
        card=card,
        warnings=[race.note, *race.warnings] if race.note else list(race.warnings),
        facts=[list(pair) for pair in facts],
    )


def encode_text(text: str, generation: float = 0) -> str:
    """One sentence instead of a plot, e.g. that a race waits for its turn."""
    return _message("text", text=text, generation=generation)


def encode_stopped(generation: float) -> str:
    """Whatever was started before was stopped by hand: what is drawn stays."""
    return _message("stopped", generation=generation)


def verdicts_of(race: Race) -> dict[str, dict]:
    """Sentences and speed-ups of every contender that has run."""
    return {one.name: _judged(race, one) for one in race.plan.contenders if race.seconds[one.name]}


def _judged(race: Race, one: Contender) -> dict:
    alone = one.name == BASELINE
    if alone and len(race.plan.contenders) > 1:
        return UNJUDGED
    interval = speedup(race, one.name)
    if one.runtime is None:
        return {"verdict": verdict(race, one.name, interval), "speedup": _rounded(interval)}
    own = {"own": _rounded(own_speedup(race, one)), "agreement": race.agreement(one)}
    return {"verdict": verdict_elsewhere(race, one), "speedup": _rounded(interval), **own}


def _rounded(interval: Interval | None) -> list[float] | None:
    return interval and [round(one, 4) for one in interval]


def _elsewhere(race: Race, told: list[dict]) -> dict | None:
    runtime = race.plan.runtime
    return {"runtime": runtime.title, "contenders": told} if runtime else None


def _contender(race: Race, one: Contender, judged: dict | None) -> dict:
    name = one.name
    return {
        "name": name,
        "schedule": one.recipe,
        "ms": [_ms(seconds) for seconds in race.seconds[name]],
        "summary": _summary(race.seconds[name]),
        "tokens": list(race.tokens(name)),
        "parts": {part: _ms(seconds) for part, seconds in race.parts(name).items()},
        "blocks": [[count, *map(_ms, times)] for count, *times in race.blocks(name)],
        **({} if one.runtime is None else {"own": None, "agreement": None}),
        **(judged or UNJUDGED),
    }


def _summary(seconds: Sequence[float]) -> dict | None:
    if not seconds:
        return None
    own = Summary.of(seconds)
    return {"median": _ms(own.median), "p10": _ms(own.p10), "p90": _ms(own.p90)}


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)


def _message(kind: str, **rest: object) -> str:
    return json.dumps({"schema": SCHEMA, "kind": kind, **rest}, separators=(",", ":"), allow_nan=False)
