"""Windows of a house wall: frames, panes, balconies, and which of them are lit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mpm.streets.colours import Colour, scaled
from mpm.streets.house_styles import Style
from mpm.streets.lighting import Light
from mpm.streets.sheet import Sheet

WARM_RGB = ((255, 214, 140), (255, 196, 112), (250, 228, 178), (214, 226, 240))

_DETAIL_PX_PER_M = 13

Cell = tuple[float, float, float, float]
"""Left, top, width and height of a window's share of the wall, in pixels."""


class Pane(NamedTuple):
    """Glass that may be lit: place and size in pixels, when it lights up, its colour, its curtains."""

    x: float
    y: float
    width: float
    height: float
    chance: float
    warm: Colour
    curtain: float


def window(
    tile: Sheet, style: Style, cell: Cell, rng: np.random.Generator, panes: list[Pane], sill: bool = True
) -> None:
    x, y, wide, tall = cell
    px = tile.px
    if x > tile.left + tile.pixels.shape[1] or x + wide < tile.left:
        return
    w, h = wide * style.window[0], tall * style.window[1]
    x0, y0 = x + (wide - w) / 2, y + (tall - h) * 0.45
    if px < _DETAIL_PX_PER_M:  # too far away for frames and sills to be seen
        lit, warmth, _, tone = rng.random(4)
        tile.box(x0 - 1, y0 - 1, x0 + w + 1, y0 + h + 2, style.trim)
        tile.box(x0, y0, x0 + w, y0 + h, scaled(0.75 + 0.5 * tone, (76, 88, 104)))
        panes.append(Pane(x0, y0, w, h, lit, WARM_RGB[int(warmth * len(WARM_RGB))], 1.0))
        return
    frame = max(1.0, 0.09 * px)
    tile.box(x0 - frame * 1.6, y0 - frame * 1.6, x0 + w + frame * 1.6, y0 + h + frame, style.trim)
    if style.arched:
        tile.ellipse((x0 + w / 2, y0), (w / 2 + frame * 1.6, 0.3 * w), style.trim, 180)
        tile.ellipse((x0 + w / 2, y0), (w / 2, 0.22 * w), (58, 66, 78), 180)
    _pane(tile, x0, y0, w, h, rng, panes)
    if sill:
        tile.box(x0 - 2.4 * frame, y0 + h + frame, x0 + w + 2.4 * frame, y0 + h + 2.3 * frame, style.trim)
        tile.box(
            x0 - 2.0 * frame,
            y0 + h + 2.3 * frame,
            x0 + w + 2.0 * frame,
            y0 + h + 3.2 * frame,
            scaled(0.55, style.wall),
        )
    if style.balconies:
        _balcony(tile, x0, y0, w, h)


def _pane(
    tile: Sheet, x0: float, y0: float, w: float, h: float, rng: np.random.Generator, panes: list[Pane]
) -> None:
    """Glass that mirrors the sky above and the street below, with a frame cross and perhaps curtains."""
    px = tile.px
    lit, warmth, curtain, tone = rng.random(4)
    shade = 0.75 + 0.5 * tone
    glass = [scaled(shade, colour) for colour in ((112, 132, 152), (70, 82, 98), (44, 52, 62))]
    tile.box(x0, y0, x0 + w, y0 + h, glass[1])
    tile.box(x0, y0, x0 + w, y0 + 0.36 * h, glass[0])
    tile.box(x0, y0 + 0.74 * h, x0 + w, y0 + h, glass[2])
    tile.box(x0, y0, x0 + w, y0 + max(1.0, 0.1 * px), (34, 38, 46))
    panes.append(Pane(x0, y0, w, h, lit, WARM_RGB[int(warmth * len(WARM_RGB))], curtain))
    if curtain < 0.45:
        for left in (x0, x0 + 0.76 * w):
            tile.box(left, y0 + 0.1 * px, left + 0.24 * w, y0 + h, (188, 180, 168))
    bar = max(1.0, 0.06 * px)
    tile.box(x0 + w / 2 - bar / 2, y0, x0 + w / 2 + bar / 2, y0 + h, (220, 216, 208))
    tile.box(x0, y0 + 0.42 * h, x0 + w, y0 + 0.42 * h + bar, (220, 216, 208))


def _balcony(tile: Sheet, x0: float, y0: float, w: float, h: float) -> None:
    px = tile.px
    left, right, floor = x0 - 0.3 * px, x0 + w + 0.3 * px, y0 + h + 0.15 * px
    tile.box(left, floor, right, floor + 0.16 * px, (178, 174, 168))
    tile.box(left, floor + 0.16 * px, right, floor + 0.36 * px, (60, 56, 56))
    top = floor - 0.75 * px
    tile.box(left, top, right, top + max(1, 0.07 * px), (46, 46, 52))
    for x in np.arange(left, right, max(3.0, 0.17 * px)):
        tile.box(x, top, x + max(1, 0.05 * px), floor, (46, 46, 52))


def light_panes(tile: Sheet, panes: list[Pane], light: Light) -> None:
    """Switch on some windows, more of them the darker it is."""
    dark = max(light.night, 0.35 * light.overcast)
    for x0, y0, w, h, chance, warm, curtain in panes:
        if chance > 0.62 * dark:
            continue
        power = (0.45 + 0.5 * dark) * (0.75 + 0.25 * (chance * 37 % 1))
        tile.box(x0, y0, x0 + w, y0 + h, scaled(power * 0.8, warm))
        if tile.px < _DETAIL_PX_PER_M:
            continue
        tile.box(x0 + 0.1 * w, y0 + 0.12 * h, x0 + 0.9 * w, y0 + 0.6 * h, scaled(power, warm))
        if curtain < 0.45:
            tile.box(x0, y0, x0 + 0.22 * w, y0 + h, scaled(power * 0.6, warm))
            tile.box(x0 + 0.78 * w, y0, x0 + w, y0 + h, scaled(power * 0.6, warm))
        tile.box(x0 + 0.48 * w, y0, x0 + 0.52 * w, y0 + h, (60, 50, 40))
