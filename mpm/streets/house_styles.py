"""How each house is built: its material, colours and measures, from its seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mpm.streets.colours import Colour

_WALLS = {
    "brick": ((150, 84, 62), (126, 74, 60), (168, 116, 84), (186, 160, 118), (112, 66, 56)),
    "stone": ((196, 184, 158), (168, 160, 146), (184, 168, 136), (150, 146, 138)),
    "plaster": (
        (232, 224, 206),
        (226, 196, 140),
        (204, 140, 112),
        (170, 190, 176),
        (206, 206, 212),
        (226, 176, 158),
    ),
    "panel": ((158, 162, 168), (128, 134, 142), (190, 188, 182)),
}
_ROOFS = ((96, 62, 52), (82, 78, 82), (120, 76, 58), (70, 72, 80))


@dataclass(frozen=True)
class Style:
    """How one house is built. Lengths in metres."""

    material: str
    wall: Colour
    trim: Colour
    roof: Colour
    roof_rise_m: float
    shop: bool
    floor_m: float
    bay_m: float
    window: tuple[float, float]
    balconies: bool
    arched: bool


@lru_cache(maxsize=512)
def house_style(seed: int) -> Style:
    rng = np.random.default_rng(seed)
    material = str(rng.choice(list(_WALLS), p=[0.4, 0.2, 0.28, 0.12]))
    walls = _WALLS[material]
    colour = np.array(walls[rng.integers(len(walls))]) * (0.86 + 0.26 * rng.random())
    trim = (236, 230, 218) if rng.random() < 0.65 else tuple(np.array(colour) * 0.62)
    flat = material == "panel" or rng.random() < 0.25
    return Style(
        material,
        tuple(np.clip(colour, 0, 250)),
        trim,
        _ROOFS[rng.integers(len(_ROOFS))],
        0.0 if flat else 1.8 + 1.6 * rng.random(),
        bool(rng.random() < 0.45),
        2.9 + 0.6 * rng.random(),
        1.9 + 1.1 * rng.random(),
        (0.42 + 0.22 * rng.random(), 0.5 + 0.12 * rng.random()),
        bool(rng.random() < 0.22),
        bool(rng.random() < 0.2),
    )
