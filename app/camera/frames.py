"""One frame of a camera: the picture a browser sends, and what it gets back.

Asked with {tab, generation, model, recipe, number, jpeg (base64)}; tab is any name that a browser tab keeps
for itself: such calls bring no session. The answer is an object of plain values:

    number      of the frame, as asked
    image       {width, height} of the frame
    grid        {rows, cols, patch_w, patch_h, pad_x, pad_y}, as in `app.inspector.payload`
    tokens      patch tokens before and after all insertions
    blocks      of the encoder at which tokens merge, one an insertion
    counts      patch tokens at the start and after each insertion
    groups      base64 of little-endian uint16, one a patch: the smallest patch of its group
    classes     [{name, colour}]
    unmerged, merged  {labels (as in `app.inspector.payload`, height x width), ms (picture to mask)}
    agreement   share of pixels with the same class

or {number, failed: one sentence}.
"""

from __future__ import annotations

import base64
import binascii
import io
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from app.engine.engine import Engine
from app.engine.generations import Wish
from app.engine.models import Models
from app.engine.scheduler import Claim, Urgency
from app.inspector.agreement import agreement
from app.inspector.image_view import label_dtype
from app.inspector.wire import base64_of, coloured_classes, grid_entry
from app.server.toasts import sentence_of
from mpm.errors import InputError, cut

FRAME_PX = 256
"""Shorter side at which frames run: enough to see, and many a second even on a small computer."""
MAX_SIDE_PX = 1024
MAX_BYTES = 1_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
BAD_FRAME = "the camera's frame cannot be read"
NO_MODEL_YET = "the model is still being loaded: the camera starts with the next frame"
MAX_PATCHES_OF_GROUPS = 0xFFFF


class CameraHandlers:
    """Answers frames. Nothing of a frame is kept."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def frame(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one frame, see this module's head. Never raises for bad input."""
        fields = asked if isinstance(asked, dict) else {}
        try:
            wish = Wish.read(fields, f"camera {cut(str(fields.get('tab')))}")
            return {"number": fields.get("number"), **self._answer(wish, fields)}
        except InputError as error:
            return {"number": fields.get("number"), "failed": sentence_of(error)}

    def _answer(self, wish: Wish, asked: Mapping[str, Any]) -> dict[str, Any]:
        engine = self._models.engine(wish.model)
        if not engine.wait(0):
            raise InputError(NO_MODEL_YET)
        rgb = decode_frame(asked.get("jpeg"))
        # A camera looks, but at 30 frames a second: whoever waits for a picture of their own goes first.
        claim = Claim(wish.tab, Urgency.AHEAD)
        return _told(engine, rgb, *_run(engine, rgb, wish.recipe, claim, asked.get("number")))


def server_function(handlers: CameraHandlers) -> Callable[..., dict[str, Any]]:
    """`frame` as gr.HTML takes it: a function of its own, which the browser calls by its name."""

    def frame(asked: dict) -> dict:
        return handlers.frame(asked)

    return frame


def decode_frame(text: Any) -> np.ndarray:
    """(H, W, 3) uint8 from a frame in base64. Raises InputError for anything else, and for a large one."""
    if not isinstance(text, str) or len(text) > MAX_BYTES * 4 // 3:
        raise InputError(BAD_FRAME)
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=FORMATS) as image:
            if max(image.size) > MAX_SIDE_PX:
                raise InputError(f"The camera's frame must be at most {MAX_SIDE_PX} pixels wide and high")
            return np.array(image.convert("RGB"))
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(BAD_FRAME) from error


def _run(engine: Engine, rgb: np.ndarray, text: str, claim: Claim, number: Any) -> tuple:
    """The unmerged and the merged run, timed alike: every second frame the merged one goes first."""
    recipes = ["none", str(engine.read_recipe(text))]
    is_odd = isinstance(number, int) and number % 2 == 1
    order = recipes[::-1] if is_odd else recipes
    runs = dict(zip(order, engine.at_once(rgb, order, FRAME_PX, claim), strict=True))
    return runs[recipes[0]], runs[recipes[1]]


def _told(engine: Engine, rgb: np.ndarray, unmerged, merged) -> dict[str, Any]:
    height, width = rgb.shape[:2]
    counts = merged.trace.token_counts
    dtype = label_dtype(len(engine.segmenter.class_names))
    groups = merged.trace.groups(len(merged.trace.stages))
    if groups.size > MAX_PATCHES_OF_GROUPS:
        raise InputError("The camera's frame has too many patches")
    return {
        "image": {"width": width, "height": height},
        "grid": grid_entry(merged.grid, width, height),
        "tokens": [int(counts[0]), int(counts[-1])],
        "blocks": [int(stage.block) for stage in merged.trace.stages],
        "counts": [int(count) for count in counts],
        "groups": base64_of(groups.astype("<u2").ravel()),
        "classes": coloured_classes(engine.segmenter.class_names, engine.segmenter.palette),
        "unmerged": _mask(unmerged, dtype),
        "merged": _mask(merged, dtype),
        "agreement": agreement(merged.labels, unmerged.labels),
    }


def _mask(run, dtype: np.dtype) -> dict[str, Any]:
    packed = zlib.compress(run.labels.astype(dtype).tobytes(), 1)
    return {"labels": base64.b64encode(packed).decode("ascii"), "ms": round(1000 * run.timing.total, 3)}
