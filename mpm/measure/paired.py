"""How runs are compared: alternating, medians with their spread, ratios with an interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Summary:
    """Median and spread of timed runs, in seconds."""

    median: float
    p10: float
    p90: float
    runs: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Summary:
        """Raises ValueError for no runs at all."""
        if not len(seconds):
            raise ValueError("A summary needs at least one timed run, but got none.")
        p10, median, p90 = np.percentile(np.asarray(seconds, float), [10, 50, 90])
        return cls(float(median), float(p10), float(p90), len(seconds))


def alternate(
    contenders: dict[str, Callable[[], float]], runs: int, warmup: int = 1
) -> Iterator[tuple[str, float]]:
    """Run contenders in turn and yield (name, seconds) of each timed run, as it ends.

    Each contender returns its own seconds. Turns alternate, and every second round goes backwards, so that a
    slow spell of the machine or a habit of following one another touches all alike. Warm-up rounds run first
    and are not yielded.
    """
    names = list(contenders)
    for _ in range(warmup):
        for name in names:
            contenders[name]()
    for name in turns(names, runs):
        yield name, contenders[name]()


def turns(names: Sequence[str], rounds: int) -> Iterator[str]:
    """Whose turn it is, every second round backwards (see `alternate`)."""
    for number in range(rounds):
        yield from names if number % 2 == 0 else reversed(names)


def ratio_interval(
    baseline: Sequence[float], other: Sequence[float], draws: int = 2000, level: float = 0.95, seed: int = 0
) -> tuple[float, float, float]:
    """Speed-up median(baseline) / median(other) with its bootstrap interval: ratio, low, high.

    Percentile bootstrap, both samples redrawn. Raises ValueError when either has no run.
    """
    if not len(baseline) or not len(other):
        raise ValueError("A ratio needs at least one timed run on both sides.")
    rng = np.random.default_rng(seed)
    first, second = np.asarray(baseline, float), np.asarray(other, float)
    ratios = np.median(rng.choice(first, (draws, len(first))), axis=1) / np.median(
        rng.choice(second, (draws, len(second))), axis=1
    )
    low, high = np.percentile(ratios, [50 * (1 - level), 50 * (1 + level)])
    return float(np.median(first) / np.median(second)), float(low), float(high)


FEWEST_PAIRS = 6
"""An interval of 95 % around a median needs so many pairs: with fewer, all may lie on one side of it."""


def paired_ratio(
    baseline: Sequence[float], other: Sequence[float], draws: int = 2000, level: float = 0.95, seed: int = 0
) -> tuple[float, float | None, float | None]:
    """Median of baseline[i] / other[i], runs of the same picture, with its bootstrap interval.

    Percentile bootstrap over the pairs. The interval is None where there are fewer than `FEWEST_PAIRS`.
    Raises ValueError for no pair, or unequal numbers of runs.
    """
    if not len(baseline) or len(baseline) != len(other):
        raise ValueError(f"Pairs need two equal numbers of runs, but got {len(baseline)} and {len(other)}.")
    ratios = np.asarray(baseline, float) / np.asarray(other, float)
    if len(ratios) < FEWEST_PAIRS:
        return float(np.median(ratios)), None, None
    drawn = np.random.default_rng(seed).choice(ratios, (draws, len(ratios)))
    low, high = np.percentile(np.median(drawn, axis=1), [50 * (1 - level), 50 * (1 + level)])
    return float(np.median(ratios)), float(low), float(high)
