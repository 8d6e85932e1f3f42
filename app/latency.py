"""The latency card: medians of alternating runs, as small HTML that costs nothing to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from mpm.protocol import Summary, ratio_interval

Samples = Mapping[str, Sequence[float]]
"""Schedule -> seconds of its runs; the first one is the baseline."""


def latency_html(samples: Samples, done: bool, device: str) -> str:
    """Bars with medians, and what they say. samples: at least one run of each schedule."""
    summaries = {name: Summary.of(seconds) for name, seconds in samples.items()}
    slowest = max(summary.p90 for summary in summaries.values())
    bars = "".join(_bar(name, summary, slowest) for name, summary in summaries.items())
    state = "" if done else '<span class="running">measuring …</span>'
    return (
        f'<div class="latency">{bars}<p class="verdict">{escape(verdict(samples))} {state}</p>'
        f'<p class="caption">Whole runs, picture to mask, in turn, on {escape(device)}.</p></div>'
    )


def verdict(samples: Samples) -> str:
    """One sentence: how much faster, and how sure."""
    (_, baseline), *others = samples.items()
    if not others:
        return "This is the unmerged baseline itself."
    _, merged = others[0]
    ratio, low, high = ratio_interval(baseline, merged)
    runs = min(len(baseline), len(merged))
    if runs < 3:
        return f"{ratio:.2f} times the baseline’s speed so far, after {runs} of each."
    interval = f"95 % interval {low:.2f} to {high:.2f}, {runs} runs each"
    if low > 1:
        return f"{ratio:.2f} times as fast as the baseline ({interval})."
    if high < 1:
        return f"Slower: {ratio:.2f} times the baseline’s speed ({interval})."
    return f"No clear difference: {ratio:.2f} times the baseline’s speed ({interval})."


def message_html(text: str) -> str:
    """The card with one sentence instead of figures."""
    return f'<div class="latency"><p class="caption">{escape(text)}</p></div>'


def _bar(name: str, summary: Summary, slowest: float) -> str:
    title = "baseline" if name == "none" else f"merged at {name}"
    start, width = 100 * summary.p10 / slowest, 100 * (summary.p90 - summary.p10) / slowest
    kind = "baseline" if name == "none" else "merged"
    return (
        f'<div class="row"><span class="name">{escape(title)}</span>'
        f'<span class="track"><span class="bar {kind}" style="width:{100 * summary.median / slowest:.1f}%"></span>'
        f'<span class="spread" style="left:{start:.1f}%;width:{width:.1f}%"></span></span>'
        f'<span class="value">{1000 * summary.median:.0f} ms</span></div>'
    )
