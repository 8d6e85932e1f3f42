"""The four dials of a synthetic street."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from mpm.errors import InputError

_RANGES = {"time_of_day": (0.0, 24.0), "weather": (0.0, 1.0), "clutter": (0.0, 1.0), "texture": (0.0, 1.0)}


@dataclass(frozen=True)
class Dials:
    """How a street looks: time_of_day in hours (0..24), the others from 0 to 1.

    weather: 0 clear .. 1 heavy rain or fog; clutter: 0 empty .. 1 crowded; texture: 0 flat .. 1 rich.
    Raises InputError (a ValueError) when a value is no number or out of its range.
    """

    time_of_day: float = 13.0
    weather: float = 0.1
    clutter: float = 0.6
    texture: float = 0.8

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _checked(field.name, getattr(self, field.name)))

    @staticmethod
    def random(rng: np.random.Generator) -> Dials:
        """Dials as a dash camera meets them: mostly by day, some at dusk, dawn and night."""
        pick, hour, weather, clutter, texture = rng.random(5)
        if pick < 0.68:
            time = 8.0 + 9.0 * hour
        elif pick < 0.84:
            time = 5.6 + 1.8 * hour if pick < 0.74 else 17.0 + 2.0 * hour
        else:
            time = (19.5 + 9.5 * hour) % 24.0
        return Dials(time, weather**2.2, 0.25 + 0.75 * clutter, 0.35 + 0.65 * texture)


def _checked(name: str, value: object) -> float:
    low, high = _RANGES[name]
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number <= high:
        raise InputError(f"The dial {name} must be a number from {low:g} to {high:g}, but got {value!r}.")
    return number
