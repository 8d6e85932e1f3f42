"""What the browser gets: one JSON string for one image, its runs, and what belongs to them.

Schema "mpm-inspector/2". Every message is an object with `schema`, `kind`, `view` (the image's key) and
`nonce`; numbers in bulk are base64 of little-endian arrays. Kinds:

view      everything about one image, and the runs at hand. The same key again: runs are merged in and the
          user's schedule, stage, layers, pinned patch and zoom stay. Another key: a new picture.
          title, notes; image {src, width, height, full_width, full_height};
          grid {rows, cols, patch_w, patch_h, pad_x, pad_y}: a patch's size, and the padding left of and above
          the image, as fractions of the image: the padded grid may reach beyond it;
          depth; classes [{name, colour}]; ignore_index; schedules (the slider's stops); paper; baseline;
          rules (what a recipe may name, as `mpm.Rule.describe` tells it);
          named (recipes with names: [{name, title, source, about, is_published, text}]); selected;
          can (what Python answers, see ImageView); truth (labels or null); runs; sent
runs      more runs of that image: runs, sent (every recipe sent so far; the browser asks for what it lacks),
          renamed {as asked for: the recipe's own text}
timing    timings {schedule: timing}
controls  controls {schedule: {kept, agreement}}: the random-pairs control at the same schedules
heat      schedule, stage, patch, values (float32, one a patch), caption
failed    schedules, message: runs that could not be made
file      name, mime, content (base64): saved by the browser at once
features  features as colours, see `app.inspector.features_message`
curves    methods as curves, see `app.inspector.curves`

run       schedule (the text of its recipe, as everywhere here), blocks, token_counts, timing, notes, labels,
          stages, agreement, truth
stage     block, rule, sentences, dtype ("u2" or "u4") and, over its input tokens, index, nearest, partner
          (index types; the largest number means none), similarity (float32) and code (uint8): a token's
          reason is sentences[code]. Groups follow from index.
labels    zlib-compressed uint8, image.height x image.width
agreement [[class in the baseline, class here, pixels], ...] at the size of the runs' labels, or null
truth     the same against the ground truth: [[true class, class here, pixels], ...], or null
timing    {median_ms, estimated} or null
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from app.inspector.image_view import ImageView
from app.inspector.wire import (
    base64_of,
    check_labels,
    class_entries,
    confusion,
    grid_entry,
    judged,
    known_truth,
    labels_text,
    picture_url,
    same_size,
    stage_entry,
    timing_entry,
)

SCHEMA = "mpm-inspector/2"


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
            "src": picture_url(view),
            "width": shown_w,
            "height": shown_h,
            "full_width": width,
            "full_height": height,
        },
        "grid": grid_entry(next(iter(runs.values())).grid, width, height),
        "depth": view.depth,
        "classes": class_entries(view),
        "ignore_index": view.ignore_index,
        "schedules": list(view.schedules),
        "paper": view.paper,
        "baseline": view.baseline,
        "rules": list(view.rules),
        "named": list(view.named),
        "selected": selected or next(iter(runs)),
        "can": list(view.can),
        "truth": None if view.truth is None else labels_text(view, known_truth(view, view.truth)),
        "runs": _runs(view, runs, runs.get(view.baseline), timings),
        "sent": sorted(set(sent or ()) | set(runs)),
    }
    return inspector_message("view", view.key, message)


def encode_runs(
    view: ImageView,
    runs: Mapping[str, object],
    *,
    baseline: object,
    timings: Mapping[str, Mapping] | None = None,
    sent: Iterable[str] = (),
    renamed: Mapping[str, str] | None = None,
) -> str:
    """More runs of an image that the browser already shows. baseline: its unmerged run.

    renamed: recipes as somebody spelled them -> their own texts, which are the names of the runs.
    """
    entries = _runs(view, runs, baseline, timings)
    body = {"runs": entries, "sent": sorted(set(sent) | set(runs)), "renamed": dict(renamed or {})}
    return inspector_message("runs", view.key, body)


def encode_timings(key: str, timings: Mapping[str, Mapping]) -> str:
    """Measured latencies: schedule string -> {"median_ms": float, "estimated": bool}."""
    return inspector_message(
        "timing", key, {"timings": {name: timing_entry(value) for name, value in timings.items()}}
    )


def encode_heat(
    key: str, schedule: str, stage: int, patch: int, values: np.ndarray, caption: str = ""
) -> str:
    """Similarity of one patch to all others. values: (rows, cols) or (N,), NaN for none."""
    body = {"schedule": schedule, "stage": stage, "patch": int(patch), "caption": caption}
    return inspector_message("heat", key, {**body, "values": base64_of(np.asarray(values, "<f4").ravel())})


def encode_failure(key: str, schedules: Sequence[str], message: str) -> str:
    """Says that schedules asked for could not be run."""
    return inspector_message("failed", key, {"schedules": list(schedules), "message": message})


def encode_controls(key: str, controls: Mapping[str, Mapping]) -> str:
    """The random-pairs control: schedule -> {"kept": share of tokens, "agreement": share of pixels}."""
    plain = {
        name: {"kept": float(control["kept"]), "agreement": float(control["agreement"])}
        for name, control in controls.items()
    }
    return inspector_message("controls", key, {"controls": plain})


def encode_file(key: str, name: str, mime: str, content: bytes) -> str:
    """A file that the browser saves under that name at once."""
    body = {"name": name, "mime": mime, "content": base64.b64encode(content).decode("ascii")}
    return inspector_message("file", key, body)


def inspector_message(kind: str, key: str, body: dict) -> str:
    """A message of this schema. key: the view's; body: its own fields, plain values."""
    # The nonce: the browser is not told of a value equal to the one before.
    head = {"schema": SCHEMA, "kind": kind, "view": key, "nonce": time.monotonic_ns()}
    return json.dumps(head | body, separators=(",", ":"), allow_nan=False)


def _runs(view: ImageView, runs: Mapping, baseline: object | None, timings: Mapping | None) -> list[dict]:
    return [_run(view, name, run, baseline, (timings or {}).get(name)) for name, run in runs.items()]


def _run(view: ImageView, name: str, run, baseline, timing: Mapping | None) -> dict:
    check_labels(view, run.labels)
    return {
        "schedule": name,
        "blocks": [int(stage.block) for stage in run.trace.stages],
        "token_counts": [int(count) for count in run.trace.token_counts],
        "timing": timing_entry(timing),
        "notes": list(getattr(run, "notes", ())),
        "labels": labels_text(view, run.labels),
        "stages": [stage_entry(stage) for stage in run.trace.stages],
        "agreement": None if baseline is None else confusion(*same_size(view, baseline.labels, run.labels)),
        "truth": None if view.truth is None else confusion(*judged(view, run.labels)),
    }
