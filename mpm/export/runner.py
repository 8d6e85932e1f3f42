"""Segment a picture with an exported model. Needs numpy and onnxruntime; Pillow for PNG, JPEG and the like.

    python run.py picture.jpg                   writes picture.mask.png, its colours inside
    python run.py picture.npy --output m.npy    (H, W, 3) uint8 in, (H, W) class numbers out

Beside this file lie the graphs and model.json, which says how they are chained. As a module:
`Model(folder).segment(rgb)` gives labels (H, W) and the number of patch tokens after each merge.
Shapes: N tokens, M of them after a merge, P prefix tokens, C channels, K classes, h w patch rows and columns.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import struct
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Model:
    """The graphs of a folder. threads: of the CPU; 0 leaves it to onnxruntime."""

    def __init__(self, folder: str | Path, threads: int = 0) -> None:
        self.folder = Path(folder)
        share_memory()
        self.plan = json.loads((self.folder / "model.json").read_text(encoding="utf-8"))
        self._threads = threads
        self._embed = self._open(self.plan["embed"])
        self._steps = [(step["merge"], self._open(step["graph"])) for step in self.plan["steps"]]
        self._decode = self._open(self.plan["decode"])

    def segment(self, rgb: Array) -> tuple[Array, list[int]]:
        """(H, W, 3) uint8 -> labels (H, W) uint8 or int16, and patch tokens at the start and after merges."""
        pixels, place = prepare(rgb, self.plan)
        tokens, prefix = self._embed(pixels), self.plan["prefix"]
        merges: list[tuple[Array, Array | None]] = []
        counts = [tokens.shape[1] - prefix]
        for merges_first, run in self._steps:
            if merges_first:
                tokens, index, own = merge(tokens, prefix, self.plan["residual"])
                merges.append((index, own))
                counts.append(tokens.shape[1] - prefix)
            tokens = run(tokens)
        if self.plan["decode_merged"]:
            scores = restore(self._decode(tokens), 0, merges)
        else:
            scores = self._decode(restore(tokens, prefix, merges))
        return upsample(scores[0].T.reshape(-1, *place["grid"]), place), counts

    def _open(self, name: str) -> Callable[[Array], Array]:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        options.add_session_config_entry("session.force_spinning_stop", "1")  # each graph has its own threads
        options.add_session_config_entry("session.use_env_allocators", "1")
        path = str(self.folder / name)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        (given,) = session.get_inputs()
        return lambda value: session.run(None, {given.name: np.ascontiguousarray(value)})[0]


def share_memory() -> None:
    """One store of memory for all graphs of this process."""
    import onnxruntime as ort

    place = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    with suppress(Exception):  # some releases refuse a second one; without it there is only more memory
        ort.create_and_register_allocator(place, None)


def merge(tokens: Array, prefix: int, residual: bool) -> tuple[Array, Array, Array | None]:
    """Mutual pairs become their means: (1, P + N, C) -> (1, P + M, C), index (N,), own differences (N, C).

    Two patch tokens pair that are each other's most similar; of equal ones the first. A pair keeps the place
    of its first token.
    """
    patches = tokens[0, prefix:]
    nearest = most_similar(patches)
    order = np.arange(len(patches))
    partner = np.where((nearest[nearest] == order) & (nearest != order), nearest, -1)
    keeps_place = (partner < 0) | (order < partner)
    place = np.cumsum(keeps_place) - 1
    index = np.where(keeps_place, place, place[np.maximum(partner, 0)])
    paired = (patches + patches[np.maximum(partner, 0)]) * np.float32(0.5)
    merged = np.where((partner >= 0)[:, None], paired, patches)[keeps_place]
    own = patches - merged[index] if residual else None
    return np.concatenate([tokens[:, :prefix], merged[None]], axis=1), index, own


def most_similar(tokens: Array, rows_at_a_time: int = 2048) -> Array:
    """Of every token the other one with the highest cosine similarity, the first of equal ones: (N,)."""
    units = tokens / np.maximum(np.linalg.norm(tokens, axis=1, keepdims=True), np.float32(1e-12))
    found = []
    for start in range(0, len(units), rows_at_a_time):
        similarity = units[start : start + rows_at_a_time] @ units.T
        rows = np.arange(len(similarity))
        similarity[rows, rows + start] = -np.inf
        found.append(similarity.argmax(1))
    return np.concatenate(found)


def restore(tokens: Array, prefix: int, merges: list[tuple[Array, Array | None]]) -> Array:
    """Back to the full grid: (1, P + M, C) -> (1, P + N, C)."""
    patches = tokens[0, prefix:]
    for index, own in reversed(merges):
        patches = patches[index] if own is None else patches[index] + own
    return np.concatenate([tokens[:, :prefix], patches[None]], axis=1)


def prepare(rgb: Array, plan: dict[str, Any]) -> tuple[Array, dict[str, Any]]:
    """(H, W, 3) uint8 -> (1, 3, H', W') normalised and padded to whole patches, and how it was fitted."""
    patch, (height, width) = plan["patch_px"], rgb.shape[:2]
    content = fitted(width, height, plan)
    rows, cols = math.ceil(content[1] / patch), math.ceil(content[0] / patch)
    left, top = (-side % patch // 2 for side in content) if plan["padding"] == "centred" else (0, 0)
    small = resize(rgb, *content).astype(np.float32) / 255
    small = (small - np.float32(plan["mean"])) / np.float32(plan["std"])
    pixels = np.zeros((1, 3, rows * patch, cols * patch), np.float32)
    pixels[0, :, top : top + content[1], left : left + content[0]] = small.transpose(2, 0, 1)
    scale = height / content[1], width / content[0]
    place = {
        "grid": (rows, cols),
        "size": (height, width),
        "factor": (patch * scale[0], patch * scale[1]),
        "skip": (round(top * scale[0]), round(left * scale[1])),
    }
    return pixels, place


def fitted(width: int, height: int, plan: dict[str, Any]) -> tuple[int, int]:
    """Width and height of the picture at the model's input: never more than the plan's patches."""
    scale, patch, most = plan["resolution"] / min(width, height), plan["patch_px"], plan["max_patches"]
    while True:
        content = max(1, round(width * scale)), max(1, round(height * scale))
        patches = math.ceil(content[0] / patch) * math.ceil(content[1] / patch)
        if patches <= most:
            return content
        scale *= 0.995 * min(1.0, math.sqrt(most / patches))


def resize(rgb: Array, width: int, height: int) -> Array:
    """(H, W, 3) uint8, bilinear as OpenCV's exact one; far smaller ones are averaged over areas first."""
    old_h, old_w = rgb.shape[:2]
    if (old_w, old_h) == (width, height):
        return rgb
    shrink = max(1, old_w // width // 2), max(1, old_h // height // 2)
    if max(shrink) > 1:
        across, down = (areas(side, side // by) for side, by in zip((old_w, old_h), shrink, strict=True))
        mean = np.einsum("yh,hwc->ywc", down, rgb.astype(np.float32))
        rgb = np.rint(np.einsum("xw,ywc->yxc", across, mean)).clip(0, 255).astype(np.uint8)
    x, y = steps(rgb.shape[1], width), steps(rgb.shape[0], height)
    wide = rgb[:, x[0]].astype(np.int64) * x[2][:, None] + rgb[:, x[1]].astype(np.int64) * x[3][:, None]
    tall = wide[y[0]] * y[2][:, None, None] + wide[y[1]] * y[3][:, None, None]
    return ((tall + (1 << 15)) >> 16).astype(np.uint8)


def steps(old: int, new: int) -> tuple[Array, Array, Array, Array]:
    """For every new pixel of a side the two old ones beside its centre, and their weights in 1 / 256."""
    at = (np.arange(new) + 0.5) * (old / new) - 0.5
    first = np.floor(at).astype(np.int64)
    share = np.where((first < 0) | (first >= old - 1), 0, np.rint((at - first) * 256)).astype(np.int64)
    first = first.clip(0, old - 1)
    return first, np.minimum(first + 1, old - 1), 256 - share, share


def areas(old: int, new: int) -> Array:
    """(new, old): which share of each new pixel of a side the old ones cover."""
    edges = np.arange(new + 1) * (old / new)
    starts, ends = edges[:-1, None], edges[1:, None]
    cover = np.minimum(ends, np.arange(1, old + 1)) - np.maximum(starts, np.arange(old))
    return (cover.clip(0) / (old / new)).astype(np.float32)


def upsample(logits: Array, place: dict[str, Any]) -> Array:
    """The best class of every pixel, logits between patches bilinear: (K, h, w) -> (H, W)."""
    (height, width), (top, left) = place["size"], place["skip"]
    sides = (logits.shape[1], height, top), (logits.shape[2], width, left)
    down, across = (between(*side, factor) for side, factor in zip(sides, place["factor"], strict=True))
    best = np.full((height, width), -np.inf, np.float32)
    labels = np.zeros((height, width), np.uint8 if len(logits) <= 255 else np.int16)
    for number, plane in enumerate(logits):
        rows = plane[down[0]] * (1 - down[2])[:, None] + plane[down[1]] * down[2][:, None]
        values = rows[:, across[0]] * (1 - across[2]) + rows[:, across[1]] * across[2]
        labels[values > best] = number
        np.maximum(best, values, out=best)
    return labels


def between(cells: int, pixels: int, skip: int, factor: float) -> tuple[Array, Array, Array]:
    """For every pixel of a side the cells before and behind it, and the second one's weight."""
    at = np.maximum((np.arange(skip, skip + pixels) + 0.5) / factor - 0.5, 0).astype(np.float32)
    first = np.minimum(at.astype(np.int64), cells - 1)
    return first, np.minimum(first + 1, cells - 1), (at - first).astype(np.float32)


def read_picture(path: Path) -> Array:
    """(H, W, 3) uint8 of a .npy file, a binary .ppm file, or whatever Pillow reads."""
    if path.suffix == ".npy":
        rgb = np.load(path, allow_pickle=False)
    elif path.suffix == ".ppm":
        rgb = read_ppm(path)
    else:
        from PIL import Image, ImageOps

        rgb = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise ValueError(f"A picture must be (H, W, 3) uint8, but got {rgb.shape} {rgb.dtype}.")
    return rgb


def read_ppm(path: Path) -> Array:
    """A binary PPM file of 8 bits, without comments."""
    data = path.read_bytes()
    header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    if header is None:
        raise ValueError("A .ppm file must be binary (P6), with 8 bits a value and no comments.")
    width, height = int(header[1]), int(header[2])
    pixels = data[header.end() : header.end() + 3 * width * height]
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def write_png(path: Path, labels: Array, palette: Array) -> None:
    """An indexed PNG with its palette, or one of 16-bit greys for more than 256 classes."""
    height, width = labels.shape
    many = len(palette) > 256
    lines = labels.astype(">u2" if many else np.uint8).reshape(height, -1).view(np.uint8).reshape(height, -1)
    body = np.concatenate([np.zeros((height, 1), np.uint8), lines], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, *((16, 0) if many else (8, 3)), 0, 0, 0)
    parts = [(b"IHDR", header), (b"PLTE", palette.astype(np.uint8).tobytes())][: 1 if many else 2]
    parts += [(b"IDAT", zlib.compress(body, 6)), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(own)) + k + own + struct.pack(">I", zlib.crc32(k + own)) for k, own in parts
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def main(arguments: list[str] | None = None) -> int:
    """The command. Bad input is one sentence on stderr and exit status 2."""
    parser = argparse.ArgumentParser(description="Segment a picture with an exported model.")
    parser.add_argument("picture", type=Path, help=".npy, .ppm, or any kind that Pillow reads")
    parser.add_argument("--output", type=Path, help=".png or .npy (default: STEM.mask.png)")
    parser.add_argument("--model", type=Path, default=Path(__file__).parent, help="folder of the graphs")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU (default: all)")
    args = parser.parse_args(arguments)
    output = args.output or args.picture.with_suffix(".mask.png").name
    try:
        model = Model(args.model, args.threads)
        labels, counts = model.segment(read_picture(args.picture))
        if Path(output).suffix == ".npy":
            np.save(output, labels)
        else:
            write_png(Path(output), labels, np.array(model.plan["palette"]))
    except (OSError, ValueError, ImportError, KeyError) as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 2
    print(f"{output}: recipe {model.plan['recipe']}, tokens {' -> '.join(map(str, counts))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
