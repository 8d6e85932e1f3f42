"""What a race says of another runtime: whether merging still pays there, and whether masks are the same."""

from __future__ import annotations

from app.latency.race import Race
from app.latency.settings import Contender
from app.latency.verdict import (
    Interval,
    balance,
    recipe_title,
    runs_of,
    speedup,
    sure_words,
    too_few,
    why_no_gain,
)
from app.texts import floored_percent
from mpm.runtimes import RuntimeChoice


def own_title(race: Race) -> str:
    """The page's own runtime, for people."""
    return RuntimeChoice.parse(race.segmenter.runtime).title if race.segmenter else "PyTorch"


def own_speedup(race: Race, one: Contender) -> Interval | None:
    """Over the unmerged run of the same runtime."""
    return speedup(race, one.name, one.unmerged.name)


def verdict_elsewhere(race: Race, one: Contender) -> list[str]:
    """Sentences on a contender in another runtime, the answer to whether merging still pays there first."""
    interval, runs = speedup(race, one.name), runs_of(race, one.name)
    if interval is None:
        return [too_few(race, runs)]
    on_top, unmerged = own_speedup(race, one), one.unmerged.name
    if on_top is None:  # it is the unmerged run there
        return [_faster(race, interval, runs, _title(one)), *_same(race, one)]
    said = [_answer(one, on_top, runs), _faster(race, interval, runs, "Both together")]
    said += why_no_gain(race, one.name, *on_top[1:], unmerged) if on_top[1] <= 1 else []
    return said + balance(race, one.name, unmerged) + _same(race, one)


def _title(one: Contender) -> str:
    return one.runtime.title if one.runtime else "PyTorch"


def _answer(one: Contender, interval: Interval, runs: int) -> str:
    ratio, low, high = interval
    asked, title = f"Does merging still pay in {_title(one)}?", recipe_title(one.recipe)
    sure = sure_words(interval, runs)
    if low > 1:
        return f"{asked} Yes: {title} is {ratio:.2f} times as fast as unmerged there ({sure})."
    word = "No" if high < 1 else "No clear difference"
    return f"{asked} {word}: {title} has {ratio:.2f} times the unmerged speed there ({sure})."


def _faster(race: Race, interval: Interval, runs: int, who: str) -> str:
    """who: a runtime, or it and merging."""
    ratio, low, high = interval
    sure, base = sure_words(interval, runs), own_title(race)
    verb = "have" if who.startswith("Both") else "has"
    if low > 1:
        verb = "are" if verb == "have" else "is"
        return f"{who} {verb} {ratio:.2f} times as fast as unmerged {base} ({sure})."
    clear = "" if high < 1 else ", which is no clear difference"
    return f"{who} {verb} {ratio:.2f} times the speed of unmerged {base} ({sure}){clear}."


def _same(race: Race, one: Contender) -> list[str]:
    """How many pixels are labelled alike."""
    share = race.agreement(one)
    if share is None:
        return []
    own = own_title(race)
    if share == 1:
        return [f"Its mask is that of {own}, pixel for pixel."]
    return [f"{floored_percent(share)} of its pixels are labelled as {own} labels them."]
