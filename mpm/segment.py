"""`python -m mpm segment`: a picture in; mask, overlay and merge map out."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image

from mpm.checkpoints import load_segmenter
from mpm.devices import pick_device
from mpm.errors import InputError
from mpm.files import write_whole
from mpm.images import decode_image
from mpm.models import download_bar
from mpm.segmenter import SegmentationRun, Segmenter
from mpm.trace import MergeTrace

SCHEMA = 1
OVERLAY_OPACITY = 0.55


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "segment",
        help="segment a picture and save mask, overlay and merge map",
        description="Writes STEM.mask.png (indexed, palette inside), STEM.overlay.png and STEM.merge.npz.",
    )
    parser.add_argument("image", type=Path, help="a PNG, JPEG, WebP, GIF, BMP or TIFF file")
    parser.add_argument(
        "--model", default="streets-vit-tiny", help="a bundled model's name or a checkpoint folder"
    )
    parser.add_argument("--schedule", default="2,5", help='blocks to merge before, e.g. "2,5", or "none"')
    parser.add_argument("--output-dir", type=Path, default=Path("."), help="made if it is not there")
    parser.add_argument("--resolution", type=int, help="short side in pixels (default: the model's own)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps or auto (default: cpu)")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    decoded = decode_image(args.image)
    with download_bar(args.model) as show:
        segmenter = load_segmenter(args.model, pick_device(args.device), progress=show)
    result = segmenter.segment(decoded.rgb, args.schedule, args.resolution)
    for path in save_run(segmenter, decoded.rgb, result, args.output_dir, args.image.stem):
        print(path)
    kept = result.trace.token_counts
    print(f"schedule {result.schedule}: tokens {' -> '.join(map(str, kept))} ({kept[-1] / kept[0]:.1%} kept)")
    for note in (*decoded.notes, *result.notes):
        print(note)
    return 0


def save_run(
    segmenter: Segmenter, rgb: np.ndarray, result: SegmentationRun, folder: Path, stem: str
) -> list[Path]:
    """Write mask, overlay and merge map, each whole or not at all.

    Raises InputError when the folder refuses.
    """
    files = {
        f"{stem}.mask.png": mask_png(result.labels, segmenter.palette),
        f"{stem}.overlay.png": overlay_png(rgb, result.labels, segmenter.palette),
        f"{stem}.merge.npz": merge_npz(result.trace),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [write_whole(folder / name, content) for name, content in files.items()]
    except OSError as error:
        raise InputError(f"cannot write to {str(folder)!r}: {error.strerror or error}") from error


def mask_png(labels: np.ndarray, palette: np.ndarray) -> bytes:
    """Indexed PNG of (H, W) labels with its palette; above 256 classes 16-bit gray without one."""
    if len(palette) > 256:
        return _png(Image.fromarray(labels.astype(np.uint16)))
    image = Image.fromarray(labels.astype(np.uint8))
    image.putpalette(palette.astype(np.uint8).tobytes())
    return _png(image)


def overlay_png(rgb: np.ndarray, labels: np.ndarray, palette: np.ndarray) -> bytes:
    """The mask's colours over the picture."""
    colours = palette[labels].astype(np.float32)
    mixed = OVERLAY_OPACITY * colours + (1 - OVERLAY_OPACITY) * rgb
    return _png(Image.fromarray(mixed.round().astype(np.uint8)))


def merge_npz(trace: MergeTrace) -> bytes:
    """NPZ of merges: schema, grid, blocks, counts, groups; index_k, nearest_k, partner_k, similarity_k.

    grid is (rows, cols, patch_px); arrays ending in _k are over the input tokens of insertion k; groups is
    (insertions + 1, rows, cols), a group's name its smallest patch index.
    """
    grid = trace.grid
    arrays = {
        "schema": np.array(SCHEMA),
        "grid": np.array([grid.rows, grid.cols, grid.patch_px]),
        "blocks": np.array([stage.block for stage in trace.stages], np.int64),
        "counts": np.array(trace.token_counts),
        "groups": np.stack([trace.groups(stage) for stage in range(len(trace.stages) + 1)]).astype(np.int32),
    }
    for number, stage in enumerate(trace.stages):
        for name in ("index", "nearest", "partner"):
            arrays[f"{name}_{number}"] = getattr(stage, name).astype(np.int32)
        arrays[f"similarity_{number}"] = stage.similarity.astype(np.float32)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
