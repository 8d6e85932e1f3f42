"""Tokens of a run, laid out on the patch grid again: what the matcher looks at, and what the decoder gets."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from mpm.clock import Clock
from mpm.encoders.base import Encoder, TokenState
from mpm.encoders.run import encode, merge_tokens
from mpm.errors import InputError
from mpm.merging.recipe import Recipe
from mpm.merging.rule_call import Merger, RuleCall
from mpm.segmenters.segmenter import MAX_PATCHES, Segmenter


@torch.inference_mode()
def stage_features(
    segmenter: Segmenter,
    image: Any,
    schedule: Any,
    stage: int,
    resolution: int | None = None,
    merger: Merger | None = None,
    max_patches: int = MAX_PATCHES,
) -> np.ndarray:
    """Unit-length token of every patch at a stage: (rows, cols, C) float32. Merged patches share one.

    Stage k below the number of insertions is what insertion k compares, on the input of its block or after
    its attention; the last stage is what leaves the last block. Raises InputError for a stage that
    the recipe does not have.
    """
    recipe = segmenter.read_recipe(schedule, merger)
    if not 0 <= stage <= len(recipe):
        raise InputError(f"Stage must be 0 to {len(recipe)} for recipe {recipe}, but got {stage}")
    pixels, geometry = segmenter.preprocess(image, recipe.resolution_px or resolution, max_patches)
    compared: list[TokenState] = []

    def keep(encoder: Encoder, state: TokenState, call: RuleCall, recipe: Recipe, clock: Clock) -> TokenState:
        compared.append(state)
        return state if len(compared) > stage else merge_tokens(encoder, state, call, recipe, clock)

    stop = recipe.blocks[stage] + 1 if stage < len(recipe) else segmenter.depth
    states = encode(segmenter.runner, pixels, recipe, grid=geometry.grid, stop=stop, insert=keep)
    state = (*compared, *states)[stage]
    patches = state.patches.float()
    if state.maps:
        patches = state.whole_map().reconstruct(patches)
    units = torch.nn.functional.normalize(patches[0], dim=1)
    return units.reshape(geometry.grid.rows, geometry.grid.cols, -1).cpu().numpy()


@torch.inference_mode()
def final_tokens(
    segmenter: Segmenter,
    image: Any,
    schedule: Any,
    resolution: int | None = None,
    max_patches: int = MAX_PATCHES,
) -> np.ndarray:
    """Patch tokens of a run after the encoder's final norm, the full grid restored: (rows, cols, C) float32.

    They are what the decoder gets, unless the recipe decodes merged tokens. Arguments and errors as
    `Segmenter.segment`.
    """
    recipe = segmenter.read_recipe(schedule)
    pixels, geometry = segmenter.preprocess(image, recipe.resolution_px or resolution, max_patches)
    runner, grid = segmenter.runner, geometry.grid
    (state,) = encode(runner, pixels, recipe, grid=grid)
    patches = runner.norm(runner.restore(state))[0, state.prefix :]
    return patches.float().reshape(grid.rows, grid.cols, -1).cpu().numpy()


def similarity_to(features: np.ndarray, patch: int) -> np.ndarray:
    """Cosine similarity of one patch to all: (rows, cols, C) unit length -> (rows, cols) float32."""
    rows, cols, channels = features.shape
    if not 0 <= patch < rows * cols:
        raise InputError(f"Patch must be 0 to {rows * cols - 1}, but got {patch}")
    return features @ features.reshape(-1, channels)[patch]
