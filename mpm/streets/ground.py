"""Road, pavements, kerbs, marks, shadows and pools of lamp light on the ground."""

from __future__ import annotations

import cv2
import numpy as np

from mpm.streets.camera import Camera
from mpm.streets.canvas import PAVEMENT, ROAD, TREE, Canvas
from mpm.streets.colours import Colour, brightened, scaled
from mpm.streets.layout import END_M, Layout
from mpm.streets.lighting import LAMP_RGB, Light
from mpm.streets.textures import asphalt, slabs

_ALONG = np.concatenate([np.linspace(0.4, 6, 8), np.linspace(7.5, 40, 20), np.linspace(46, 140, 14)])
_KERB_M = 0.12
_SHRINK = 6


def paint_ground(canvas: Canvas, camera: Camera, layout: Layout, light: Light, shadows: np.ndarray) -> None:
    """Paint all ground; shadows is a (H, W) uint8 picture, 255 where an object keeps the sun away."""
    rng = np.random.default_rng(layout.tone)
    tone, warm = 88 + 34 * rng.random(), 8 * rng.random()
    road = (tone + warm, tone + 0.5 * warm, tone + 2)
    paving = tuple(
        (130 + 40 * rng.random()) * np.array([1.0, 0.96 + 0.03 * rng.random(), 0.9 + 0.08 * rng.random()])
    )
    top = int(np.clip(camera.horizon_px, 0, canvas.height - 1))
    cv2.rectangle(canvas.image, (0, top), (canvas.width, canvas.height), paving, -1)
    canvas.labels[top:] = PAVEMENT
    _lawns(canvas, camera, layout)
    _roadway(canvas, camera, layout, road)
    _kerbs(canvas, camera, layout, paving)
    _marks(canvas, camera, layout)
    _texture(canvas, camera, light, top)
    _light(canvas, camera, light, shadows, top)


def _strip(
    camera: Camera, left: float, right: float, start: float, end: float, y: float = 0.0
) -> np.ndarray | None:
    z = (
        np.array([start, end])
        if end - start < 3.5
        else np.concatenate([[start], _ALONG[(start < _ALONG) & (end > _ALONG)], [end]])
    )
    edges = np.empty((2 * len(z), 3))
    edges[: len(z), 0], edges[len(z) :, 0], edges[:, 1] = left, right, y
    edges[: len(z), 2], edges[len(z) :, 2] = z, z[::-1]
    return camera.polygon(edges)


def _fill(
    canvas: Canvas,
    camera: Camera,
    left: float,
    right: float,
    start: float,
    end: float,
    colour: Colour,
    label: int | None,
    y: float = 0.0,
) -> None:
    points = _strip(camera, left, right, start, end, y)
    if points is not None:
        canvas.poly(points, colour, label)


def _lawns(canvas: Canvas, camera: Camera, layout: Layout) -> None:
    for lot in layout.lots:
        if lot.kind == "park":
            left, right = sorted((lot.side * lot.line_m, lot.side * (lot.line_m + 30)))
            _fill(canvas, camera, left, right, max(lot.start_m, 0.3), lot.end_m, (86, 112, 56), TREE)


def _roadway(canvas: Canvas, camera: Camera, layout: Layout, road: Colour) -> None:
    half = layout.half_road_m
    _fill(canvas, camera, -half, half, 0.3, 140, road, ROAD)
    if layout.crossing:
        _fill(canvas, camera, -70, 70, layout.crossing[0] + 1.4, layout.crossing[1] - 1.4, road, ROAD)


def _kerbs(canvas: Canvas, camera: Camera, layout: Layout, paving: Colour) -> None:
    half, stone = layout.half_road_m, brightened(1.0, paving, 34, 235)
    gutter = (62, 60, 60)
    spans = [(0.3, 140.0)]
    if layout.crossing:
        spans = [(0.3, layout.crossing[0] + 1.4), (layout.crossing[1] - 1.4, 140.0)]
    for side in (-1, 1):
        for start, end in spans:
            inner, outer = sorted((side * (half - 0.22), side * half))
            _fill(canvas, camera, inner, outer, start, end, gutter, ROAD)
            inner, outer = sorted((side * half, side * (half + 0.17)))
            _fill(canvas, camera, inner, outer, start, end, stone, PAVEMENT, _KERB_M)
            face = np.array(
                [
                    [side * half, 0, start],
                    [side * half, _KERB_M, start],
                    [side * half, _KERB_M, end],
                    [side * half, 0, end],
                ]
            )
            for near, far in _pieces(start, end):
                face[:, 2] = (near, near, far, far)
                points = camera.polygon(face)
                if points is not None:
                    canvas.poly(points, scaled(0.66, stone), PAVEMENT)


def _pieces(start: float, end: float) -> list[tuple[float, float]]:
    stops = [start, *[z for z in (3, 6, 10, 16, 25, 40, 70, 110) if start < z < end], end]
    return list(zip(stops[:-1], stops[1:], strict=True))


def _marks(canvas: Canvas, camera: Camera, layout: Layout) -> None:
    white, yellow, half = (226, 226, 218), (214, 178, 62), layout.half_road_m
    stop = layout.crossing[0] if layout.crossing else END_M
    after = layout.crossing[1] if layout.crossing else END_M
    dashed = layout.marks == "dashed"
    dashes = [(z, z + 2.0) for z in np.arange(1.0, 60, 4.5)] if dashed else _pieces(0.4, 80)
    for start, end in dashes:
        if (
            start < after
            and end > stop
            or layout.zebra_m
            and start < layout.zebra_m + 3.6
            and end > layout.zebra_m - 1
        ):
            continue
        shifts = (-0.16, 0.16) if layout.marks == "double" else (0.0,)
        for shift in shifts:
            _fill(canvas, camera, shift - 0.075, shift + 0.075, start, end, white, None)
    kerb_lines = ((), (0.5,), (0.45, 0.68))[layout.tone % 3]
    for side in (-1, 1):
        for offset in kerb_lines:
            x = side * (half - offset)
            _fill(canvas, camera, x - 0.045, x + 0.045, 0.4, min(stop - 1, 80), yellow, None)
    if layout.crossing:
        _fill(canvas, camera, -half + 0.3, -0.1, stop - 0.6, stop - 0.15, white, None)
    if layout.zebra_m:
        for x in np.arange(-half + 0.35, half - 0.5, 1.05):
            _fill(canvas, camera, x, x + 0.55, layout.zebra_m, layout.zebra_m + 3.0, white, None)


def _texture(canvas: Canvas, camera: Camera, light: Light, top: int) -> None:
    """Multiply the ground by grit on the road and slabs elsewhere, fading with distance."""
    part = canvas.image[top:]
    size = (
        canvas.width // 2,
        max(1, len(part) // 2),
    )  # the oversampled half of the detail would be lost anyway
    to_canvas = np.array([[2, 0, 0.5], [0, 2, top + 0.5], [0, 0, 1]], float)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    grit, paved = (
        cv2.warpPerspective(
            master, camera.ground_matrix(px_per_m) @ to_canvas, size, flags=flags, borderMode=cv2.BORDER_WRAP
        )
        for master, px_per_m in ((asphalt(), 90.0), (slabs(), 120.0))
    )
    where = cv2.resize(canvas.labels[top:], size, interpolation=cv2.INTER_NEAREST)
    shade = cv2.copyTo(paved, cv2.inRange(where, PAVEMENT, PAVEMENT), grit)
    rows = 2 * np.arange(size[1]) + top - camera.horizon_px
    distance = camera.focal_px * camera.height_m / np.maximum(rows, 1)
    keep = (light.texture * np.clip(1.15 - distance / 28, 0.0, 1.0)).astype(np.float32)
    shade = (128 + (shade.astype(np.float32) - 128) * keep[:, None]).astype(np.uint8)
    large = cv2.resize(shade, (canvas.width, len(part)))
    cv2.multiply(part, cv2.merge([large] * 3), part, scale=1 / 128)


def _light(canvas: Canvas, camera: Camera, light: Light, shadows: np.ndarray, top: int) -> None:
    """Multiply by sun, sky and lamps, then mix the haze in, worked out at a quarter of the size."""
    rows, columns = (canvas.height - top + _SHRINK - 1) // _SHRINK, (canvas.width + _SHRINK - 1) // _SHRINK
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    ground_x, ground_z = camera.ground_at((x + 0.5) * _SHRINK, top + (y + 0.5) * _SHRINK)
    points = np.stack([ground_x.ravel(), np.zeros(rows * columns), ground_z.ravel()], axis=1)
    sunlit = light.roofs.sunlit(points, light.sun_dir).reshape(rows, columns, 1)
    lamps = light.lamp_light(points).reshape(rows, columns, 1)
    small = cv2.resize(shadows[top:], (columns, rows), interpolation=cv2.INTER_AREA)
    shadow = cv2.GaussianBlur(small, (3, 3), 0).astype(np.float32)[..., None] / 255
    sunlit = cv2.GaussianBlur(sunlit.astype(np.float32), (3, 3), 0)[..., None]
    sun = np.array(light.sun) * light.sun_dir[1] ** 0.5 * sunlit * (1 - shadow)
    total = 1.04 * np.array(light.ambient) * (1 - 0.3 * shadow) + sun + np.array(LAMP_RGB) * lamps
    clear = np.exp(-light.haze_per_m * np.clip(ground_z, 0, 200))[..., None]
    wet = 1 - 0.3 * light.wet
    gain = np.clip(total * clear * wet * 128, 0, 255).astype(np.uint8)
    veil = np.clip(np.array(light.haze) * (1 - clear), 0, 255).astype(np.uint8)
    size, part = (canvas.width, canvas.height - top), canvas.image[top:]
    cv2.multiply(part, cv2.resize(gain, size), part, scale=1 / 128)
    cv2.add(part, cv2.resize(veil, size), part)
