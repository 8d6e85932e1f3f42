"""Trees and bushes: leafy sprites over drawn trunks."""

from __future__ import annotations

import numpy as np

from mpm.streets.camera import Camera
from mpm.streets.canvas import TREE, Canvas
from mpm.streets.colours import Colour, Spot, brightened, scaled
from mpm.streets.lighting import Light, LocalLight
from mpm.streets.textures import crown
from mpm.streets.things import Thing

_LEAVES = (
    (74, 110, 44),
    (92, 122, 48),
    (62, 98, 56),
    (108, 124, 52),
    (176, 120, 40),
    (160, 74, 36),
    (84, 116, 66),
)
_BARK = (92, 74, 58)
_VARIANTS = 3


def paint_tree(canvas: Canvas, camera: Camera, light: Light, thing: Thing) -> None:
    """A tree of thing.size = (height, crown width) metres."""
    height, spread = thing.size
    u, v, px = camera.spot(thing.x_m, 0.0, thing.z_m)
    if px <= 0 or thing.z_m < 2.5 or not camera.shows(u, 0.7 * spread * px):
        return
    rng = np.random.default_rng(thing.seed)
    pick = rng.random()
    kind = "round" if pick < 0.72 else "fir" if pick < 0.86 else "poplar"
    variant, flip, tone = int(rng.integers(_VARIANTS)), rng.random() < 0.5, rng.random()
    leaf = _LEAVES[rng.integers(4 if tone < 0.75 else len(_LEAVES))]
    local = light.at(thing.x_m, 0.6 * height, thing.z_m)
    clear = {"round": 0.30, "fir": 0.08, "poplar": 0.12}[kind]
    _trunk(canvas, local, rng, u, v, px, height, clear)
    if kind == "poplar":
        spread *= 0.8
    tall = height * (1 - clear) * 1.1
    middle = (u, v - px * (height - tall / 2))
    _crown(canvas, local, kind, variant, leaf, middle, (spread * px * 1.15, tall * px), flip)


def paint_bush(canvas: Canvas, camera: Camera, light: Light, thing: Thing) -> None:
    """A dense shrub or a wood's edge: a crown that reaches the ground."""
    u, v, px = camera.spot(thing.x_m, 0.0, thing.z_m)
    height, spread = thing.size
    if px <= 0 or thing.z_m < 2.0 or not camera.shows(u, 0.7 * spread * px):
        return
    rng = np.random.default_rng(thing.seed)
    local = light.at(thing.x_m, height, thing.z_m)
    _crown(
        canvas,
        local,
        "round",
        int(rng.integers(_VARIANTS)),
        _LEAVES[rng.integers(4)],
        (u, v - 0.42 * height * px),
        (spread * px * 1.3, height * px * 1.2),
        rng.random() < 0.5,
    )


def _trunk(
    canvas: Canvas,
    local: LocalLight,
    rng: np.random.Generator,
    u: float,
    v: float,
    px: float,
    height: float,
    clear: float,
) -> None:
    top, width = v - px * height * (clear + 0.3), px * (0.13 + 0.012 * height)
    dark, bright = local.colour(_BARK, (0.7, 0, -0.4)), local.colour(_BARK, (-0.7, 0, -0.4))
    lean = px * 0.3 * (rng.random() - 0.5)
    canvas.poly(
        [
            (u - 1.5 * width, v),
            (u - width, v - 0.3 * px),
            (u - 0.6 * width + lean, top),
            (u + 0.6 * width + lean, top),
            (u + width, v - 0.3 * px),
            (u + 1.5 * width, v),
        ],
        dark,
        TREE,
    )
    canvas.poly(
        [
            (u - 1.4 * width, v),
            (u - width, v - 0.3 * px),
            (u - 0.6 * width + lean, top),
            (u + lean, top),
            (u, v),
        ],
        bright,
        TREE,
    )
    fork = v - px * height * clear * 0.9
    for _ in range(4):
        reach, up = px * height * 0.22 * (2 * rng.random() - 1), px * height * (0.18 + 0.14 * rng.random())
        canvas.line([(u + lean * 0.6, fork), (u + reach, fork - up)], 0.8 * width, dark, TREE)


def _crown(
    canvas: Canvas,
    local: LocalLight,
    kind: str,
    variant: int,
    leaf: Colour,
    middle: Spot,
    size: Spot,
    flip: bool,
) -> None:
    shades, alpha = crown(kind, variant, flip)
    canvas.sprite(shades, alpha, middle, size, leaf_ramp(local, leaf), TREE)


def leaf_ramp(local: LocalLight, leaf: Colour) -> np.ndarray:
    """(256, 3) uint8 colours of leaves from deep shade to full light."""
    texture, sunny = local.light.texture, brightened(1.2, leaf, 22)
    stops = [120 + (stop - 120) / (0.3 + 0.7 * texture) for stop in (0, 115, 255)]
    tones = (
        local.colour(scaled(0.42, leaf), (0, 0, 0)),
        local.colour(leaf, (0, 0.3, 0)),
        local.colour(sunny, local.light.sun_dir),
    )
    shades = np.arange(256)
    return np.stack([np.interp(shades, stops, [tone[k] for tone in tones]) for k in range(3)], 1).astype(
        np.uint8
    )
