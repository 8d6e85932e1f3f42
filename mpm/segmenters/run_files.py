"""A run as files: mask, overlay and merge map."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from mpm.errors import InputError
from mpm.files import write_whole
from mpm.merging.trace import MergeTrace
from mpm.segmenters.segmenter import SegmentationRun, Segmenter

SCHEMA = 1
OVERLAY_OPACITY = 0.55


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
    """NPZ of merges: schema, grid, blocks, rules, counts, groups; index_k, nearest_k, ..., similarity_k.

    grid is (rows, cols, patch_px); arrays ending in _k are over the input tokens of insertion k; groups is
    (insertions + 1, rows, cols), a group's name its smallest patch index.
    """
    grid = trace.grid
    arrays = {
        "schema": np.array(SCHEMA),
        "grid": np.array([grid.rows, grid.cols, grid.patch_px]),
        "blocks": np.array([stage.block for stage in trace.stages], np.int64),
        "rules": np.array([stage.rule for stage in trace.stages], np.str_),
        "counts": np.array(trace.token_counts),
        "groups": np.stack([trace.groups(stage) for stage in range(len(trace.stages) + 1)]).astype(np.int32),
    }
    for number, stage in enumerate(trace.stages):
        for name in ("index", "nearest", "partner"):
            arrays[f"{name}_{number}"] = getattr(stage, name).astype(np.int32)
        arrays[f"similarity_{number}"] = stage.similarity.astype(np.float32)
    buffer = io.BytesIO()
    # To numpy's stubs a dictionary may hold allow_pickle, too.
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
