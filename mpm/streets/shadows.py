"""Shadows that objects cast on the ground."""

from __future__ import annotations

import cv2
import numpy as np

from mpm.streets.camera import NEAR_M, Camera
from mpm.streets.canvas import Canvas
from mpm.streets.car_shapes import car_footprint
from mpm.streets.lighting import Light
from mpm.streets.things import Thing


def object_shadows(canvas: Canvas, camera: Camera, light: Light, things: list[Thing]) -> np.ndarray:
    """(H, W) uint8 at the canvas size, 255 where an object stands or keeps the sun away."""
    shade = np.zeros((canvas.height, canvas.width), np.uint8)
    sunny = light.sun[0] > 0.05
    outlines = [outline for thing in things if _matters(thing) for outline in _outlines(thing, light, sunny)]
    for points in _projected(camera, outlines):
        if points is not None:
            cv2.fillPoly(shade, [np.clip(np.rint(points), -30000, 30000).astype(np.int32)], 255)
    return shade


def _matters(thing: Thing) -> bool:
    return thing.kind in ("fence", "railing") or thing.kind != "bush" and 1.5 < thing.z_m < 45


def _projected(camera: Camera, outlines: list[np.ndarray]) -> list[np.ndarray | None]:
    """All outlines in one go; those that reach behind the camera one by one."""
    if not outlines:
        return []
    cuts = np.cumsum([len(outline) for outline in outlines])[:-1]
    seen = camera.view(np.concatenate(outlines))
    near = np.split(seen[:, 2], cuts)
    seen[:, 2] = np.maximum(seen[:, 2], NEAR_M)
    pixels = np.split(camera.to_pixels(seen), cuts)
    return [
        points if depth.min() > NEAR_M else camera.polygon(outline)
        for points, depth, outline in zip(pixels, near, outlines, strict=True)
    ]


def _outlines(thing: Thing, light: Light, sunny: bool) -> list[np.ndarray]:
    sun = np.array(light.sun_dir)
    fall = np.array([-sun[0], 0.0, -sun[2]]) / max(sun[1], 0.12)
    foot = np.array([thing.x_m, 0.0, thing.z_m])
    if thing.kind == "car":
        base, height = car_footprint(thing)
        return [base, *([_hull(np.concatenate([base, base + fall * height]))] if sunny else [])]
    if thing.kind in ("walker", "rider"):
        under = foot + _circle(0.32)
        return [
            under,
            *(
                [_hull(np.concatenate([foot + _circle(0.2), foot + fall * 1.7 + _circle(0.2)]))]
                if sunny
                else []
            ),
        ]
    if thing.kind == "tree":
        height, spread = thing.size
        under = [foot + _circle(0.3)]
        if sunny:
            under.append(foot + fall * 0.65 * height + _circle(0.45 * spread) * (1 + 0.3 * abs(fall)))
            under.append(
                _hull(np.concatenate([foot + _circle(0.2), foot + fall * 0.5 * height + _circle(0.15)]))
            )
        return under
    if thing.kind in ("fence", "railing"):
        line = np.array([[thing.x_m, 0, max(thing.z_m, 1)], [thing.x_m, 0, thing.size[0]]])
        tall = thing.size[1] * (1.0 if thing.kind == "fence" else 0.0)
        return [np.concatenate([line, line[::-1] + fall * tall])] if sunny and tall else []
    tall = {"lamp": 5.5, "sign": 2.8, "lights": 3.6, "billboard": 2.5, "bollard": 1.1}.get(thing.kind, 0.0)
    wide = 0.9 if thing.kind == "billboard" else 0.16
    if not sunny or not tall:
        return [foot + _circle(0.25)] if tall else []
    return [_hull(np.concatenate([foot + _circle(wide), foot + fall * tall + _circle(wide)]))]


_ANGLES = np.arange(10) * np.pi / 5
_UNIT = np.stack([np.cos(_ANGLES), np.zeros(10), np.sin(_ANGLES)], axis=1)


def _circle(radius: float) -> np.ndarray:
    return radius * _UNIT


def _hull(points: np.ndarray) -> np.ndarray:
    flat = cv2.convexHull(points[:, [0, 2]].astype(np.float32))[:, 0]
    return np.stack([flat[:, 0], np.zeros(len(flat)), flat[:, 1]], axis=1)
