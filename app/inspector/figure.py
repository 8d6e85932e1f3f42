"""The figure for papers: picture, merges and both masks, their classes, and one line of numbers.

Drawn with matplotlib's objects alone. The same values give the same bytes: no date is written. Text stays
text in SVG and PDF.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from app.inspector.agreement import agreement
from app.inspector.figure_parts import (
    FAMILY,
    POINTS_PER_INCH,
    coloured_mask,
    fitted,
    merged_picture,
    outlines,
    present,
    text_width_in,
    wrapped,
)
from app.inspector.wire import readable
from mpm.errors import InputError

FORMATS = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
DPI = 300
WIDTH_IN = 7.16
"""Both columns of a usual paper."""
MAX_PANEL_HEIGHT_IN, MIN_PANEL_WIDTH_IN, MIN_PANEL_HEIGHT_IN = 3.4, 1.0, 0.12
GAP_IN, EDGE_IN, TITLE_IN, LINE_IN = 0.08, 0.04, 0.17, 0.15
TEXT_PT, TITLE_PT = 7.0, 7.5
SWATCH_IN = 0.1
MAX_NAME = 24
PANELS = ("Picture", "Merged tokens", "Mask, unmerged", "Mask, merged")

_SAVING = threading.Lock()
"""What decides how text is written is global in matplotlib, and read while it saves."""


@dataclass(frozen=True)
class Layout:
    """Where the panels stand, in inches; `top` is the height of what stands below them."""

    columns: int
    panel_wh: tuple[float, float]
    height: float
    top: float

    @classmethod
    def of(cls, aspect: float, text_height: float) -> Layout:
        """Four in a row, wide pictures two by two, panoramas stacked. aspect: width by height."""
        columns = 4 if aspect <= 2 else 2 if aspect <= 5 else 1
        room = (WIDTH_IN - 2 * EDGE_IN - (columns - 1) * GAP_IN) / columns
        width = min(room, max(MIN_PANEL_WIDTH_IN, MAX_PANEL_HEIGHT_IN * aspect))
        height = max(MIN_PANEL_HEIGHT_IN, min(MAX_PANEL_HEIGHT_IN, width / aspect))
        rows = len(PANELS) // columns
        whole = rows * (height + TITLE_IN) + (rows - 1) * GAP_IN + EDGE_IN
        return cls(columns, (width, height), whole + text_height, text_height)

    def box(self, number: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a panel as shares of the figure."""
        row, column = divmod(number, self.columns)
        width, height = self.panel_wh
        whole = self.columns * width + (self.columns - 1) * GAP_IN
        left = (WIDTH_IN - whole) / 2 + column * (width + GAP_IN)
        below_top = EDGE_IN + (row + 1) * (height + TITLE_IN) + row * GAP_IN
        bottom = self.height - below_top
        return left / WIDTH_IN, bottom / self.height, width / WIDTH_IN, height / self.height


def figure_file(
    rgb: np.ndarray,
    baseline,
    merged,
    class_names: Sequence[str],
    palette: np.ndarray,
    title: str,
    speed: str | None = None,
    kind: str = "png",
) -> bytes:
    """The figure as a file.

    rgb: (H, W, 3) uint8, the picture. baseline, merged: runs with labels, recipe and trace. palette:
    (classes, 3) uint8. title: the model. speed: a phrase with its interval and number of runs, or None. kind:
    "png" (300 dpi), "svg" or "pdf". Raises InputError for another kind.
    """
    if kind not in FORMATS:
        raise InputError(f"A figure is {', '.join(FORMATS)}, but got {kind!r:.40}")
    figure = draw(rgb, baseline, merged, class_names, palette, numbers(baseline, merged, title, speed))
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    settings: dict[Any, Any] = {"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "mpm"}
    file = io.BytesIO()
    with _SAVING, matplotlib.rc_context(settings):
        figure.savefig(file, format=kind, dpi=DPI, metadata=metadata, facecolor="white")
    return file.getvalue()


def numbers(baseline, merged, title: str, speed: str | None = None) -> list[str]:
    """What the line below the panels says, part by part."""
    counts = merged.trace.token_counts
    whole, left = baseline.trace.token_counts[0], counts[-1]
    same = 100 * agreement(merged.labels, baseline.labels)
    told = f"{min(same, 99.9):.1f} % of the mask is the same"  # 100 % is said of equal masks alone
    if same == 100:
        told = "the whole mask is the same"
    tokens = f"{whole} tokens became {left} ({100 * left / whole:.0f} %)"
    return [title, f"recipe {merged.recipe}", tokens, told, *([speed] if speed else [])]


def draw(
    rgb: np.ndarray,
    baseline,
    merged,
    class_names: Sequence[str],
    palette: np.ndarray,
    said: Sequence[str],
) -> Figure:
    """The figure itself. said: parts of the line of numbers, wrapped where it is too long."""
    classes = present([baseline.labels, merged.labels], len(class_names))
    names = [_shortened(readable(str(class_names[one]))) for one in classes]
    lines = wrapped(said, TEXT_PT, WIDTH_IN - 2 * EDGE_IN)
    columns = legend_columns(names)
    legend_rows = -(-len(names) // columns)
    aspect = rgb.shape[1] / rgb.shape[0]
    layout = Layout.of(aspect, (len(lines) + legend_rows) * LINE_IN + 2 * GAP_IN)
    figure = Figure(figsize=(WIDTH_IN, layout.height), dpi=DPI)
    _draw_panels(figure, layout, rgb, baseline, merged, palette)
    top = layout.top - GAP_IN
    _draw_legend(figure, layout, names, palette[classes], columns, top)
    for number, line in enumerate(lines):
        _text(figure, layout, EDGE_IN, top - (legend_rows + number + 0.5) * LINE_IN - GAP_IN / 2, line)
    return figure


def legend_columns(names: Sequence[str]) -> int:
    """How many classes stand beside each other."""
    widest = max(text_width_in(name, TEXT_PT) for name in names)
    return max(1, min(len(names), int((WIDTH_IN - 2 * EDGE_IN) / (widest + SWATCH_IN + 3 * GAP_IN))))


def _draw_panels(
    figure: Figure, layout: Layout, rgb: np.ndarray, baseline, merged, palette: np.ndarray
) -> None:
    long_side_px = round(DPI * max(layout.panel_wh))
    picture, grid = fitted(rgb, long_side_px), merged.trace.grid
    groups = merged.trace.groups(len(merged.trace.stages))
    images = (
        picture,
        merged_picture(picture, grid, groups),
        coloured_mask(baseline, palette),
        coloured_mask(merged, palette),
    )
    for number, (name, image) in enumerate(zip(PANELS, images, strict=True)):
        axes = figure.add_axes(layout.box(number))
        axes.set_axis_off()
        # All over the picture's own size: masks may be smaller, and sizes are rounded.
        axes.imshow(image, extent=(0, rgb.shape[1], rgb.shape[0], 0), interpolation="none")
        axes.set_title(name, fontsize=TITLE_PT, family=FAMILY, pad=3)
        if number == 1:
            _draw_outlines(axes, outlines(grid, groups) * (rgb.shape[1], rgb.shape[0]), layout, grid.cols)


def _draw_outlines(axes, lines: np.ndarray, layout: Layout, cols: int) -> None:
    patch_pt = POINTS_PER_INCH * layout.panel_wh[0] / cols
    width = min(0.4, 0.1 * patch_pt)
    axes.add_collection(LineCollection(list(lines), colors="white", linewidths=width, capstyle="projecting"))


def _draw_legend(
    figure: Figure, layout: Layout, names: Sequence[str], colours: np.ndarray, columns: int, top: float
) -> None:
    step = (WIDTH_IN - 2 * EDGE_IN) / columns
    widest = max(text_width_in(name, TEXT_PT) for name in names) + SWATCH_IN + 3 * GAP_IN
    step = min(step, widest)
    for number, (name, colour) in enumerate(zip(names, colours, strict=True)):
        row, column = divmod(number, columns)
        left, middle = EDGE_IN + column * step, top - (row + 0.5) * LINE_IN
        corner = left / WIDTH_IN, (middle - SWATCH_IN / 2) / layout.height
        size = SWATCH_IN / WIDTH_IN, SWATCH_IN / layout.height
        swatch = Rectangle(
            corner, *size, facecolor=tuple(colour / 255), edgecolor="0.4", linewidth=0.3,
            transform=figure.transFigure,
        )  # fmt: skip
        figure.add_artist(swatch)
        _text(figure, layout, left + SWATCH_IN + 0.6 * GAP_IN, middle, name)


def _text(figure: Figure, layout: Layout, left: float, middle: float, text: str) -> None:
    """A line of text; left and middle in inches from the figure's left bottom corner."""
    where = left / WIDTH_IN, middle / layout.height
    font: dict[str, Any] = {"fontsize": TEXT_PT, "family": FAMILY}
    figure.text(*where, text, va="center_baseline", parse_math=False, **font)


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
