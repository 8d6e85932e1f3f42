"""What a race says, in words: faster by how much and how sure, or no gain and why."""

from __future__ import annotations

from app.latency.race import Race
from app.latency.settings import BASELINE, FEWEST_ROUNDS
from mpm.measure.paired import Summary, ratio_interval

FEW_MERGED = 0.1
"""A schedule that merges away less than this share of the tokens cannot save much."""
WIDE = 1.15
"""An interval whose ends are this factor apart decides nothing small."""
PRICE = ("match", "merge", "reconstruct")
SAVED = ("blocks",)


Interval = tuple[float, float, float]
"""A ratio, and the ends of its 95 % interval."""


def speedup(race: Race, name: str, baseline: str = BASELINE) -> Interval | None:
    """Speed-up of a contender over a baseline; None for the baseline itself, and before enough runs."""
    if name == baseline or runs_of(race, name, baseline) < FEWEST_ROUNDS:
        return None
    return ratio_interval(race.seconds[baseline], race.seconds[name])


def verdict(race: Race, name: str, interval: Interval | None) -> list[str]:
    """Sentences on one schedule against the baseline, the most important first. interval: its speed-up."""
    if name == BASELINE:
        return ["This is the unmerged baseline itself: choose a schedule to compare it with."]
    runs = runs_of(race, name)
    if interval is None:
        return [too_few(race, runs)]
    _, low, high = interval
    said = [_headline(race, name, interval, runs)]
    said += why_no_gain(race, name, low, high) if low <= 1 else []
    return said + balance(race, name)


def too_few(race: Race, runs: int) -> str:
    """What is said before there is a figure."""
    if race.state == "done":
        return f"{runs} runs of each are too few for a figure: {FEWEST_ROUNDS} are needed."
    return f"Measuring: {runs} of at least {FEWEST_ROUNDS} runs of each."


def runs_of(race: Race, name: str, baseline: str = BASELINE) -> int:
    """Runs of a contender that have one of a baseline beside them."""
    return min(len(race.seconds[baseline]), len(race.seconds[name]))


def _headline(race: Race, name: str, interval: Interval, runs: int) -> str:
    ratio, low, high = interval
    sure = sure_words(interval, runs)
    first, second = (1000 * Summary.of(race.seconds[one]).median for one in (BASELINE, name))
    title = recipe_title(name)
    if low > 1:
        times = f"{second:.1f} ms instead of {first:.1f} ms"
        return f"Faster: {title} is {ratio:.2f} times as fast ({sure}), {times}."
    if high < 1:
        return f"Slower: {title} has {ratio:.2f} times the baseline’s speed ({sure})."
    return f"No clear difference: {title} has {ratio:.2f} times the baseline’s speed ({sure})."


def sure_words(interval: Interval, runs: int) -> str:
    return f"95 % interval {interval[1]:.2f} to {interval[2]:.2f}, {runs} runs each"


def recipe_title(recipe: str) -> str:
    """ "{2, 5}" of "2,5"."""
    return f"{{{', '.join(recipe.split(','))}}}"


def why_no_gain(race: Race, name: str, low: float, high: float, baseline: str = BASELINE) -> list[str]:
    """Reasons that the measurements support; none is guessed."""
    reasons = []
    tokens = race.tokens(name)
    whole = race.tokens(baseline)[:1] or tokens[:1]
    if tokens and 1 - tokens[-1] / whole[0] < FEW_MERGED:
        reasons.append(f"Few tokens merged: {whole[0]} became {tokens[-1]}, so little work was saved.")
    saved, price = gain_and_price(race, name, baseline)
    if tokens and not reasons and saved <= price:
        reasons.append(
            f"Attention is already cheap at {whole[0]} tokens here: shorter blocks save less than finding "
            "and merging pairs costs. Larger pictures or larger models gain more."
        )
    if high / low > WIDE:
        reasons.append("The runs scatter too much to tell: more runs, or a quieter machine, would.")
    if race.warnings:
        reasons.append("The machine was not steady meanwhile: see the warning.")
    return reasons


def balance(race: Race, name: str, baseline: str = BASELINE) -> list[str]:
    """The merge's gain beside its price, from the profiled runs."""
    if not race.profiles[name] or not race.profiles[baseline]:
        return []
    saved, price = gain_and_price(race, name, baseline)
    gain = (
        f"blocks took {1000 * saved:.1f} ms less"
        if saved >= 0
        else f"blocks took {-1000 * saved:.1f} ms more"
    )
    return [f"In profiled runs the {gain}; matching, merging and reconstructing cost {1000 * price:.1f} ms."]


def gain_and_price(race: Race, name: str, baseline: str = BASELINE) -> tuple[float, float]:
    """Seconds that the blocks take less than the baseline's, and seconds that merging costs."""
    before, merged = race.parts(baseline), race.parts(name)
    saved = sum(before.get(part, 0.0) - merged.get(part, 0.0) for part in SAVED)
    price = sum(merged.get(part, 0.0) - before.get(part, 0.0) for part in PRICE)
    return saved, price
