"""The segmenter: preprocess -> embed -> [merge?] block ... -> reconstruct -> decode -> upsample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mpm.clock import Clock, PartClock, Timing
from mpm.encoders.varlen import run_grouped
from mpm.encoders.vit import TokenState, embed, restore_grid, run_blocks, runs_alone, traces, whole_map
from mpm.errors import InputError
from mpm.merging.grid import Grid
from mpm.merging.pairing import Merger, mutual_pairs
from mpm.merging.schedule import PAPER, Schedule
from mpm.merging.trace import MergeTrace
from mpm.segmenters.build import build_decoder, build_encoder
from mpm.segmenters.config import SegmenterConfig
from mpm.segmenters.geometry import Geometry, plan_geometry
from mpm.segmenters.preprocess import as_rgb, to_pixels
from mpm.segmenters.upsample import upsample_labels

MAX_PATCHES = 8192
"""Images that would take more patches than this are scaled down."""


@dataclass(frozen=True, eq=False)
class SegmentationRun:
    """One image through one schedule.

    labels  (H, W) integers, the image's own size
    logits  (classes, rows, cols) float32 on CPU, on the patch grid
    notes   sentences for the person, e.g. that the image was scaled down
    """

    labels: np.ndarray
    logits: np.ndarray
    schedule: Schedule
    trace: MergeTrace
    geometry: Geometry
    timing: Timing
    notes: tuple[str, ...] = ()

    @property
    def grid(self) -> Grid:
        return self.geometry.grid


class Segmenter(nn.Module):
    """A timm ViT and a decoder, with merges between the blocks. New segmenters have random weights."""

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = build_encoder(config.encoder)
        self.decoder = build_decoder(config, self.encoder.embed_dim)

    @property
    def class_names(self) -> list[str]:
        return list(self.config.labels.class_names)

    @property
    def palette(self) -> np.ndarray:
        """(classes, 3) uint8 RGB."""
        return self.config.labels.palette.copy()

    @property
    def patch_px(self) -> int:
        return self.encoder.patch_embed.patch_size[0]

    @property
    def depth(self) -> int:
        """Number of encoder blocks."""
        return len(self.encoder.blocks)

    @property
    def device(self) -> torch.device:
        return self.encoder.patch_embed.proj.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.encoder.patch_embed.proj.weight.dtype

    def forward(
        self,
        pixels: Tensor,
        schedule: Any = "none",
        merger: Merger = mutual_pairs,
        decode_merged: bool = False,
    ) -> Tensor:
        """(B, 3, H, W) normalised -> logits (B, classes, ceil(H / patch), ceil(W / patch)); differentiable.

        An image's logits are the same alone and in any batch. decode_merged=True decodes the merged tokens
        and restores the grid after: faster, and not quite the same. Raises InputError for a bad schedule.
        """
        schedule = Schedule.parse(schedule)
        pixels = self._pad(pixels)
        parts = pixels.split(1) if runs_alone(pixels, schedule) else (pixels,)
        logits = [self._forward(part, schedule, merger, None, decode_merged)[0] for part in parts]
        return torch.cat(logits) if len(logits) > 1 else logits[0]

    @torch.inference_mode()
    def logits(
        self,
        pixels: Tensor,
        schedule: Any = "none",
        merger: Merger = mutual_pairs,
        decode_merged: bool = False,
    ) -> Tensor:
        """As calling the segmenter, but without a graph for gradients."""
        return self(pixels, schedule, merger, decode_merged)

    @torch.inference_mode()
    def segment(
        self,
        image: Any,
        schedule: Any = PAPER,
        resolution: int | None = None,
        profile: bool = False,
        merger: Merger = mutual_pairs,
        max_patches: int = MAX_PATCHES,
        decode_merged: bool = False,
    ) -> SegmentationRun:
        """Segment one picture of any size: PIL image or (H, W, 3) uint8 RGB.

        The short side is resized to `resolution` pixels (None: the checkpoint's own), aspect kept, never
        more than `max_patches`. profile=True times every part, at the price of waiting for the device
        between them. decode_merged=True decodes the merged tokens and restores the grid after: faster, and
        not quite the same. Raises InputError for a bad image, schedule or resolution.
        """
        schedule = Schedule.parse(schedule).check(self.depth)
        clock = PartClock(self.device) if profile else Clock(self.device)
        with clock.part("preprocess"):
            pixels, geometry = self.preprocess(image, resolution, max_patches)
        logits, state = self._forward(pixels, schedule, merger, clock, decode_merged)
        with clock.part("upsample"):
            labels = upsample_labels(logits, geometry).cpu().numpy()
        timing = clock.stop()
        trace = traces([state], geometry.grid)[0]
        return SegmentationRun(
            labels, logits[0].float().cpu().numpy(), schedule, trace, geometry, timing, notes_on(geometry)
        )

    def preprocess(
        self, image: Any, resolution: int | None = None, max_patches: int = MAX_PATCHES
    ) -> tuple[Tensor, Geometry]:
        """A picture as model input: (1, 3, H, W) normalised on the model's device, H and W whole patches."""
        rgb = as_rgb(image)
        resolution = self.config.resolution if resolution is None else resolution
        if resolution < 1:
            raise InputError(f"resolution must be at least 1 pixel, but got {resolution}")
        geometry = plan_geometry(
            (rgb.shape[1], rgb.shape[0]), resolution, self.patch_px, max_patches, self._pads_both_sides
        )
        pixels = to_pixels(rgb, geometry, self.config.mean, self.config.std)
        return pixels.to(self.device, self.dtype), geometry

    def embed(self, pixels: Tensor) -> Tensor:
        """(B, 3, H, W), H and W whole patches -> embedded tokens (B, P + N, C)."""
        config = self.config.encoder
        return embed(
            self.encoder,
            pixels,
            config.position_interpolation,
            config.position_antialias,
            config.position_offset,
        )

    def decode(self, tokens: Tensor, grid: Grid) -> Tensor:
        """Full-grid tokens after the final norm (B, P + N, C) -> logits (B, classes, rows, cols)."""
        return _on_grid(self.decoder(tokens[:, self.encoder.num_prefix_tokens :]), grid)

    def finish(self, state: TokenState, grid: Grid, clock: Clock, decode_merged: bool = False) -> Tensor:
        """From the last block to logits: the full grid restored, final norm, decoder."""
        if decode_merged and state.maps:
            return self._finish_merged(state, grid, clock)
        with clock.part("reconstruct"):
            tokens = restore_grid(state, self.encoder.num_prefix_tokens)
        with clock.part("decode"):
            return self.decode(self.encoder.norm(tokens), grid)

    def _finish_merged(self, state: TokenState, grid: Grid, clock: Clock) -> Tensor:
        """The same in the other order: final norm, decoder over merged tokens, the grid restored last."""
        with clock.part("decode"):
            patches = self.encoder.norm(state.tokens)[:, self.encoder.num_prefix_tokens :]
            scores = run_grouped(self.decoder, patches, state.counts)
        with clock.part("reconstruct"):
            return _on_grid(whole_map(state).reconstruct(scores), grid)

    def _forward(
        self,
        pixels: Tensor,
        schedule: Schedule,
        merger: Merger,
        clock: Clock | None = None,
        decode_merged: bool = False,
    ) -> tuple[Tensor, TokenState]:
        clock = clock or Clock(pixels.device)
        grid = Grid(pixels.shape[2] // self.patch_px, pixels.shape[3] // self.patch_px, self.patch_px)
        with clock.part("embed"):
            tokens = self.embed(pixels)
        state = run_blocks(self.encoder, tokens, grid, schedule, merger, clock)
        return self.finish(state, grid, clock, decode_merged), state

    def _pad(self, pixels: Tensor) -> Tensor:
        if pixels.ndim != 4 or pixels.shape[1] != 3:
            raise ValueError(f"pixels must be (B, 3, H, W), but got {tuple(pixels.shape)}")
        spare_w, spare_h = -pixels.shape[3] % self.patch_px, -pixels.shape[2] % self.patch_px
        left, top = (spare_w // 2, spare_h // 2) if self._pads_both_sides else (0, 0)
        padding = (left, spare_w - left, top, spare_h - top)
        return F.pad(pixels, padding) if any(padding) else pixels

    @property
    def _pads_both_sides(self) -> bool:
        return self.config.padding == "centred"


def start_state(segmenter: Segmenter, pixels: Tensor) -> TokenState:
    """Embedded tokens before the first block: pixels (B, 3, H, W), H and W whole patches."""
    return TokenState.start(segmenter.embed(pixels), segmenter.encoder.num_prefix_tokens)


def _on_grid(scores: Tensor, grid: Grid) -> Tensor:
    """(B, N, classes) -> (B, classes, rows, cols)."""
    return scores.transpose(1, 2).unflatten(2, (grid.rows, grid.cols))


def notes_on(geometry: Geometry) -> tuple[str, ...]:
    """What a person should know about how the picture was fitted."""
    if not geometry.scaled_down:
        return ()
    (width, height), grid = geometry.content_wh_px, geometry.grid
    return (
        f"This image was scaled down to {width} x {height} pixels, {grid.size} patches, to fit the limit.",
    )
