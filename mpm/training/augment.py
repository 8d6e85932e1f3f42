"""Random views of a labelled street image: where the camera looks, and what the light is like.

Images are (H, W, 3) uint8 RGB, labels (H, W) uint8. A view that reaches beyond its image is marked `OUTSIDE`
in the labels: batches turn such pixels into zeros after normalising, as inference pads right and bottom.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

OUTSIDE = 255

ZOOM_RANGE = (0.5, 1.6)  # output pixels per image pixel
WHOLE_IMAGE_SHARE = 0.5  # of the views whose shape fits the whole image, at its own size or enlarged
WHOLE_IMAGE_SPARE_PX = 32  # of padding on either side of a whole image, at most
BEYOND_SHARE, BEYOND_PART = 0.1, 0.2
ROTATE_SHARE, ROTATE_DEGREES = 0.1, 5.0


def random_view(
    image: np.ndarray, labels: np.ndarray, size_px: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A flipped, zoomed, shifted, recoloured view of `size_px` (width, height)."""
    matrix = _random_affine(image.shape[1::-1], size_px, rng)
    view = cv2.warpAffine(image, matrix, size_px, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    view_labels = cv2.warpAffine(
        labels, matrix, size_px, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=OUTSIDE
    )
    return random_light(view, rng), view_labels


def _random_affine(
    image_px: tuple[int, int], view_px: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """(2, 3) map from image to view pixels; sizes are (width, height)."""
    width, height = image_px
    whole = _whole_image_zoom(image_px, view_px)
    if whole is not None and rng.random() < WHOLE_IMAGE_SHARE:
        zoom, left, top, degrees = whole, 0.0, 0.0, 0.0
    else:
        zoom = _random_zoom(image_px, view_px, rng)
        left = _random_offset(width, view_px[0] / zoom, rng)
        top = _random_offset(height, view_px[1] / zoom, rng)
        degrees = rng.uniform(-ROTATE_DEGREES, ROTATE_DEGREES) if rng.random() < ROTATE_SHARE else 0.0
    centre = (left + view_px[0] / zoom / 2, top + view_px[1] / zoom / 2)
    matrix = cv2.getRotationMatrix2D(centre, degrees, zoom)
    # getRotationMatrix2D keeps the centre in place; the view wants its own left top corner at the origin.
    # The half pixel keeps pixel centres, not corners, on the bilinear grid.
    matrix[0, 2] += view_px[0] / 2 - centre[0] + (zoom - 1) / 2
    matrix[1, 2] += view_px[1] / 2 - centre[1] + (zoom - 1) / 2
    return _flipped(matrix, width) if rng.random() < 0.5 else matrix


def _flipped(matrix: np.ndarray, width: int) -> np.ndarray:
    mirror = np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    return matrix @ mirror


def _whole_image_zoom(image_px: tuple[int, int], view_px: tuple[int, int]) -> float | None:
    """The zoom at which the view holds the whole image with little padding, as inference would see it.

    None where the shapes differ too much, or the image would have to shrink.
    """
    zoom = min(view / image for image, view in zip(image_px, view_px, strict=True))
    spare = [view - image * zoom for image, view in zip(image_px, view_px, strict=True)]
    return zoom if zoom >= 1.0 and max(spare) < WHOLE_IMAGE_SPARE_PX else None


def _random_zoom(image_px: tuple[int, int], view_px: tuple[int, int], rng: np.random.Generator) -> float:
    """Log-uniform in ZOOM_RANGE, raised where the view would otherwise be larger than the image."""
    fill = max(view / image for image, view in zip(image_px, view_px, strict=True))
    low, high = ZOOM_RANGE
    low = max(low, fill if rng.random() >= BEYOND_SHARE else fill * (1 - BEYOND_PART))
    return math.exp(rng.uniform(math.log(low), math.log(max(high, low * 1.2))))


def _random_offset(image_side: float, view_side: float, rng: np.random.Generator) -> float:
    """Where the view begins on one axis, in image pixels; now and then beyond the image."""
    beyond = BEYOND_PART * view_side if rng.random() < BEYOND_SHARE else 0.0
    spare = max(0.0, image_side - view_side)
    return rng.uniform(-beyond * rng.random(), spare + beyond)


def random_light(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random exposure, contrast, colour cast, saturation, blur and sensor noise; uint8 in and out."""
    image = _recoloured(image, rng)
    if rng.random() < 0.1:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.1:
        image = _noisy(image, rng)
    return image


def _recoloured(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.3:
        image = _saturated(image, rng.uniform(0.6, 1.4))
    if rng.random() < 0.5:
        image = cv2.LUT(image, _tone_table(rng))
    return image


def _saturated(image: np.ndarray, amount: float) -> np.ndarray:
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, amount, grey, 1 - amount, 0)


def _tone_table(rng: np.random.Generator) -> np.ndarray:
    """(256, 1, 3) uint8: gamma, gain and offset, with a colour cast, as one look-up."""
    gamma = math.exp(rng.uniform(-0.25, 0.25))
    cast = np.exp(rng.uniform(-0.06, 0.06, 3))
    gain, offset = math.exp(rng.uniform(-0.2, 0.2)), rng.uniform(-0.06, 0.06)
    tone = (np.linspace(0, 1, 256)[:, None] ** gamma - 0.5) * gain * cast + 0.5 * cast + offset
    return (np.clip(tone, 0, 1) * 255).round().astype(np.uint8)[:, None, :]


def _noisy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(2, 12))
    return np.clip(image + noise, 0, 255).astype(np.uint8)
