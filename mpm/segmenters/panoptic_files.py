"""Segments as files, in COCO's panoptic format: a PNG of ids, and a JSON that says what each of them is."""

from __future__ import annotations

import io
import json

import numpy as np
from PIL import Image

from mpm.segmenters.segments import Segments


def panoptic_png(segments: Segments) -> bytes:
    """Each pixel's id as R + 256 G + 65,536 B: 0 for no segment, else 1 and its place in the table."""
    ids = segments.ids.astype(np.uint32) + 1  # -1 wraps around to 0
    rgb = np.stack([ids & 0xFF, ids >> 8 & 0xFF, ids >> 16 & 0xFF], -1).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()


def panoptic_json(segments: Segments, class_names: list[str], png_name: str) -> bytes:
    """What each id is, with its area in pixels. category_id: the class as the mask numbers it."""
    areas = np.bincount(segments.ids.ravel() + 1, minlength=len(segments.table) + 1)[1:]
    rows = [
        {
            "id": place + 1,
            "category_id": segment.label,
            "category": class_names[segment.label],
            "isthing": int(segment.is_thing),
            "score": segment.score,
            "area": int(area),
        }
        for place, (segment, area) in enumerate(zip(segments.table, areas, strict=True))
    ]
    text = json.dumps({"file_name": png_name, "segments_info": rows}, indent=2, ensure_ascii=False)
    return (text + "\n").encode("utf-8")
