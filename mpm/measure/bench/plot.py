"""A benchmark's outcome as a figure."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from mpm.clock import PARTS
from mpm.measure.bench.results import BenchResult
from mpm.measure.figures import save_figure


def save_plot(result: BenchResult, path: Path) -> None:
    """Time by part of every row as stacked bars, with its speed-up. The format follows the file's ending.

    Raises InputError for a path that cannot be written or an ending that names no format.
    """
    save_figure(draw(result), path)


def draw(result: BenchResult) -> Figure:
    """The figure itself: no window, no global state of pyplot."""
    rows = list(reversed(result.rows))
    figure = Figure(figsize=(9, 1.2 + 0.42 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    colours = matplotlib.color_sequences["tab10"]
    for place, row in enumerate(rows):
        # Parts come from profiled runs: scaled to the median of the plain ones, which the bar shows.
        scale = 1000 * row.seconds.median / sum(row.parts.values()) if row.parts else 0
        left = 0.0
        for part, colour in zip(PARTS, colours, strict=False):
            width = scale * row.parts.get(part, 0.0) if row.kind != "reference" else 0.0
            axes.barh(place, width, left=left, color=colour, label=part if place == 0 else None)
            left += width
        axes.barh(place, 1000 * row.seconds.median - left, left=left, color="0.8")
        axes.text(1010 * row.seconds.median, place, f" {row.speedup.value:.2f}x", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.set_xlabel("ms a batch, picture to mask")
    axes.set_title(f"{result.settings['model']} on {result.machine['device']}", fontsize=9)
    axes.margins(x=0.12)
    figure.legend(loc="outside lower center", ncols=len(PARTS), fontsize=7)
    return figure
