"""The ways from pictures to masks that are compared. Each is one pass over a batch, on a clock."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mpm.clock import Clock
from mpm.encoders.base import Encoder, TokenState
from mpm.encoders.run import Insert, as_finished, encode
from mpm.measure.bench.workload import Workload
from mpm.merging.recipe import Recipe
from mpm.merging.rule_call import RuleCall
from mpm.segmenters.geometry import Geometry
from mpm.segmenters.run import Outcome as Run
from mpm.segmenters.scores import GridScores, Scores


@dataclass(frozen=True, eq=False)
class Outcome:
    """Labels (H, W) of each picture (none for the encoder alone), and patch tokens after each insertion."""

    labels: tuple[np.ndarray, ...]
    token_counts: tuple[tuple[int, ...], ...]


Pipeline = Callable[[Sequence[np.ndarray], Clock], Outcome]
"""One batch of pictures through one way of segmenting, timed on a clock."""


def library(work: Workload, recipe: Recipe) -> Pipeline:
    """The library's own way, as `Segmenter.segment` goes, for a batch."""

    @torch.inference_mode()
    def run(pictures: Sequence[np.ndarray], clock: Clock) -> Outcome:
        pixels, geometries = preprocess(work, recipe, pictures, clock)
        grid = geometries[0].grid
        if work.encoder_only:
            states = encode(work.segmenter.runner, pixels, recipe, clock, grid=grid)
            with clock.part("reconstruct"):
                for state in states:
                    work.segmenter.runner.restore(state)
            return Outcome((), token_counts(states))
        found = work.segmenter.run(pixels, recipe, clock, grid=grid)
        return Outcome(upsample(found.scores, geometries, clock), token_counts(found.states))

    return run


def ideal(work: Workload, recipe: Recipe, exact: dict[int, Run]) -> Pipeline:
    """The same model over the same numbers of tokens, with merging free: tokens are dropped, not merged.

    exact: for each batch (by its id) what really happened. The decoder takes tokens of the full grid, and the
    last step the logits of the real run, so that only merging is left out.
    """
    runner = work.segmenter.runner

    @torch.inference_mode()
    def run(pictures: Sequence[np.ndarray], clock: Clock) -> Outcome:
        pixels, geometries = preprocess(work, recipe, pictures, clock)
        known = exact[id(pictures)]
        whole: list[TokenState] = []

        def keep(state: TokenState) -> None:
            if state.block == 0:
                whole.append(state)

        grid = geometries[0].grid
        encode(runner, pixels, recipe, clock, grid=grid, seen=keep, insert=drop_to(known, whole))
        if work.encoder_only:
            return Outcome((), token_counts(known.states))
        with clock.part("decode"):
            for state in whole:
                work.segmenter.read_finished(as_finished(runner, state))
        return Outcome(upsample(known.scores, geometries, clock), token_counts(known.states))

    return run


def drop_to(known: Run, begun: Sequence[TokenState]) -> Insert:
    """An insertion that only cuts the row of tokens to the length that the real one left.

    begun: the runs of this pass so far; the last one is on.
    """

    def drop(encoder: Encoder, state: TokenState, call: RuleCall, recipe: Recipe, clock: Clock) -> TokenState:
        real = known.states[len(begun) - 1]
        counts = tuple(real.maps[real.blocks.index(state.block)].counts.tolist())
        tokens = state.tokens[:, : state.prefix + max(counts)]
        return replace(state, tokens=tokens, counts=counts, packing=None)

    return drop


def what_happened(work: Workload, recipe: Recipe) -> dict[int, Run]:
    """The real run of every batch, for `ideal`."""
    return {id(pictures): _real_run(work, recipe, pictures) for pictures in work.batches}


@torch.inference_mode()
def _real_run(work: Workload, recipe: Recipe, pictures: Sequence[np.ndarray]) -> Run:
    pixels, geometries = preprocess(work, recipe, pictures, Clock(work.segmenter.device))
    if work.encoder_only:
        return Run(GridScores(torch.empty(0)), tuple(encode(work.segmenter.runner, pixels, recipe)))
    return work.segmenter.run(pixels, recipe, grid=geometries[0].grid)


@runtime_checkable
class _Attention(Protocol):
    """What timm's attention layers have in common here: whether the fused kernel does it."""

    fused_attn: bool


def reference(work: Workload, recipe: Recipe) -> Pipeline:
    """The public Segmenter's way: attention in plain steps, class maps at full size, softmax, argmax."""
    segmenter = copy.deepcopy(work.segmenter)
    for module in segmenter.modules():
        if isinstance(module, _Attention):
            module.fused_attn = False

    @torch.inference_mode()
    def run(pictures: Sequence[np.ndarray], clock: Clock) -> Outcome:
        pixels, geometries = preprocess(work, recipe, pictures, clock)
        logits = segmenter.run(pixels, recipe).logits
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


def preprocess(
    work: Workload, recipe: Recipe, pictures: Sequence[np.ndarray], clock: Clock
) -> tuple[Tensor, list[Geometry]]:
    """Pictures of one size -> (B, 3, H, W) normalised, and how each was fitted."""
    with clock.part("preprocess"):
        size = recipe.resolution_px or work.resolution
        made = [work.segmenter.preprocess(picture, size) for picture in pictures]
        pixels = torch.cat([one for one, _ in made]) if len(made) > 1 else made[0][0]
        return pixels, [geometry for _, geometry in made]


def upsample(scores: Scores, geometries: Sequence[Geometry], clock: Clock) -> tuple[np.ndarray, ...]:
    """Scores of a batch -> labels of each picture."""
    with clock.part("upsample"):
        pairs = zip(scores.split(), geometries, strict=True)
        return tuple(one.mask(geometry).labels for one, geometry in pairs)


def token_counts(states: Sequence[TokenState]) -> tuple[tuple[int, ...], ...]:
    """Patch tokens at the start and after each insertion, for each image."""
    found = []
    for state in states:
        later = [merge_map.counts.tolist() for merge_map in state.maps]
        images = range(len(state.counts))
        found += [(state.grid.size, *(counts[image] for counts in later)) for image in images]
    return tuple(found)
