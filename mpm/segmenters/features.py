"""What the matcher looks at: tokens at a stage of a run, laid out on the patch grid again."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import torch

from mpm.clock import Clock
from mpm.encoders.vit import step
from mpm.errors import InputError
from mpm.merging.merge_map import MergeMap
from mpm.merging.pairing import Merger, mutual_pairs
from mpm.merging.schedule import Schedule
from mpm.segmenters.segmenter import MAX_PATCHES, Segmenter, start_state


@torch.inference_mode()
def stage_features(
    segmenter: Segmenter,
    image: Any,
    schedule: Any,
    stage: int,
    resolution: int | None = None,
    merger: Merger = mutual_pairs,
    max_patches: int = MAX_PATCHES,
) -> np.ndarray:
    """Unit-length token of every patch at a stage: (rows, cols, C) float32. Merged patches share one.

    Stage k below the number of insertions is what insertion k compares, on the input of its block; the last
    stage is what leaves the last block. Raises InputError for a stage that the schedule does not have.
    """
    schedule = Schedule.parse(schedule).check(segmenter.depth)
    if not 0 <= stage <= len(schedule):
        raise InputError(f"stage must be 0 to {len(schedule)} for schedule {schedule}, but got {stage}")
    pixels, geometry = segmenter.preprocess(image, resolution, max_patches)
    state, clock = start_state(segmenter, pixels), Clock(pixels.device)
    last = schedule.blocks[stage] if stage < len(schedule) else segmenter.depth
    for number in range(last):
        state = step(segmenter.encoder, state, number, geometry.grid, schedule, merger, clock)
    patches = state.tokens[:, segmenter.encoder.num_prefix_tokens :].float()
    if state.maps:
        patches = reduce(MergeMap.compose, state.maps).reconstruct(patches)
    units = torch.nn.functional.normalize(patches[0], dim=1)
    return units.reshape(geometry.grid.rows, geometry.grid.cols, -1).cpu().numpy()


def similarity_to(features: np.ndarray, patch: int) -> np.ndarray:
    """Cosine similarity of one patch to all: (rows, cols, C) unit length -> (rows, cols) float32."""
    rows, cols, channels = features.shape
    if not 0 <= patch < rows * cols:
        raise InputError(f"patch must be 0 to {rows * cols - 1}, but got {patch}")
    return features @ features.reshape(-1, channels)[patch]
