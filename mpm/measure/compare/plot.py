"""A comparison as a figure: loss against time, loss against tokens, and the list of who is who."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from mpm.errors import cut
from mpm.measure.compare.labels import place_labels
from mpm.measure.compare.results import Comparison, EqualRow, Row
from mpm.measure.figures import save_figure
from mpm.measure.text_table import count_of

# Okabe and Ito's colours, which colour-blind readers can tell apart; shapes differ as well.
STYLES = {
    "unmerged": ("unmerged", "s", "#000000"),
    "smaller": ("unmerged, smaller picture", "^", "#E69F00"),
    "recipe": ("recipe", "o", "#0072B2"),
}
EQUAL_STYLES = (("D", "#009E73"), ("v", "#D55E00"), ("P", "#CC79A7"), ("X", "#56B4E9"), ("*", "#666666"))
FRONTIER = "#888888"
WIDTH_IN, PANEL_IN, LINE_IN = 12.0, 4.8, 0.16
LONGEST_NAME = 74
LONGEST_LINE = 190
FONT = 8
FIGURE_SPACE = "\u2007"
FAR_PT = 9.0
"""A label farther from its point has a line to it."""
OUTLIER = 8.0
"""Where the largest loss is so many times the median one, the axis is logarithmic above most points."""


@dataclass(frozen=True)
class Point:
    """A marker with its label."""

    x: float
    y: float
    text: str
    shape: str
    colour: str
    series: str


def save_plot(comparison: Comparison, path: Path) -> None:
    """Write the figure, in the format that the file's ending names. Raises InputError where it cannot."""
    save_figure(draw(comparison), path)


def draw(comparison: Comparison) -> Figure:
    """The figure itself: no window, no global state of pyplot."""
    lists = _listed(comparison.rows), _listed_rules(comparison.equal_rows)
    warnings = [cut(sentence, LONGEST_LINE) for sentence in comparison.warnings]
    warnings_in = LINE_IN * len(warnings) + 0.1
    list_in = LINE_IN * max(map(len, lists)) + 0.15
    height = PANEL_IN + list_in + warnings_in
    figure = Figure(figsize=(WIDTH_IN, height), facecolor="white")
    bottom, tall = (height - PANEL_IN + 0.6) / height, (PANEL_IN - 1.5) / height
    _draw_times(figure, figure.add_axes((0.065, bottom, 0.42, tall)), comparison)
    _draw_tokens(figure, figure.add_axes((0.565, bottom, 0.42, tall)), comparison)
    for left, lines in zip((0.065, 0.565), lists, strict=True):
        _write(figure, left, (list_in + warnings_in) / height, lines)
    _write(figure, 0.065, warnings_in / height, warnings)
    figure.suptitle(_title(comparison), fontsize=10, y=1 - 0.15 / height, va="top")
    return figure


def _write(figure: Figure, left: float, top: float, lines: Sequence[str]) -> None:
    figure.text(left, top, "\n".join(lines), va="top", fontsize=FONT, linespacing=1.3)


def _title(comparison: Comparison) -> str:
    own, machine = comparison.settings, comparison.machine
    what = f"{own['model']} on {own['data set']}, {own['split']}, {count_of(comparison.done, 'picture')}"
    return f"{what} – {machine['device']}, {count_of(own['threads'], 'thread')}, {own['dtype']}"


def _loss_name(comparison: Comparison) -> str:
    if comparison.has_labels:
        return "loss of mIoU, % of the unmerged run's"
    return "pixels unlike the unmerged mask, %"


def _listed(rows: Sequence[Row]) -> list[str]:
    """Numbers, padded by a space as wide as a digit, and recipes."""
    return [
        f"{str(number).rjust(2, FIGURE_SPACE)}  {cut(row.label, LONGEST_NAME)}"
        f"{'   – on the frontier' if row.on_frontier else ''}"
        for number, row in enumerate(rows)
    ]


def _listed_rules(rows: Sequence[EqualRow]) -> list[str]:
    """Letters and rules, and who did not keep to the counts."""
    if not rows:
        return []
    blocks = " and at ".join(dict.fromkeys(row.blocks for row in rows))
    unequal = {row.rule for row in rows if row.missing_tokens or row.extra_tokens}
    lines = [f"Rules at equal counts, at {cut(blocks, LONGEST_NAME)}:"]
    for rule, letter in _letters(rows).items():
        miss = "   – did not keep to the counts" if rule in unequal else ""
        lines.append(f"{letter}  {cut(rule, LONGEST_NAME)}{miss}")
    return lines


def _letters(rows: Sequence[EqualRow]) -> dict[str, str]:
    """A letter for each rule."""
    return {rule: chr(ord("a") + place) for place, rule in enumerate(dict.fromkeys(row.rule for row in rows))}


def _recipe_points(rows: Sequence[Row], x: Sequence[float]) -> list[Point]:
    points = []
    for number, (row, along) in enumerate(zip(rows, x, strict=True)):
        name, shape, colour = STYLES[row.kind]
        points.append(Point(along, 100 * (row.loss or 0.0), str(number), shape, colour, name))
    return points


def _equal_points(rows: Sequence[EqualRow]) -> list[Point]:
    letters, points = _letters(rows), []
    options = list(dict.fromkeys(row.options for row in rows))
    for row in rows:
        shape, colour = EQUAL_STYLES[options.index(row.options) % len(EQUAL_STYLES)]
        name = f"equal counts: {row.options}"
        y = 100 * (row.loss or 0.0)
        points.append(Point(100 * row.tokens_kept, y, letters[row.rule], shape, colour, name))
    return points


def _draw_times(figure: Figure, axes: Axes, comparison: Comparison) -> None:
    rows = comparison.rows
    points = _recipe_points(rows, [1000 * row.seconds.median for row in rows])
    best = sorted((point.x, point.y) for point, row in zip(points, rows, strict=True) if row.on_frontier)
    axes.plot(*zip(*best, strict=True), color=FRONTIER, linewidth=1.2, zorder=1, label="frontier")
    axes.set_xlabel("median time of a picture, picture to mask, ms")
    _draw_points(figure, axes, points, _loss_name(comparison))


def _draw_tokens(figure: Figure, axes: Axes, comparison: Comparison) -> None:
    rows = comparison.rows
    points = _recipe_points(rows, [100 * row.tokens_kept for row in rows])
    axes.set_xlabel("patch tokens kept at the end, % of the unmerged run's")
    points += _equal_points(comparison.equal_rows)
    _draw_points(figure, axes, points, _loss_name(comparison))


def _draw_points(figure: Figure, axes: Axes, points: Sequence[Point], loss_name: str) -> None:
    for series, members in groupby(points, key=lambda point: point.series):
        _draw_series(axes, series, list(members))
    axes.set_ylabel(loss_name + _scale_losses(axes, [point.y for point in points]))
    axes.margins(0.08)
    axes.grid(color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.axhline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
    _draw_legend(axes)
    _draw_labels(figure, axes, points)


def _scale_losses(axes: Axes, losses: Sequence[float]) -> str:
    """One far outlier would press all others together: beyond most of them the axis is logarithmic then.

    Returns what the axis must say of it.
    """
    sizes = np.abs([loss for loss in losses if loss] or [0.0])
    middle = float(np.median(sizes))
    if not middle or sizes.max() < OUTLIER * middle:
        return ""
    linear = float(f"{2 * middle:.1g}")
    axes.set_yscale("symlog", linthresh=linear, linscale=2)
    ticks = [linear * step for step in (-1, -0.5, 0, 0.5, 1)]
    ticks += [tick for tick in (1, 2, 5, 10, 20, 50, 100) if 1.5 * linear < tick < 1.5 * sizes.max()]
    lowest = min(losses)
    axes.set_yticks([tick for tick in ticks if tick >= 1.5 * lowest or tick >= 0], minor=False)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    return f"\n(logarithmic beyond {linear:g} %)"


def _draw_legend(axes: Axes) -> None:
    handles, names = axes.get_legend_handles_labels()
    once = dict(zip(reversed(names), reversed(handles), strict=True))
    kept = list(dict.fromkeys(names))
    axes.legend(
        [once[name] for name in kept],
        kept,
        fontsize=7,
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=3,
        frameon=False,
    )


def _draw_series(axes: Axes, series: str, points: Sequence[Point]) -> None:
    x, y = [point.x for point in points], [point.y for point in points]
    first = points[0]
    axes.scatter(
        x,
        y,
        s=30,
        marker=first.shape,
        color=first.colour,
        edgecolor="white",
        linewidth=0.5,
        label=series,
        zorder=3,
    )


def _draw_labels(figure: Figure, axes: Axes, points: Sequence[Point]) -> None:
    """Each label beside its point, with a thin line where it stands farther off."""
    figure.canvas.draw()  # limits are known only then
    scale = figure.dpi / 72
    at = axes.transData.transform([(point.x, point.y) for point in points])
    sizes = [(FONT * 0.68 * scale * len(point.text), FONT * scale) for point in points]
    box = axes.get_window_extent()
    centres = place_labels(at, sizes, (box.x0, box.y0, box.x1, box.y1), 3.4 * scale)
    for point, own, centre in zip(points, at, centres, strict=True):
        _draw_label(axes, point, (np.asarray(centre) - own) / scale)


def _draw_label(axes: Axes, point: Point, offset_pt: np.ndarray) -> None:
    line = {"arrowstyle": "-", "color": "#999999", "linewidth": 0.5, "shrinkA": 4, "shrinkB": 0}
    axes.annotate(
        point.text,
        (point.x, point.y),
        tuple(offset_pt),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=FONT,
        color=[0.7 * part for part in to_rgb(point.colour)],  # thin strokes need to be darker than markers
        arrowprops=line if np.hypot(*offset_pt) > FAR_PT else None,
        zorder=4,
    )
