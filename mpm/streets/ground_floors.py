"""Ground floors of houses: shop fronts with their displays, and entrances."""

from __future__ import annotations

import numpy as np

from mpm.streets.colours import Colour, scaled
from mpm.streets.house_styles import Style
from mpm.streets.sheet import Sheet
from mpm.streets.windows import WARM_RGB, Pane, window

_SHOPS = (
    (28, 68, 60),
    (120, 30, 36),
    (30, 44, 92),
    (196, 148, 44),
    (44, 40, 44),
    (150, 64, 96),
    (38, 96, 120),
)


def shop(tile: Sheet, style: Style, ground: float, rng: np.random.Generator, panes: list[Pane]) -> None:
    height, width, px = tile.height, tile.width, tile.px
    colour = _SHOPS[rng.integers(len(_SHOPS))]
    top = height - ground
    tile.box(0, top + 0.2 * px, width, height, scaled(0.75, colour))
    count = max(1, int(width / (3.2 * px)))
    for i in range(count):
        x0, x1 = width * i / count + 0.2 * px, width * (i + 1) / count - 0.2 * px
        door = x1 - 1.0 * px if rng.random() < 0.6 else x1
        _display(tile, x0, top + 1.05 * px, door - x0 - 0.1 * px, ground - 1.6 * px, rng, panes)
        if door < x1:
            _display(tile, door, top + 1.05 * px, x1 - door, ground - 1.15 * px, rng, panes)
    tile.box(0, top + 0.15 * px, width, top + 0.85 * px, colour)
    tile.box(0, top + 0.85 * px, width, top + 0.98 * px, (30, 28, 30))
    x = 0.12 * width
    while x < 0.85 * width:  # lettering, as marks
        step = (0.16 + 0.22 * rng.random()) * px
        tile.box(x, top + 0.34 * px, x + step, top + (0.62 + 0.08 * rng.random()) * px, (240, 232, 206))
        x += step + (0.1 + 0.5 * (rng.random() < 0.16)) * px
    if rng.random() < 0.45:
        _awning(tile, top + 0.98 * px, colour)


def _display(
    tile: Sheet, x0: float, y0: float, w: float, h: float, rng: np.random.Generator, panes: list[Pane]
) -> None:
    px = tile.px
    tile.box(x0, y0, x0 + w, y0 + h, (52, 60, 70))
    tile.box(x0, y0, x0 + w, y0 + 0.3 * h, (92, 104, 116))
    for _ in range(int(3 * w / px)):
        x, tall = x0 + w * rng.random(), h * (0.15 + 0.4 * rng.random())
        goods = tuple(70 + 150 * rng.random(3))
        tile.box(x, y0 + h - tall, min(x + 0.4 * px, x0 + w), y0 + h, goods)
    panes.append(Pane(x0, y0, w, 0.62 * h, 0.35 * rng.random(), WARM_RGB[rng.integers(2)], 1.0))


def _awning(tile: Sheet, y: float, colour: Colour) -> None:
    px, width = tile.px, tile.width
    stripe = 0.42 * px
    for i, x in enumerate(np.arange(0, width, stripe)):
        shade = colour if i % 2 else (232, 226, 214)
        tile.box(x, y, x + stripe, y + 0.62 * px, shade)
        tile.ellipse((x + stripe / 2, y + 0.62 * px), (stripe / 2, stripe / 2), scaled(0.85, shade))


def entrance(
    tile: Sheet,
    style: Style,
    ground: float,
    bays: int,
    bay: float,
    rng: np.random.Generator,
    panes: list[Pane],
) -> None:
    height, width, px = tile.height, tile.width, tile.px
    door = int(rng.integers(bays))
    paint = _SHOPS[rng.integers(len(_SHOPS))]
    for column in range(bays):
        if column != door:
            window(tile, style, (column * bay, height - ground, bay, ground * 0.9), rng, panes)
            continue
        x0 = column * bay + bay / 2 - 0.55 * px
        tile.box(x0 - 0.18 * px, height - 2.55 * px, x0 + 1.28 * px, height, style.trim)
        tile.box(x0, height - 2.1 * px, x0 + 1.1 * px, height, paint)
        tile.box(
            x0 + 0.15 * px,
            height - 1.9 * px,
            x0 + 0.48 * px,
            height - 1.1 * px,
            scaled(0.7, paint),
        )
        tile.box(
            x0 + 0.62 * px,
            height - 1.9 * px,
            x0 + 0.95 * px,
            height - 1.1 * px,
            scaled(0.7, paint),
        )
        panes.append(Pane(x0, height - 2.45 * px, 1.1 * px, 0.3 * px, 0.5 * rng.random(), WARM_RGB[0], 1.0))
    tile.box(0, height - 0.4 * px, width, height, scaled(0.66, style.wall))
