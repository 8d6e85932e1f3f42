"""A run as files: mask, overlay and merge map."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from mpm.errors import InputError
from mpm.files import Content, write_all
from mpm.merging.trace import MergeTrace
from mpm.segmenters.drawing import draw_mask
from mpm.segmenters.panoptic_files import panoptic_json, panoptic_png
from mpm.segmenters.segmentation_run import SegmentationRun
from mpm.segmenters.segmenter import Segmenter

SCHEMA = 1

BAND_ROWS = 16
"""Rows of an overlay that are blended at a time."""


def save_run(
    segmenter: Segmenter,
    rgb: np.ndarray,
    result: SegmentationRun,
    folder: Path,
    stem: str,
    source: Path | None = None,
) -> list[Path]:
    """Write mask, overlay and merge map, of a panoptic model its segments too: all whole, or none.

    Older files stay where they are not replaced.

    source: the picture's file, for `check_source`. Raises InputError when the folder refuses.
    """
    palette, segments = segmenter.palette, result.segments
    outlines = None if segments is None else segments.outlines()
    writers: tuple[Content, ...] = (
        partial(_write_mask, result.labels, palette),
        partial(_write_overlay, rgb, result.labels, palette, outlines=outlines),
        merge_npz(result.trace, source),
    )
    files = dict(zip(_paths(folder, stem), writers, strict=True))
    png, table = _panoptic_paths(folder, stem)
    if segments is not None:
        files[png] = panoptic_png(segments)
        files[table] = panoptic_json(segments, segmenter.class_names, png.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = write_all(files)
        if segments is None:
            for stale in filter(os.path.lexists, (png, table)):
                stale.unlink()  # of another model's run: it would not go with this mask
        return written
    except OSError as error:
        raise InputError(f"Cannot write to {str(folder)!r}: {error.strerror or error}") from error


def check_source(folder: Path, stem: str, source: Path) -> None:
    """Raises InputError where files that `save_run` would replace are not from the same picture's file."""
    paths = _paths(folder, stem)
    everything = (*paths, *_panoptic_paths(folder, stem))
    there = next((path for path in everything if os.path.lexists(path)), None)
    if there is None:
        return
    name, digest = _source_in(paths[-1])
    if digest != _digest(source):
        known = f"is from another picture, {name!r}" if name else "does not say which picture it is from"
        raise InputError(f"{str(there)!r} {known}: give another --output-dir, or --overwrite")


def _paths(folder: Path, stem: str) -> list[Path]:
    return [folder / f"{stem}.{kind}" for kind in ("mask.png", "overlay.png", "merge.npz")]


def _panoptic_paths(folder: Path, stem: str) -> tuple[Path, Path]:
    return folder / f"{stem}.panoptic.png", folder / f"{stem}.panoptic.json"


def _source_in(path: Path) -> tuple[str, str]:
    """Name and digest in a merge map file; empty where it has none."""
    try:
        with np.load(path, allow_pickle=False) as saved:
            name, digest = saved["source"].tolist()
            return str(name), str(digest)
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        return "", ""


def _digest(source: Path) -> str:
    """Tells files apart without telling where they lie."""
    return hashlib.sha256(os.fsencode(os.path.realpath(source))).hexdigest()[:16]


def mask_png(labels: np.ndarray, palette: np.ndarray) -> bytes:
    """Indexed PNG of (H, W) labels with its palette; above 256 classes 16-bit gray without one."""
    buffer = io.BytesIO()
    _write_mask(labels, palette, buffer)
    return buffer.getvalue()


def overlay_png(
    rgb: np.ndarray, labels: np.ndarray, palette: np.ndarray, outlines: np.ndarray | None = None
) -> bytes:
    """The mask's colours over the picture, and pixels of outlines (H, W) bool in white."""
    buffer = io.BytesIO()
    _write_overlay(rgb, labels, palette, buffer, outlines)
    return buffer.getvalue()


def _write_mask(labels: np.ndarray, palette: np.ndarray, file: BinaryIO) -> None:
    if len(palette) > 256:
        Image.fromarray(labels.astype(np.uint16)).save(file, "PNG")
        return
    image = Image.fromarray(labels.astype(np.uint8, copy=False))
    image.putpalette(palette.astype(np.uint8).tobytes())
    image.save(file, "PNG")


def _write_overlay(
    rgb: np.ndarray,
    labels: np.ndarray,
    palette: np.ndarray,
    file: BinaryIO,
    outlines: np.ndarray | None = None,
) -> None:
    """Blended a band of rows at a time: of a large picture every other array would weigh hundreds of MB."""
    height, width = labels.shape
    image = Image.new("RGB", (width, height))
    for top in range(0, height, BAND_ROWS):
        band = slice(top, top + BAND_ROWS)
        blended = draw_mask(rgb[band], labels[band], palette)
        if outlines is not None:
            blended[outlines[band]] = 255
        image.paste(Image.fromarray(blended), (0, top))
    image.save(file, "PNG")


def merge_npz(trace: MergeTrace, source: Path | None = None) -> bytes:
    """NPZ of merges: schema, grid, blocks, rules, counts, groups; index_k, nearest_k, ..., similarity_k.

    grid is (rows, cols, patch_px); arrays ending in _k are over the input tokens of insertion k; groups is
    (insertions + 1, rows, cols), a group's name its smallest patch index; source: the picture's file name and
    a digest of where it lay, if it was a file.
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
    if source is not None:
        # A name that is not UTF-8 has no place in a file for others.
        name = source.name.encode("utf-8", "backslashreplace").decode("utf-8")
        arrays["source"] = np.array([name, _digest(source)], np.str_)
    for number, stage in enumerate(trace.stages):
        for name in ("index", "nearest", "partner"):
            arrays[f"{name}_{number}"] = getattr(stage, name).astype(np.int32)
        arrays[f"similarity_{number}"] = stage.similarity.astype(np.float32)
    buffer = io.BytesIO()
    # To numpy's stubs a dictionary may hold allow_pickle, too.
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
