"""How parts of a view are written: arrays in base64, pictures as addresses, pairs of classes as counts."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence

import cv2
import numpy as np

from app.inspector.image_view import ImageView, display_wh_px
from mpm.segmenters.segments import Segments

SMALL_PIXELS = 200_000
SHOWN_QUALITY = 80
"""Of the JPEG that a browser shows; everything that is computed starts from the picture itself."""


def check_labels(view: ImageView, labels: np.ndarray) -> None:
    if labels.ndim != 2:
        raise ValueError(f"Labels must be (H, W), but got {labels.shape}.")
    if int(labels.max()) >= len(view.class_names):
        raise ValueError(f"Labels must be below {len(view.class_names)}, but got {int(labels.max())}.")


def grid_entry(grid, width_px: int, height_px: int) -> dict:
    patch_w, patch_h = grid.patch_wh_px()
    pad_x, pad_y = grid.pad_xy_px()
    fractions = {
        "patch_w": patch_w / width_px,
        "patch_h": patch_h / height_px,
        "pad_x": pad_x / width_px,
        "pad_y": pad_y / height_px,
    }
    return {"rows": grid.rows, "cols": grid.cols, **fractions}


def class_entries(view: ImageView) -> list[dict]:
    return coloured_classes(view.class_names, view.palette)


def coloured_classes(names: Sequence[str], palette: np.ndarray) -> list[dict]:
    """Names and colours; palette: (classes, 3) uint8."""
    colours = ("#" + bytes(colour).hex() for colour in np.asarray(palette, np.uint8))
    return [{"name": readable(str(name)), "colour": c} for name, c in zip(names, colours, strict=True)]


def readable(name: str) -> str:
    """A class's name without what COCO adds where it joined classes: "wall-other-merged" is "wall, other"."""
    bare = name.removesuffix("-merged")
    return f"{bare.removesuffix('-other')}, other" if bare.endswith("-other") else bare


def image_entry(rgb: np.ndarray) -> dict:
    """A picture at the size that the browser draws, as an address that holds it."""
    height, width = rgb.shape[:2]
    shown_w, shown_h = display_wh_px(rgb)
    return {
        "src": picture_url(rgb),
        "width": shown_w,
        "height": shown_h,
        "full_width": width,
        "full_height": height,
    }


def picture_url(rgb: np.ndarray) -> str:
    picture = cv2.cvtColor(resized(rgb, display_wh_px(rgb), cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
    suffix, options = ".jpg", [cv2.IMWRITE_JPEG_QUALITY, SHOWN_QUALITY]
    if picture.size < 200_000:
        suffix, options = ".png", []
    ok, data = cv2.imencode(suffix, picture, options)
    if not ok:
        raise ValueError(f"The picture of {picture.shape} could not be written as {suffix}.")
    kind = "jpeg" if suffix == ".jpg" else "png"
    return f"data:image/{kind};base64," + base64.b64encode(data.data).decode("ascii")


def labels_text(view: ImageView, labels: np.ndarray) -> str:
    shown = resized(labels.astype(np.uint16), view.display_wh_px, cv2.INTER_NEAREST_EXACT)
    return packed_text(shown.astype(view.label_dtype))


def segments_entry(view: ImageView, segments: Segments | None) -> dict | None:
    """Segments as a table, and for each pixel the number of its segment, from 1 on; 0 for none."""
    if segments is None:
        return None
    shown = resized((segments.ids + 1).astype(np.uint16), view.display_wh_px, cv2.INTER_NEAREST_EXACT)
    dtype = "u1" if len(segments.table) <= 0xFF else "<u2"
    table = [[one.label, round(float(one.score), 3), one.is_thing] for one in segments.table]
    return {"table": table, "ids": packed_text(shown.astype(dtype))}


def packed_text(array: np.ndarray) -> str:
    """Base64 of zlib-compressed numbers; a small picture's as tight as can be, for that takes no time."""
    level = 9 if array.size <= SMALL_PIXELS else 6
    return base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), level)).decode("ascii")


def resized(array: np.ndarray, wh_px: tuple[int, int], how: int) -> np.ndarray:
    if array.shape[:2] == wh_px[::-1]:
        return array
    return cv2.resize(array, wh_px, interpolation=how)


def known_truth(view: ImageView, truth: np.ndarray) -> np.ndarray:
    """Truth with the number of no class wherever a pixel counts nowhere."""
    out = (truth < 0) | (truth >= len(view.class_names))
    if view.ignore_index is not None:
        out |= truth == view.ignore_index
    return np.where(out, _no_class(view), truth)


def _no_class(view: ImageView) -> int:
    return int(np.iinfo(view.label_dtype).max)


def same_size(view: ImageView, *labels: np.ndarray) -> list[np.ndarray]:
    if len({one.shape for one in labels}) == 1:
        return list(labels)
    return [resized(one.astype(np.uint16), view.display_wh_px, cv2.INTER_NEAREST_EXACT) for one in labels]


def judged(view: ImageView, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if view.truth is None:
        raise ValueError("A picture without truth cannot be judged.")
    truth, labels = same_size(view, known_truth(view, view.truth), labels)
    keep = truth != _no_class(view)
    return truth[keep], labels[keep]


def confusion(before: np.ndarray, after: np.ndarray) -> list[list[int]]:
    """Every pair of classes that occurs, with its number of pixels."""
    classes = 1 + max(int(one.max(initial=0)) for one in (before, after))
    joint = before.astype(np.uint32).ravel() * np.uint32(classes) + after.astype(np.uint32).ravel()
    # Counting into a table is faster, as long as there is room for one.
    if classes <= 0x100:
        counts = np.bincount(joint, minlength=1)
        pairs = np.flatnonzero(counts)
        counts = counts[pairs]
    else:
        pairs, counts = np.unique(joint, return_counts=True)
    triples = np.stack([*np.divmod(pairs, classes), counts], axis=1)
    return triples.tolist()


def base64_of(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
