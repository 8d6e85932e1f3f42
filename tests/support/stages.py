"""Stages of a message, unpacked: the slow, obvious way back from `app.inspector.stage_table`."""

from __future__ import annotations

import base64
import zlib

import numpy as np


def unpacked(stage: dict) -> dict[str, np.ndarray]:
    """index, nearest, partner (-1: none), similarity, code: one entry a token."""
    data = zlib.decompress(base64.b64decode(stage["data"]))
    tokens, dtype = stage["tokens"], np.dtype("<" + stage["dtype"])
    arrays, start = {}, 0
    for name in ("index", "nearest", "partner"):
        offsets = np.frombuffer(data, dtype, tokens, start).tolist()
        none = np.iinfo(dtype).min
        arrays[name] = np.array([-1 if one == none else token + one for token, one in enumerate(offsets)])
        start += tokens * dtype.itemsize
    planes = [data[start + plane * tokens : start + (plane + 1) * tokens] for plane in range(4)]
    numbers = b"".join(bytes(plane[token] for plane in planes) for token in range(tokens))
    arrays["similarity"] = np.frombuffer(numbers, "<f4")
    arrays["code"] = np.frombuffer(data[start + 4 * tokens :], np.uint8)
    return arrays
