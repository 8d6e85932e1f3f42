"""What the browser gets: one JSON string for one image, its runs, and what belongs to them.

Schema "mpm-inspector/4". Every message is an object with `schema`, `kind`, `view` (the image's key) and
`nonce`; numbers in bulk are base64 of little-endian arrays. Kinds:

picture   generation, picture (its digest), title, notes, image {src, width, height, full_width, full_height},
          patches (or null): decoded, and nothing has run yet
waiting   generation, text, done, of: somebody else is served, the model is loading or on its way
view      everything about one image, and the runs at hand. The same key again: runs are merged in and the
          user's schedule, stage, layers, pinned patch and zoom stay. Another key: a new picture.
          generation, picture, model (its card, see `app.engine.offers.model_card`);
          reference {median, low} of confidence or null;
          unsure (the unmerged mask is so much less sure than that: the model may not know such pictures);
          title, notes; image as above;
          grid {rows, cols, patch_w, patch_h, pad_x, pad_y}: a patch's size, and the padding left of and above
          the image, as fractions of the image: the padded grid may reach beyond it;
          depth; classes [{name, colour}]; ignore_index; schedules (the slider's stops); paper; baseline;
          rules (what a recipe may name, as `mpm.Rule.describe` tells it);
          named (recipes with names: [{name, title, source, about, is_published, text}]); selected;
          can (what Python answers, see ImageView); truth (labels or null); runs; sent;
          paces {model: how long a run takes here, in words}
runs      more runs of that image: runs, sent (every recipe sent so far; the browser asks for what it lacks),
          renamed {as asked for: the recipe's own text}, paces
explored  generation, sent, paces: every run of the view was sent
heat      schedule, stage, patch, values (float32, one a patch), caption
failed    what (the event), generation, schedules, message: what could not be done, and why
file      name, mime, content (base64): saved by the browser at once
offered   picture, title: a street of the lab, to be opened
features  features as colours, see `app.inspector.features_message`
curves    methods as curves, see `app.inspector.curves`

run       schedule (the text of its recipe, as everywhere here), blocks, token_counts, notes, labels,
          agreement, truth, confidence (or null), segments (null where the model tells no things apart)
          stages: numbers into the message's own `stages`: recipes that begin alike share them
stage     block, rule, sentences, tokens (input tokens), dtype ("i2" or "i4") and data: base64 of zlib-packed
          arrays over the input tokens, one after the other: index, nearest, partner (of dtype, as distances
          from the token's own number; the smallest number of the type means none), similarity (float32, as
          four planes of bytes), code (uint8): a token's reason is sentences[code]. Groups follow from index.
labels    zlib-compressed uint8, image.height x image.width; little-endian uint16 where there are more than
          255 classes. The type's highest number is no class.
segments  table [[class, score, whether it is a thing], ...], ids: zlib-compressed, image.height x
          image.width: place of each pixel's segment in the table, plus 1; 0 for none. uint8, or little-endian
          uint16 where there are more than 255 segments.
agreement [[class in the baseline, class here, pixels], ...] at the size of the runs' labels, or null
truth     the same against the ground truth: [[true class, class here, pixels], ...], or null
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from app.engine.pictures import Picture
from app.inspector.image_view import ImageView
from app.inspector.stage_table import StageTable
from app.inspector.wire import (
    base64_of,
    check_labels,
    class_entries,
    confusion,
    grid_entry,
    image_entry,
    judged,
    known_truth,
    labels_text,
    same_size,
    segments_entry,
)

SCHEMA = "mpm-inspector/4"


def encode_picture(
    picture: Picture, generation: float, patches: int | None = None, notes: Sequence[str] = ()
) -> str:
    """A picture that was decoded. patches: how many it is cut into, None while the model is not there."""
    body = {
        "generation": generation,
        "picture": picture.digest,
        "title": picture.title,
        "notes": list(notes),
        "image": image_entry(picture.rgb),
        "patches": patches,
    }
    return inspector_message("picture", "", body)


def encode_waiting(generation: float, text: str, done: float | None = None, of: float | None = None) -> str:
    """What one waits for, and how far it is."""
    return inspector_message("waiting", "", {"generation": generation, "text": text, "done": done, "of": of})


def encode(
    view: ImageView,
    runs: Mapping[str, Any],
    *,
    selected: str | None = None,
    sent: Iterable[str] | None = None,
    generation: float = 0,
    paces: Mapping[str, str] | None = None,
) -> str:
    """The first message of an image: picture, grid, classes and the runs at hand.

    runs: schedule string -> SegmentationRun (labels, grid, trace). One of them is needed, for the grid.
    generation: of the act that asked for it.
    """
    if not runs:
        raise ValueError("Encode needs at least one run, but got none.")
    height, width = view.image.shape[:2]
    message = {
        "generation": generation,
        "picture": view.picture,
        "model": dict(view.model),
        "reference": view.reference,
        "unsure": view.is_unsure,
        "title": view.title,
        "notes": list(view.notes),
        "image": image_entry(view.image),
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
        **_runs(view, runs, runs.get(view.baseline)),
        "sent": sorted(set(sent or ()) | set(runs)),
        "paces": dict(paces or {}),
    }
    return inspector_message("view", view.key, message)


def encode_runs(
    view: ImageView,
    runs: Mapping[str, object],
    *,
    baseline: object,
    sent: Iterable[str] = (),
    renamed: Mapping[str, str] | None = None,
    paces: Mapping[str, str] | None = None,
) -> str:
    """More runs of an image that the browser already shows. baseline: its unmerged run.

    renamed: recipes as somebody spelled them -> their own texts, which are the names of the runs.
    """
    names = {
        "sent": sorted(set(sent) | set(runs)),
        "renamed": dict(renamed or {}),
        "paces": dict(paces or {}),
    }
    return inspector_message("runs", view.key, {**_runs(view, runs, baseline), **names})


def encode_explored(
    key: str, generation: float, sent: Iterable[str], paces: Mapping[str, str] | None = None
) -> str:
    """Every run of a view was sent."""
    body = {"generation": generation, "sent": sorted(sent), "paces": dict(paces or {})}
    return inspector_message("explored", key, body)


def encode_heat(
    key: str, schedule: str, stage: int, patch: int, values: np.ndarray, caption: str = ""
) -> str:
    """Similarity of one patch to all others. values: (rows, cols) or (N,), NaN for none."""
    body = {"schedule": schedule, "stage": stage, "patch": int(patch), "caption": caption}
    return inspector_message("heat", key, {**body, "values": base64_of(np.asarray(values, "<f4").ravel())})


def encode_failure(what: str, generation: float, message: str, schedules: Sequence[str] = ()) -> str:
    """Says that something asked for could not be done. message: one sentence."""
    body = {"what": what, "generation": generation, "schedules": list(schedules), "message": message}
    return inspector_message("failed", "", body)


def encode_offer(picture: Picture) -> str:
    """A picture that the page made itself, to be opened."""
    return inspector_message("offered", "", {"picture": picture.digest, "title": picture.title})


def encode_file(key: str, name: str, mime: str, content: bytes) -> str:
    """A file that the browser saves under that name at once."""
    body = {"name": name, "mime": mime, "content": base64.b64encode(content).decode("ascii")}
    return inspector_message("file", key, body)


def inspector_message(kind: str, key: str, body: dict) -> str:
    """A message of this schema. key: the view's; body: its own fields, plain values."""
    # The nonce: the browser is not told of a value equal to the one before.
    head = {"schema": SCHEMA, "kind": kind, "view": key, "nonce": time.monotonic_ns()}
    return json.dumps(head | body, separators=(",", ":"), allow_nan=False)


def _runs(view: ImageView, runs: Mapping, baseline: object | None) -> dict:
    """Runs, and the stages that they share."""
    stages = StageTable()
    entries = [_run(view, name, run, baseline, stages) for name, run in runs.items()]
    return {"runs": entries, "stages": stages.entries}


def _run(view: ImageView, name: str, run, baseline, stages: StageTable) -> dict:
    check_labels(view, run.labels)
    return {
        "schedule": name,
        "blocks": [int(stage.block) for stage in run.trace.stages],
        "token_counts": [int(count) for count in run.trace.token_counts],
        "notes": list(getattr(run, "notes", ())),
        "labels": labels_text(view, run.labels),
        "stages": [stages.number(stage) for stage in run.trace.stages],
        "agreement": None if baseline is None else confusion(*same_size(view, baseline.labels, run.labels)),
        "truth": None if view.truth is None else confusion(*judged(view, run.labels)),
        "confidence": getattr(run, "confidence", None),
        "segments": segments_entry(view, getattr(run, "segments", None)),
    }
