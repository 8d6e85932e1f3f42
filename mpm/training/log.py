"""The record of a training run: OUTPUT/log.csv, a row every few steps, and OUTPUT/log.png drawn from it."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class LogRow:
    """One line of log.csv; minutes are those spent over all resumed runs, mIoU only where it was measured.

    `camvid_miou` is that of the photographs, also of one's own ones: the name is that of older logs.
    """

    step: int
    minutes: float
    loss: float
    learning_rate_factor: float
    camvid_miou: float | None = None
    streets_miou: float | None = None


class TrainingLog:
    """Reads what earlier runs logged up to `step` and appends to it."""

    def __init__(self, output: Path, step: int = 0):
        self._csv, self._plot = output / "log.csv", output / "log.png"
        # Rows past the resumed step belong to work that was lost with the killed run.
        self.rows = [row for row in _read_rows(self._csv) if row.step <= step]
        self._write_all()

    def add(self, row: LogRow) -> None:
        self.rows.append(row)
        with open(self._csv, "a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(_cells(row))

    def draw(self) -> None:
        """Writes log.png: loss over the minutes above, mIoU of both validation sets below."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 7), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True)
        _draw_loss(above, self.rows)
        _draw_miou(below, self.rows)
        fresh = self._plot.with_suffix(".new.png")
        figure.savefig(fresh, dpi=110)
        os.replace(fresh, self._plot)

    def _write_all(self) -> None:
        fresh = self._csv.with_suffix(".new.csv")
        with open(fresh, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([field.name for field in fields(LogRow)])
            writer.writerows(_cells(row) for row in self.rows)
        os.replace(fresh, self._csv)


def _cells(row: LogRow) -> list[str]:
    values = (getattr(row, field.name) for field in fields(LogRow))
    return [
        "" if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)
        for value in values
    ]


def _read_rows(path: Path) -> list[LogRow]:
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        rows = [_parse(cells) for cells in csv.DictReader(file)]
    return [row for row in rows if row is not None]


def _parse(cells: dict[str, str]) -> LogRow | None:
    """None for a row that a killed run left half-written."""
    try:
        return LogRow(
            step=int(cells["step"]),
            minutes=float(cells["minutes"]),
            loss=float(cells["loss"]),
            learning_rate_factor=float(cells["learning_rate_factor"]),
            camvid_miou=_measured(cells["camvid_miou"]),
            streets_miou=_measured(cells["streets_miou"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _measured(cell: str) -> float | None:
    return float(cell) if cell else None


def _draw_loss(axes: Axes, rows: list[LogRow]) -> None:
    axes.plot([row.minutes for row in rows], [row.loss for row in rows], color="tab:grey", linewidth=0.8)
    axes.set_ylabel("loss (mean since the last row)")
    axes.grid(alpha=0.3)


def _draw_miou(axes: Axes, rows: list[LogRow]) -> None:
    for name, label in (
        ("camvid_miou", "photographs of val, subset"),
        ("streets_miou", "held-out synthetic streets, subset"),
    ):
        points = [(row.minutes, getattr(row, name)) for row in rows if getattr(row, name) is not None]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=label)
    axes.set_xlabel("minutes of training")
    axes.set_ylabel("mIoU of the averaged weights")
    axes.set_ylim(0, 1)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(loc="lower right")
