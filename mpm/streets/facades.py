"""Pictures of house walls: masonry and storeys, in their light."""

from __future__ import annotations

import cv2
import numpy as np

from mpm.streets.colours import Direction, scaled
from mpm.streets.ground_floors import entrance, shop
from mpm.streets.house_styles import Style
from mpm.streets.lighting import LAMP_RGB, Light
from mpm.streets.sheet import Sheet
from mpm.streets.textures import MASTER_PX, WALL_PX_PER_M, wall
from mpm.streets.things import Lot
from mpm.streets.windows import Pane, light_panes, window


def facade_tile(
    light: Light,
    lot: Lot,
    style: Style,
    base: np.ndarray,
    normal: Direction,
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
    panes: list[Pane] = []
    if gable_end:
        _few_windows(sheet, style, rng, panes)
    else:
        _storeys(sheet, style, rng, panes)
    foot = np.array([base[0] + (base[1] - base[0]) * t for t in shown])
    gain, veil = _wall_light(light, foot, normal, lot.height_m)
    cv2.multiply(sheet.pixels, cv2.resize(gain, size), sheet.pixels, scale=1 / 128)
    light_panes(sheet, panes, light)
    return cv2.add(sheet.pixels, cv2.resize(veil, size), sheet.pixels) if veil.max() > 3 else sheet.pixels


def _masonry(style: Style, texture: float, size: tuple[int, int], scale: float, seed: int) -> np.ndarray:
    master, px = wall(style.material), WALL_PX_PER_M
    wide, tall = (min(max(2, int(extent / scale * px)), MASTER_PX) for extent in size)
    x, y = seed % (MASTER_PX - wide + 1), seed // 1024 % (MASTER_PX - tall + 1)
    shrink = cv2.INTER_AREA if scale < 0.6 * px else cv2.INTER_LINEAR
    relief = cv2.resize(master[y : y + tall, x : x + wide], size, interpolation=shrink)
    steps = np.clip((128 + (np.arange(256) - 128) * texture)[:, None] / 128 * np.array(style.wall), 0, 255)
    return cv2.LUT(cv2.merge([relief] * 3), steps.astype(np.uint8)[None])


def _storeys(tile: Sheet, style: Style, rng: np.random.Generator, panes: list[Pane]) -> None:
    height, width, px = tile.height, tile.width, tile.px
    ground = (3.5 if style.shop else style.floor_m) * px
    floor, bay = style.floor_m * px, style.bay_m * px
    floors, bays = max(1, int((height - ground) / floor)), max(1, int(width / bay))
    floor, bay = (height - ground) / max(floors, 1), width / bays
    trim_dark = scaled(0.7, style.trim)
    for row in range(floors):
        y0 = height - ground - (row + 1) * floor
        for column in range(bays):
            window(tile, style, (column * bay, y0, bay, floor), rng, panes)
        if row and rng.random() < 0.4 or row == 0 and style.shop:
            tile.box(0, y0 + floor - 0.1 * px, width, y0 + floor + 0.14 * px, style.trim)
            tile.box(0, y0 + floor + 0.14 * px, width, y0 + floor + 0.24 * px, scaled(0.5, style.wall))
    if style.shop:
        shop(tile, style, ground, rng, panes)
    else:
        entrance(tile, style, ground, bays, bay, rng, panes)
    tile.box(0, 0, width, 0.34 * px, style.trim)
    tile.box(0, 0.34 * px, width, 0.5 * px, trim_dark)
    tile.box(0, 0.5 * px, width, 0.66 * px, scaled(0.55, style.wall))


def _few_windows(tile: Sheet, style: Style, rng: np.random.Generator, panes: list[Pane]) -> None:
    height, width, px = tile.height, tile.width, tile.px
    floors = max(1, int(height / px / style.floor_m))
    for row in range(floors):
        for column in range(3):
            if rng.random() < 0.45:
                cell = (column * width / 3, row * height / floors, width / 3, height / floors)
                window(tile, style, (cell[0] + cell[2] * 0.2, cell[1], cell[2] * 0.6, cell[3]), rng, panes)


def _wall_light(
    light: Light, base: np.ndarray, normal: Direction, height: float
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
