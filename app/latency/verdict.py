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


def speedup(race: Race, name: str) -> Interval | None:
    """Speed-up of a schedule over the baseline; None for the baseline itself, and before enough runs."""
    if name == BASELINE or runs_of(race, name) < FEWEST_ROUNDS:
        return None
    return ratio_interval(race.seconds[BASELINE], race.seconds[name])


def verdict(race: Race, name: str, interval: Interval | None) -> list[str]:
    """Sentences on one schedule against the baseline, the most important first. interval: its speed-up."""
    if name == BASELINE:
        return ["This is the unmerged baseline itself: choose a schedule to compare it with."]
    runs = runs_of(race, name)
    if interval is None:
        few = f"{runs} runs of each are too few for a figure: {FEWEST_ROUNDS} are needed."
        return [
            few if race.state == "done" else f"Measuring: {runs} of at least {FEWEST_ROUNDS} runs of each."
        ]
    _, low, high = interval
    said = [_headline(race, name, interval, runs)]
    said += why_no_gain(race, name, low, high) if low <= 1 else []
    return said + balance(race, name)


def runs_of(race: Race, name: str) -> int:
    """Runs of a schedule that have one of the baseline beside them."""
    return min(len(race.seconds[BASELINE]), len(race.seconds[name]))


def _headline(race: Race, name: str, interval: Interval, runs: int) -> str:
    ratio, low, high = interval
    sure = f"95 % interval {low:.2f} to {high:.2f}, {runs} runs each"
    first, second = (1000 * Summary.of(race.seconds[one]).median for one in (BASELINE, name))
    title = f"{{{', '.join(name.split(','))}}}"
    if low > 1:
        times = f"{second:.1f} ms instead of {first:.1f} ms"
        return f"Faster: {title} is {ratio:.2f} times as fast ({sure}), {times}."
    if high < 1:
        return f"Slower: {title} has {ratio:.2f} times the baseline’s speed ({sure})."
    return f"No clear difference: {title} has {ratio:.2f} times the baseline’s speed ({sure})."


def why_no_gain(race: Race, name: str, low: float, high: float) -> list[str]:
    """Reasons that the measurements support; none is guessed."""
    reasons = []
    tokens = race.tokens(name)
    whole = race.tokens(BASELINE)[:1] or tokens[:1]
    if tokens and 1 - tokens[-1] / whole[0] < FEW_MERGED:
        reasons.append(f"Few tokens merged: {whole[0]} became {tokens[-1]}, so little work was saved.")
    saved, price = gain_and_price(race, name)
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


def balance(race: Race, name: str) -> list[str]:
    """The merge's gain beside its price, from the profiled runs."""
    if not race.profiles[name] or not race.profiles[BASELINE]:
        return []
    saved, price = gain_and_price(race, name)
    gain = (
        f"blocks took {1000 * saved:.1f} ms less"
        if saved >= 0
        else f"blocks took {-1000 * saved:.1f} ms more"
    )
    return [f"In profiled runs the {gain}; matching, merging and reconstructing cost {1000 * price:.1f} ms."]


def gain_and_price(race: Race, name: str) -> tuple[float, float]:
    """Seconds that the blocks take less than the baseline's, and seconds that merging costs."""
    baseline, merged = race.parts(BASELINE), race.parts(name)
    saved = sum(baseline.get(part, 0.0) - merged.get(part, 0.0) for part in SAVED)
    price = sum(merged.get(part, 0.0) - baseline.get(part, 0.0) for part in PRICE)
    return saved, price
