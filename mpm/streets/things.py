"""The values a layout is made of: lots along the street and things standing in it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thing:
    """One object: kind, place, and the seed of its own details. It shows when rank <= the clutter dial."""

    kind: str
    x_m: float
    z_m: float
    seed: int
    rank: float = 0.0
    heading_rad: float = 0.0
    side: int = 1
    size: tuple[float, ...] = ()


@dataclass(frozen=True)
class Lot:
    """A stretch of one side of the street: kind 'house', 'park' or 'gap' (a side street)."""

    kind: str
    side: int
    start_m: float
    end_m: float
    line_m: float
    height_m: float
    seed: int
