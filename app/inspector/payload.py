"""What the browser gets: one JSON string for one image, its runs, and what belongs to them.

Schema "mpm-inspector/1". Every message is an object with `schema`, `kind`, `view` (the image's key) and
`nonce`; numbers in bulk are base64 of little-endian arrays. Kinds:

view      everything about one image, and the runs at hand. The same key again: runs are merged in and the
          user's schedule, stage, layers, pinned patch and zoom stay. Another key: a new picture.
          title, notes; image {src, width, height, full_width, full_height};
          grid {rows, cols, patch_w, patch_h, pad_x, pad_y}: a patch's size, and the padding left of and above
          the image, as fractions of the image: the padded grid may reach beyond it;
          depth; classes [{name, colour}]; ignore_index; schedules (the slider's stops); paper; baseline;
          selected; can (what Python answers, see ImageView);
          truth (labels or null); runs; sent
runs      more runs of that image: runs, sent (every schedule sent so far; the browser asks for what it lacks)
timing    timings {schedule: timing}
controls  controls {schedule: {kept, agreement}}: the random-pairs control at the same schedules
heat      schedule, stage, patch, values (float32, one a patch), caption
failed    schedules, message: runs that could not be made
file      name, mime, content (base64): saved by the browser at once

run       schedule, blocks, token_counts, timing, notes, labels, stages, agreement, truth
stage     block, dtype ("u2" or "u4") and, over its input tokens, index, nearest, partner (index types;
          the largest number means none) and similarity (float32). Groups follow from index.
labels    zlib-compressed uint8, image.height x image.width
agreement [[class in the baseline, class here, pixels], ...] at the size of the runs' labels, or null
truth     the same against the ground truth: [[true class, class here, pixels], ...], or null
timing    {median_ms, estimated} or null
"""

from __future__ import annotations

import base64
import json
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

SCHEMA = "mpm-inspector/1"
MAX_SIDE_PX = 1024


@dataclass(frozen=True, eq=False)
class ImageView:
    """One image as the inspector shows it, without its runs.

    key          names image and model; the browser keeps the user's settings while it stays the same
    image        (H, W, 3) uint8 RGB, the user's own size
    class_names  K names; palette (K, 3) uint8
    depth        number of encoder blocks
    schedules    the slider's stops, as texts of mpm.Recipe
    truth        (H, W) integer labels, or None; pixels of `ignore_index` and of unknown classes count nowhere
    can          what the page answers: "heat", "custom", "mask", "npz", "report", "python"
    """

    key: str
    image: np.ndarray
    class_names: Sequence[str]
    palette: np.ndarray
    depth: int
    schedules: Sequence[str]
    title: str = ""
    notes: Sequence[str] = ()
    truth: np.ndarray | None = None
    ignore_index: int | None = None
    baseline: str = "none"
    paper: str = "2,5"
    can: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise ValueError(f"image must be (H, W, 3) uint8, but got {self.image.shape} {self.image.dtype}")
        if len(self.class_names) != len(self.palette) or len(self.palette) > 255:
            raise ValueError(
                "class_names and palette must have the same length of at most 255, "
                f"but got {len(self.class_names)} and {len(self.palette)}"
            )
        if self.truth is not None and self.truth.shape != self.image.shape[:2]:
            raise ValueError(f"truth must be {self.image.shape[:2]}, but got {self.truth.shape}")

    @property
    def display_wh_px(self) -> tuple[int, int]:
        """Size that the browser draws: the image's own, or its long side at 1024."""
        height, width = self.image.shape[:2]
        scale = min(1.0, MAX_SIDE_PX / max(height, width))
        return max(1, round(width * scale)), max(1, round(height * scale))


def encode(
    view: ImageView,
    runs: Mapping[str, object],
    *,
    selected: str | None = None,
    timings: Mapping[str, Mapping] | None = None,
    sent: Iterable[str] | None = None,
) -> str:
    """The first message of an image: picture, grid, classes and the runs at hand.

    runs: schedule string -> SegmentationRun (labels, grid, trace). One of them is needed, for the grid.
    timings: schedule string -> {"median_ms": float, "estimated": bool}.
    """
    if not runs:
        raise ValueError("encode needs at least one run, but got none")
    height, width = view.image.shape[:2]
    shown_w, shown_h = view.display_wh_px
    message = {
        "title": view.title,
        "notes": list(view.notes),
        "image": {
            "src": _picture_url(view),
            "width": shown_w,
            "height": shown_h,
            "full_width": width,
            "full_height": height,
        },
        "grid": _grid(next(iter(runs.values())).grid, width, height),
        "depth": view.depth,
        "classes": _classes(view),
        "ignore_index": view.ignore_index,
        "schedules": list(view.schedules),
        "paper": view.paper,
        "baseline": view.baseline,
        "selected": selected or next(iter(runs)),
        "can": list(view.can),
        "truth": None if view.truth is None else _labels(view, _known(view, view.truth)),
        "runs": _runs(view, runs, runs.get(view.baseline), timings),
        "sent": sorted(set(sent or ()) | set(runs)),
    }
    return _message("view", view.key, message)


def encode_runs(
    view: ImageView,
    runs: Mapping[str, object],
    *,
    baseline: object,
    timings: Mapping[str, Mapping] | None = None,
    sent: Iterable[str] = (),
) -> str:
    """More runs of an image that the browser already shows. baseline: its unmerged run."""
    entries = _runs(view, runs, baseline, timings)
    return _message("runs", view.key, {"runs": entries, "sent": sorted(set(sent) | set(runs))})


def encode_timings(key: str, timings: Mapping[str, Mapping]) -> str:
    """Measured latencies: schedule string -> {"median_ms": float, "estimated": bool}."""
    return _message("timing", key, {"timings": {name: _timing(value) for name, value in timings.items()}})


def encode_heat(
    key: str, schedule: str, stage: int, patch: int, values: np.ndarray, caption: str = ""
) -> str:
    """Similarity of one patch to all others. values: (rows, cols) or (N,), NaN for none."""
    body = {"schedule": schedule, "stage": stage, "patch": int(patch), "caption": caption}
    return _message("heat", key, {**body, "values": _base64(np.asarray(values, "<f4").ravel())})


def encode_failure(key: str, schedules: Sequence[str], message: str) -> str:
    """Says that schedules asked for could not be run."""
    return _message("failed", key, {"schedules": list(schedules), "message": message})


def encode_controls(key: str, controls: Mapping[str, Mapping]) -> str:
    """The random-pairs control: schedule -> {"kept": share of tokens, "agreement": share of pixels}."""
    plain = {
        name: {"kept": float(control["kept"]), "agreement": float(control["agreement"])}
        for name, control in controls.items()
    }
    return _message("controls", key, {"controls": plain})


def encode_file(key: str, name: str, mime: str, content: bytes) -> str:
    """A file that the browser saves under that name at once."""
    body = {"name": name, "mime": mime, "content": base64.b64encode(content).decode("ascii")}
    return _message("file", key, body)


def _message(kind: str, key: str, body: dict) -> str:
    # The nonce: the browser is not told of a value equal to the one before.
    head = {"schema": SCHEMA, "kind": kind, "view": key, "nonce": time.monotonic_ns()}
    return json.dumps(head | body, separators=(",", ":"), allow_nan=False)


def _runs(view: ImageView, runs: Mapping, baseline: object | None, timings: Mapping | None) -> list[dict]:
    return [_run(view, name, run, baseline, (timings or {}).get(name)) for name, run in runs.items()]


def _run(view: ImageView, name: str, run, baseline, timing: Mapping | None) -> dict:
    _check_labels(view, run.labels)
    return {
        "schedule": name,
        "blocks": [int(stage.block) for stage in run.trace.stages],
        "token_counts": [int(count) for count in run.trace.token_counts],
        "timing": _timing(timing),
        "notes": list(getattr(run, "notes", ())),
        "labels": _labels(view, run.labels),
        "stages": [_stage(stage) for stage in run.trace.stages],
        "agreement": None if baseline is None else _confusion(*_same_size(view, baseline.labels, run.labels)),
        "truth": None if view.truth is None else _confusion(*_judged(view, run.labels)),
    }


def _check_labels(view: ImageView, labels: np.ndarray) -> None:
    if labels.ndim != 2:
        raise ValueError(f"labels must be (H, W), but got {labels.shape}")
    if int(labels.max()) >= len(view.class_names):
        raise ValueError(f"labels must be below {len(view.class_names)}, but got {int(labels.max())}")


def _stage(stage) -> dict:
    dtype = "u2" if len(stage.index) < 0xFFFF else "u4"

    def indices(values: np.ndarray) -> str:
        # -1 (none) wraps to the largest number of the type.
        return _base64(np.asarray(values, np.int64).astype("<" + dtype))

    return {
        "block": int(stage.block),
        "dtype": dtype,
        "index": indices(stage.index),
        "nearest": indices(stage.nearest),
        "partner": indices(stage.partner),
        "similarity": _base64(np.asarray(stage.similarity, "<f4")),
    }


def _grid(grid, width_px: int, height_px: int) -> dict:
    patch_w, patch_h = grid.patch_wh_px()
    pad_x, pad_y = grid.pad_xy_px()
    fractions = {
        "patch_w": patch_w / width_px,
        "patch_h": patch_h / height_px,
        "pad_x": pad_x / width_px,
        "pad_y": pad_y / height_px,
    }
    return {"rows": grid.rows, "cols": grid.cols, **fractions}


def _classes(view: ImageView) -> list[dict]:
    colours = ("#" + bytes(colour).hex() for colour in np.asarray(view.palette, np.uint8))
    return [{"name": str(name), "colour": c} for name, c in zip(view.class_names, colours, strict=True)]


def _timing(timing: Mapping | None) -> dict | None:
    if not timing or timing.get("median_ms") is None:
        return None
    return {"median_ms": float(timing["median_ms"]), "estimated": bool(timing.get("estimated", False))}


def _picture_url(view: ImageView) -> str:
    picture = cv2.cvtColor(_resized(view, view.image, cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
    suffix, options = ".jpg", [cv2.IMWRITE_JPEG_QUALITY, 92]
    if picture.size < 200_000:
        suffix, options = ".png", []
    ok, data = cv2.imencode(suffix, picture, options)
    if not ok:
        raise ValueError(f"the picture of {picture.shape} could not be written as {suffix}")
    kind = "jpeg" if suffix == ".jpg" else "png"
    return f"data:image/{kind};base64," + base64.b64encode(data).decode("ascii")


def _labels(view: ImageView, labels: np.ndarray) -> str:
    shown = _resized(view, labels.astype(np.uint8), cv2.INTER_NEAREST_EXACT)
    return base64.b64encode(zlib.compress(np.ascontiguousarray(shown).tobytes(), 6)).decode("ascii")


def _resized(view: ImageView, array: np.ndarray, how: int) -> np.ndarray:
    if array.shape[:2] == view.display_wh_px[::-1]:
        return array
    return cv2.resize(array, view.display_wh_px, interpolation=how)


def _known(view: ImageView, truth: np.ndarray) -> np.ndarray:
    """Truth with 255 wherever a pixel counts nowhere."""
    out = (truth < 0) | (truth >= len(view.class_names))
    if view.ignore_index is not None:
        out |= truth == view.ignore_index
    return np.where(out, 255, truth)


def _same_size(view: ImageView, *labels: np.ndarray) -> list[np.ndarray]:
    if len({one.shape for one in labels}) == 1:
        return list(labels)
    return [_resized(view, one.astype(np.uint8), cv2.INTER_NEAREST_EXACT) for one in labels]


def _judged(view: ImageView, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    truth, labels = _same_size(view, _known(view, view.truth), labels)
    keep = truth != 255
    return truth[keep], labels[keep]


def _confusion(before: np.ndarray, after: np.ndarray) -> list[list[int]]:
    """Every pair of classes that occurs, with its number of pixels."""
    joint = before.astype(np.uint32).ravel() * 256 + after.astype(np.uint32).ravel()
    counts = np.bincount(joint, minlength=1)
    return [[int(pair) >> 8, int(pair) & 255, int(counts[pair])] for pair in np.flatnonzero(counts)]


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
