"""The ways from pictures to masks that are compared. Each is one pass over a batch, on a clock."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mpm.clock import Clock
from mpm.encoders.vit import TokenState, restore_grid, run_block, run_blocks, runs_alone
from mpm.measure.bench.workload import Workload
from mpm.merging.grid import Grid
from mpm.merging.pairing import Merger, mutual_pairs
from mpm.merging.schedule import Schedule
from mpm.segmenters.geometry import Geometry
from mpm.segmenters.segmenter import Segmenter, start_state
from mpm.segmenters.upsample import upsample_labels


@dataclass(frozen=True, eq=False)
class Outcome:
    """Labels (H, W) of each picture (none for the encoder alone), and patch tokens after each insertion."""

    labels: tuple[np.ndarray, ...]
    token_counts: tuple[tuple[int, ...], ...]


Pipeline = Callable[[Sequence[np.ndarray], Clock], Outcome]
"""One batch of pictures through one way of segmenting, timed on a clock."""


def library(
    work: Workload, schedule: Schedule, merger: Merger = mutual_pairs, decode_merged: bool = False
) -> Pipeline:
    """The library's own way, as `Segmenter.segment` goes, for a batch."""

    @torch.inference_mode()
    def run(pictures: Sequence[np.ndarray], clock: Clock) -> Outcome:
        pixels, geometries = preprocess(work, pictures, clock)
        labels, counts = [], []
        parts = pixels.split(1) if runs_alone(pixels, schedule) else (pixels,)
        for part in parts:
            grid = geometries[0].grid
            with clock.part("embed"):
                tokens = work.segmenter.embed(part)
            state = run_blocks(work.segmenter.encoder, tokens, grid, schedule, merger, clock)
            counts += token_counts(state, grid)
            if work.encoder_only:
                with clock.part("reconstruct"):
                    restore_grid(state, work.segmenter.encoder.num_prefix_tokens)
                continue
            logits = work.segmenter.finish(state, grid, clock, decode_merged)
            labels += upsample(logits, geometries[len(labels) :], clock)
        return Outcome(tuple(labels), tuple(counts))

    return run


def ideal(work: Workload, schedule: Schedule, exact: dict[int, list[tuple[TokenState, Tensor]]]) -> Pipeline:
    """The same model over the same numbers of tokens, with merging free: tokens are dropped, not merged.

    exact: for each batch (by its id) what really happened. The decoder takes tokens of
    the full grid, and the last step the logits of the real run, so that only merging is left out.
    """

    @torch.inference_mode()
    def run(pictures: Sequence[np.ndarray], clock: Clock) -> Outcome:
        pixels, geometries = preprocess(work, pictures, clock)
        labels, counts = [], []
        known = exact[id(pictures)]
        parts = pixels.split(1) if runs_alone(pixels, schedule) else (pixels,)
        for part, (state, logits) in zip(parts, known, strict=True):
            with clock.part("embed"):
                start = start_state(work.segmenter, part)
            with clock.part("blocks"):
                _blocks_without_merging(work.segmenter, start, state)
            counts += token_counts(state, geometries[0].grid)
            if work.encoder_only:
                continue
            with clock.part("decode"):
                work.segmenter.decode(work.segmenter.encoder.norm(start.tokens), geometries[0].grid)
            labels += upsample(logits, geometries[len(labels) :], clock)
        return Outcome(tuple(labels), tuple(counts))

    return run


def what_happened(work: Workload, schedule: Schedule) -> dict[int, list[tuple[TokenState, Tensor]]]:
    """The last state and the logits of every part of every batch, for `ideal`."""
    return {id(pictures): _parts_of(work, schedule, pictures) for pictures in work.batches}


@torch.inference_mode()
def _parts_of(
    work: Workload, schedule: Schedule, pictures: Sequence[np.ndarray]
) -> list[tuple[TokenState, Tensor]]:
    clock = Clock(work.segmenter.device)
    pixels, geometries = preprocess(work, pictures, clock)
    parts = pixels.split(1) if runs_alone(pixels, schedule) else (pixels,)
    found, grid = [], geometries[0].grid
    for part in parts:
        state = run_blocks(work.segmenter.encoder, work.segmenter.embed(part), grid, schedule)
        logits = torch.empty(0) if work.encoder_only else work.segmenter.finish(state, grid, clock)
        found.append((state, logits))
    return found


def _blocks_without_merging(segmenter: Segmenter, state: TokenState, real: TokenState) -> None:
    prefix = segmenter.encoder.num_prefix_tokens
    inserted = dict(zip(real.blocks, real.maps, strict=True))
    for number, block in enumerate(segmenter.encoder.blocks):
        if number in inserted:
            counts = tuple(inserted[number].counts.tolist())
            tokens = state.tokens[:, : prefix + max(counts)]
            state = replace(state, tokens=tokens, counts=counts, packing=None)
        state = run_block(block, state, prefix)


def reference(work: Workload, schedule: Schedule) -> Pipeline:
    """The public Segmenter's way: attention in plain steps, class maps at full size, softmax, argmax."""
    segmenter = copy.deepcopy(work.segmenter)
    for module in segmenter.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = False

    @torch.inference_mode()
    def run(pictures: Sequence[np.ndarray], clock: Clock) -> Outcome:
        pixels, geometries = preprocess(work, pictures, clock)
        logits = segmenter(pixels, schedule)
        with clock.part("upsample"):
            labels = [_full_size(one, where) for one, where in zip(logits.split(1), geometries, strict=True)]
        return Outcome(tuple(labels), ())

    return run


def _full_size(logits: Tensor, geometry: Geometry) -> np.ndarray:
    (width, height), (patch_w, patch_h) = geometry.image_wh_px, geometry.grid.patch_wh_px()
    size = round(geometry.grid.rows * patch_h), round(geometry.grid.cols * patch_w)
    left, top = (round(pad) for pad in geometry.grid.pad_xy_px())
    full = F.interpolate(logits.float(), size, mode="bilinear", align_corners=False)
    return full[..., top : top + height, left : left + width].softmax(1).argmax(1)[0].cpu().numpy()


def preprocess(work: Workload, pictures: Sequence[np.ndarray], clock: Clock) -> tuple[Tensor, list[Geometry]]:
    """Pictures of one size -> (B, 3, H, W) normalised, and how each was fitted."""
    with clock.part("preprocess"):
        made = [work.segmenter.preprocess(picture, work.resolution) for picture in pictures]
        pixels = torch.cat([one for one, _ in made]) if len(made) > 1 else made[0][0]
        return pixels, [geometry for _, geometry in made]


def upsample(logits: Tensor, geometries: Sequence[Geometry], clock: Clock) -> list[np.ndarray]:
    """(B, classes, rows, cols) -> labels of each picture."""
    with clock.part("upsample"):
        pairs = zip(logits.split(1), geometries, strict=False)
        labels = [upsample_labels(one, geometry) for one, geometry in pairs]
        return [one.cpu().numpy() for one in labels]


def token_counts(state: TokenState, grid: Grid) -> list[tuple[int, ...]]:
    """Patch tokens at the start and after each insertion, for each image."""
    later = [merge_map.counts.tolist() for merge_map in state.maps]
    return [(grid.size, *(counts[image] for counts in later)) for image in range(len(state.counts))]
