"""Pictures of house walls: masonry, windows, doors and shop fronts, in their light."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from mpm.streets.lighting import LAMP_RGB, Light
from mpm.streets.textures import MASTER_PX, WALL_PX_PER_M, wall
from mpm.streets.things import Lot

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
_SHOPS = (
    (28, 68, 60),
    (120, 30, 36),
    (30, 44, 92),
    (196, 148, 44),
    (44, 40, 44),
    (150, 64, 96),
    (38, 96, 120),
)
_WARM = ((255, 214, 140), (255, 196, 112), (250, 228, 178), (214, 226, 240))


_DETAIL_PX_PER_M = 13


@dataclass(frozen=True)
class Style:
    """How one house is built. Lengths in metres."""

    material: str
    wall: tuple
    trim: tuple
    roof: tuple
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


@dataclass(frozen=True)
class Sheet:
    """The part of a wall's picture in sight: pixels (h, w, 3), its offset and the whole wall's size."""

    pixels: np.ndarray
    px: float
    left: int
    width: int
    height: int

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: tuple) -> None:
        """Fill a rectangle given in the whole wall's pixels."""
        left, right = round(x0) - self.left, round(x1) - self.left - 1
        if right >= 0 and left < self.pixels.shape[1]:
            cv2.rectangle(self.pixels, (left, round(y0)), (right, round(y1) - 1), colour, -1)

    def ellipse(self, centre: tuple, axes: tuple, colour: tuple, start: int = 0, stop: int = 360) -> None:
        middle = (round(centre[0]) - self.left, round(centre[1]))
        cv2.ellipse(
            self.pixels, middle, (max(1, round(axes[0])), max(1, round(axes[1]))), 0, start, stop, colour, -1
        )


def facade_tile(
    light: Light,
    lot: Lot,
    style: Style,
    base: np.ndarray,
    normal: tuple,
    shown: tuple[float, float],
    scale: float,
    gable_end: bool,
) -> np.ndarray:
    """(h, w, 3) uint8 picture of the shown share of a wall in its light, scale pixels a metre."""
    rng = np.random.default_rng(lot.seed + 7 + gable_end)
    length = float(np.linalg.norm(base[1] - base[0]))
    width, height = max(8, round(length * scale)), max(8, round(lot.height_m * scale))
    left = int(shown[0] * width)
    size = (max(2, round(shown[1] * width) - left), height)
    sheet = Sheet(_masonry(style, light.texture, size, scale, lot.seed), scale, left, width, height)
    panes: list = []
    if gable_end:
        _few_windows(sheet, style, rng, panes)
    else:
        _storeys(sheet, style, rng, panes)
    foot = np.array([base[0] + (base[1] - base[0]) * t for t in shown])
    gain, veil = _wall_light(light, foot, normal, lot.height_m)
    cv2.multiply(sheet.pixels, cv2.resize(gain, size), sheet.pixels, scale=1 / 128)
    _lit_panes(sheet, panes, light)
    return cv2.add(sheet.pixels, cv2.resize(veil, size), sheet.pixels) if veil.max() > 3 else sheet.pixels


def _masonry(style: Style, texture: float, size: tuple, scale: float, seed: int) -> np.ndarray:
    master, px = wall(style.material), WALL_PX_PER_M
    wide, tall = (min(max(2, int(extent / scale * px)), MASTER_PX) for extent in size)
    x, y = seed % (MASTER_PX - wide + 1), seed // 1024 % (MASTER_PX - tall + 1)
    shrink = cv2.INTER_AREA if scale < 0.6 * px else cv2.INTER_LINEAR
    relief = cv2.resize(master[y : y + tall, x : x + wide], size, interpolation=shrink)
    steps = np.clip((128 + (np.arange(256) - 128) * texture)[:, None] / 128 * np.array(style.wall), 0, 255)
    return cv2.LUT(cv2.merge([relief] * 3), steps.astype(np.uint8)[None])


def _storeys(tile: Sheet, style: Style, rng: np.random.Generator, panes: list) -> None:
    height, width, px = tile.height, tile.width, tile.px
    ground = (3.5 if style.shop else style.floor_m) * px
    floor, bay = style.floor_m * px, style.bay_m * px
    floors, bays = max(1, int((height - ground) / floor)), max(1, int(width / bay))
    floor, bay = (height - ground) / max(floors, 1), width / bays
    trim_dark = tuple(0.7 * c for c in style.trim)
    for row in range(floors):
        y0 = height - ground - (row + 1) * floor
        for column in range(bays):
            _window(tile, style, (column * bay, y0, bay, floor), rng, panes)
        if row and rng.random() < 0.4 or row == 0 and style.shop:
            tile.box(0, y0 + floor - 0.1 * px, width, y0 + floor + 0.14 * px, style.trim)
            tile.box(
                0, y0 + floor + 0.14 * px, width, y0 + floor + 0.24 * px, tuple(0.5 * c for c in style.wall)
            )
    if style.shop:
        _shop(tile, style, ground, rng, panes)
    else:
        _entrance(tile, style, ground, bays, bay, rng, panes)
    tile.box(0, 0, width, 0.34 * px, style.trim)
    tile.box(0, 0.34 * px, width, 0.5 * px, trim_dark)
    tile.box(0, 0.5 * px, width, 0.66 * px, tuple(0.55 * c for c in style.wall))


def _window(
    tile: Sheet, style: Style, cell: tuple, rng: np.random.Generator, panes: list, sill: bool = True
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
        tile.box(x0, y0, x0 + w, y0 + h, tuple((0.75 + 0.5 * tone) * c for c in (76, 88, 104)))
        panes.append((x0, y0, w, h, lit, _WARM[int(warmth * len(_WARM))], 1.0))
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
            tuple(0.55 * c for c in style.wall),
        )
    if style.balconies:
        _balcony(tile, x0, y0, w, h)


def _pane(
    tile: Sheet, x0: float, y0: float, w: float, h: float, rng: np.random.Generator, panes: list
) -> None:
    """Glass that mirrors the sky above and the street below, with a frame cross and perhaps curtains."""
    px = tile.px
    lit, warmth, curtain, tone = rng.random(4)
    shade = 0.75 + 0.5 * tone
    glass = [tuple(shade * c for c in colour) for colour in ((112, 132, 152), (70, 82, 98), (44, 52, 62))]
    tile.box(x0, y0, x0 + w, y0 + h, glass[1])
    tile.box(x0, y0, x0 + w, y0 + 0.36 * h, glass[0])
    tile.box(x0, y0 + 0.74 * h, x0 + w, y0 + h, glass[2])
    tile.box(x0, y0, x0 + w, y0 + max(1.0, 0.1 * px), (34, 38, 46))
    panes.append((x0, y0, w, h, lit, _WARM[int(warmth * len(_WARM))], curtain))
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


def _shop(tile: Sheet, style: Style, ground: float, rng: np.random.Generator, panes: list) -> None:
    height, width, px = tile.height, tile.width, tile.px
    colour = _SHOPS[rng.integers(len(_SHOPS))]
    top = height - ground
    tile.box(0, top + 0.2 * px, width, height, tuple(0.75 * c for c in colour))
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
    tile: Sheet, x0: float, y0: float, w: float, h: float, rng: np.random.Generator, panes: list
) -> None:
    px = tile.px
    tile.box(x0, y0, x0 + w, y0 + h, (52, 60, 70))
    tile.box(x0, y0, x0 + w, y0 + 0.3 * h, (92, 104, 116))
    for _ in range(int(3 * w / px)):
        x, tall = x0 + w * rng.random(), h * (0.15 + 0.4 * rng.random())
        goods = tuple(70 + 150 * rng.random(3))
        tile.box(x, y0 + h - tall, min(x + 0.4 * px, x0 + w), y0 + h, goods)
    panes.append((x0, y0, w, 0.62 * h, 0.35 * rng.random(), _WARM[rng.integers(2)], 1.0))


def _awning(tile: Sheet, y: float, colour: tuple) -> None:
    px, width = tile.px, tile.width
    stripe = 0.42 * px
    for i, x in enumerate(np.arange(0, width, stripe)):
        shade = colour if i % 2 else (232, 226, 214)
        tile.box(x, y, x + stripe, y + 0.62 * px, shade)
        tile.ellipse(
            (x + stripe / 2, y + 0.62 * px), (stripe / 2, stripe / 2), tuple(0.85 * c for c in shade)
        )


def _entrance(
    tile: Sheet, style: Style, ground: float, bays: int, bay: float, rng: np.random.Generator, panes: list
) -> None:
    height, width, px = tile.height, tile.width, tile.px
    door = int(rng.integers(bays))
    paint = _SHOPS[rng.integers(len(_SHOPS))]
    for column in range(bays):
        if column != door:
            _window(tile, style, (column * bay, height - ground, bay, ground * 0.9), rng, panes)
            continue
        x0 = column * bay + bay / 2 - 0.55 * px
        tile.box(x0 - 0.18 * px, height - 2.55 * px, x0 + 1.28 * px, height, style.trim)
        tile.box(x0, height - 2.1 * px, x0 + 1.1 * px, height, paint)
        tile.box(
            x0 + 0.15 * px,
            height - 1.9 * px,
            x0 + 0.48 * px,
            height - 1.1 * px,
            tuple(0.7 * c for c in paint),
        )
        tile.box(
            x0 + 0.62 * px,
            height - 1.9 * px,
            x0 + 0.95 * px,
            height - 1.1 * px,
            tuple(0.7 * c for c in paint),
        )
        panes.append((x0, height - 2.45 * px, 1.1 * px, 0.3 * px, 0.5 * rng.random(), _WARM[0], 1.0))
    tile.box(0, height - 0.4 * px, width, height, tuple(0.66 * c for c in style.wall))


def _few_windows(tile: Sheet, style: Style, rng: np.random.Generator, panes: list) -> None:
    height, width, px = tile.height, tile.width, tile.px
    floors = max(1, int(height / px / style.floor_m))
    for row in range(floors):
        for column in range(3):
            if rng.random() < 0.45:
                cell = (column * width / 3, row * height / floors, width / 3, height / floors)
                _window(tile, style, (cell[0] + cell[2] * 0.2, cell[1], cell[2] * 0.6, cell[3]), rng, panes)


def _wall_light(
    light: Light, base: np.ndarray, normal: tuple, height: float
) -> tuple[np.ndarray, np.ndarray]:
    """(10, 16, 3) gain (128 is one) and veil of haze over a wall."""
    along, up = np.meshgrid((np.arange(16) + 0.5) / 16, (9.5 - np.arange(10)) / 10)
    points = base[0] + along[..., None] * (base[1] - base[0]) + up[..., None] * (0, height, 0)
    flat = points.reshape(-1, 3) + np.array(normal) * 0.4
    cosine = max(0.0, float(np.dot(normal, light.sun_dir)))
    sunlit = light.roofs.sunlit(flat + np.array(normal) * 0.8, light.sun_dir).reshape(10, 16, 1) * cosine
    lamps = light.lamp_light(flat).reshape(10, 16, 1)
    open_sky = (0.74 + 0.2 * up)[..., None] - 0.14 * np.exp(-up * height / 0.5)[..., None]
    total = np.array(light.ambient) * open_sky + 1.05 * np.array(light.sun) * sunlit
    total = total + 1.1 * np.array(LAMP_RGB) * lamps
    clear = np.exp(-light.haze_per_m * np.clip(points[..., 2:], 0, 200))
    gain = np.clip(total * clear * 128, 0, 255).astype(np.uint8)
    return gain, np.clip(np.array(light.haze) * (1 - clear), 0, 255).astype(np.uint8)


def _lit_panes(tile: Sheet, panes: list, light: Light) -> None:
    """Switch on some windows, more of them the darker it is."""
    dark = max(light.night, 0.35 * light.overcast)
    for x0, y0, w, h, chance, warm, curtain in panes:
        if chance > 0.62 * dark:
            continue
        power = (0.45 + 0.5 * dark) * (0.75 + 0.25 * (chance * 37 % 1))
        tile.box(x0, y0, x0 + w, y0 + h, tuple(power * 0.8 * c for c in warm))
        if tile.px < _DETAIL_PX_PER_M:
            continue
        tile.box(x0 + 0.1 * w, y0 + 0.12 * h, x0 + 0.9 * w, y0 + 0.6 * h, tuple(power * c for c in warm))
        if curtain < 0.45:
            tile.box(x0, y0, x0 + 0.22 * w, y0 + h, tuple(power * 0.6 * c for c in warm))
            tile.box(x0 + 0.78 * w, y0, x0 + w, y0 + h, tuple(power * 0.6 * c for c in warm))
        tile.box(x0 + 0.48 * w, y0, x0 + 0.52 * w, y0 + h, (60, 50, 40))
