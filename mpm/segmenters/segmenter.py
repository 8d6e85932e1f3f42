"""The segmenter: preprocess -> embed -> [merge?] block ... -> reconstruct -> decode -> upsample."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mpm.clock import Clock, PartClock
from mpm.encoders.base import Encoder, TokenState
from mpm.encoders.pick import pick_encoder
from mpm.errors import InputError
from mpm.merging.costs import Costs
from mpm.merging.grid import Grid
from mpm.merging.named import ModelShape, name_in
from mpm.merging.recipe import Recipe
from mpm.merging.rule_call import Merger
from mpm.merging.schedule import PAPER
from mpm.runtimes.choice import check_names, open_runtime
from mpm.runtimes.runtime import runtime_text
from mpm.segmenters.build import build_decoder, build_encoder, position_resizing
from mpm.segmenters.config import SegmenterConfig
from mpm.segmenters.costs import measure_costs
from mpm.segmenters.geometry import Geometry, plan_geometry
from mpm.segmenters.heads.grid_head import GridHead
from mpm.segmenters.input_ranges import input_ranges
from mpm.segmenters.placed import Placed, place
from mpm.segmenters.preprocess import as_rgb, pad_to_patches, to_pixels
from mpm.segmenters.run import Outcome, read, run
from mpm.segmenters.scores import Scores
from mpm.segmenters.segmentation_run import SegmentationRun, make_run

MAX_PATCHES = 8192
"""Images that would take more patches than this are scaled down."""


class Segmenter(nn.Module):
    """A timm ViT and a decoder, with merges between the blocks. New segmenters have random weights.

    >>> import mpm
    >>> segmenter = mpm.load_segmenter("streets-vit-tiny")
    >>> segmenter.depth, segmenter.patch_px, segmenter.class_names[3]
    (12, 16, 'road')
    """

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = build_encoder(config.encoder)
        self.decoder = build_decoder(config, self.encoder.embed_dim)
        self._costs: dict[tuple[str, str, int], Costs] = {}
        self._placed = Placed()

    @property
    def class_names(self) -> list[str]:
        """In label order: pixels of class k have the label k."""
        return list(self.config.labels.class_names)

    @property
    def palette(self) -> np.ndarray:
        """(classes, 3) uint8 RGB."""
        return self.config.labels.palette.copy()

    @property
    def patch_px(self) -> int:
        """Side of a patch, in pixels of the model's input."""
        return self.encoder.patch_embed.patch_size[0]

    @property
    def depth(self) -> int:
        """Number of encoder blocks."""
        return len(self.encoder.blocks)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.encoder.patch_embed.proj.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights."""
        return self.encoder.patch_embed.proj.weight.dtype

    @property
    def runner(self) -> Encoder:
        """What runs the encoder block by block. It holds no weights of its own."""
        runner = pick_encoder(self.encoder, position_resizing(self.config.encoder))
        if isinstance(self.decoder, GridHead):
            runner = self.decoder.joining(runner)
            runner.taps = self.decoder.taps
            runner.takes_turns = not self.training  # convolutions over a batch round otherwise, too
        runner.costs = self.costs
        if self._runs_elsewhere:
            runner.elsewhere = self._placed.run_block
        return runner

    @property
    def head(self) -> nn.Module:
        """What reads the encoder's tokens: the decoder, or what runs its blocks in a runtime."""
        return self._placed.head if self._runs_elsewhere and self._placed.head else self.decoder

    @property
    def runtime(self) -> str:
        """What runs the blocks, and its number format where that is not float32: "openvino bfloat16"."""
        kind = str(self.dtype).removeprefix("torch.")
        return self._placed.name or runtime_text("torch", kind)

    @property
    def runtime_note(self) -> str:
        """Why PyTorch runs the blocks although another runtime was asked for; empty where nothing is."""
        return self._placed.note

    @property
    def _runs_elsewhere(self) -> bool:
        """Graphs are for inference, and for tensors as the CPU has them."""
        fits = self.device.type == "cpu" and self.dtype == torch.float32
        return bool(self._placed.blocks) and fits and not self.training

    def with_runtime(
        self, name: str, number_format: str | None = None, pictures: Iterable[Any] | None = None
    ) -> Segmenter:
        """The same model run by "torch", "onnxruntime" or "openvino", in a number format; see `mpm.runtimes`.

        number_format: None is float32, with torch the type that the weights have. pictures: OpenVINO's int8
        rounds by what it saw on these; None: on a few synthetic streets. The weights are shared, as they are
        now; only torch in another type has a copy. A model whose blocks make no graphs goes on in torch, and
        `runtime_note` says so. Raises InputError for a runtime that is not installed, a number format that
        it, or this machine, lacks, and for a model that is not float32 on the CPU.
        """
        check_names(name, number_format or "float32")
        twin = copy.copy(self)
        twin._costs, twin._placed = {}, Placed()
        if name == "torch":
            dtype = getattr(torch, number_format) if number_format else self.dtype
            return twin if dtype == self.dtype else copy.deepcopy(twin).to(dtype)
        runtime = open_runtime(name, number_format or "float32", torch.get_num_threads())
        if self.device.type != "cpu" or self.dtype != torch.float32:
            given = f"{self.dtype} on {self.device}".removeprefix("torch.")
            raise InputError(f"{name} takes a float32 model on the CPU, but this is {given}")
        ranges = input_ranges(twin, pictures) if runtime.needs_ranges else None
        twin._placed = place(runtime, self.encoder.blocks, self.decoder, ranges)
        return twin

    def costs(self) -> Costs:
        """What the parts take on this device with these threads: measured once, when first asked for."""
        setting = (str(self.device), str(self.dtype), torch.get_num_threads())
        if setting not in self._costs:
            self._costs[setting] = measure_costs(self)
        return self._costs[setting]

    @property
    def shape(self) -> ModelShape:
        """What the names of recipes are spelled out by."""
        return ModelShape(self.depth, self.encoder.embed_dim, self.config.recipes, self.config.changed)

    def parse_recipe(self, text: Any) -> Recipe:
        """A recipe of this model, as `read_recipe` gives it, but nothing is measured for it."""
        recipe = Recipe.parse(text, self.shape).check(self.depth)
        if isinstance(text, str) and name_in(text):
            recipe = self.fitted(recipe)  # the name stands for what fits the model
        if not recipe.decode_merged or not self.needs_grid:
            return recipe
        raise InputError(
            f"Recipe {recipe} decodes merged tokens, but this model's head needs the full grid: leave out "
            "decode-merged"
        )

    def fitted(self, recipe: Recipe) -> Recipe:
        """The recipe itself, or without merged decoding where the head needs the full grid."""
        return replace(recipe, decode_merged=recipe.decode_merged and not self.needs_grid)

    def read_recipe(self, schedule: Any, merger: Merger | None = None, decode_merged: bool = False) -> Recipe:
        """The recipe of a run's arguments, names such as "fast" spelled out for this model.

        Raises InputError for a bad text, and for blocks that the encoder does not have.
        """
        recipe = self.parse_recipe(schedule).with_merger(merger)
        if recipe.looks_ahead:
            self.costs()  # measured before a run is on the clock
        return self.parse_recipe(replace(recipe, decode_merged=True)) if decode_merged else recipe

    def run(
        self, start: Tensor | TokenState, recipe: Recipe, clock: Clock | None = None, **how: Any
    ) -> Outcome:
        """The one run, from pixels or from a state: see `mpm.segmenters.run.run`."""
        return run(self.runner, self.head, start, recipe, clock, **how)

    def forward(
        self,
        pixels: Tensor,
        schedule: Any = "none",
        merger: Merger | None = None,
        decode_merged: bool = False,
    ) -> Tensor:
        """(B, 3, H, W) normalised -> logits (B, classes, ceil(H / patch), ceil(W / patch)); differentiable.

        schedule: a recipe, a schedule or its text. An image's logits are the same alone and in any batch.
        merger: a rule of the caller's own in place of the paper's. decode_merged=True is the recipe's option.
        Raises InputError for a bad recipe, or one with an input size: pixels have their own.
        """
        recipe = self.read_recipe(schedule, merger, decode_merged)
        if recipe.resolution_px is not None:
            raise InputError(f"Recipe {str(recipe)!r} has an input size: give a picture, not pixels")
        padded = pad_to_patches(pixels, self.patch_px, both_sides=self.config.padding == "centred")
        return self.run(padded, recipe).logits

    @torch.inference_mode()
    def logits(
        self,
        pixels: Tensor,
        schedule: Any = "none",
        merger: Merger | None = None,
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
        merger: Merger | None = None,
        max_patches: int = MAX_PATCHES,
        decode_merged: bool = False,
    ) -> SegmentationRun:
        """Segment one picture of any size: PIL image or (H, W, 3) uint8 RGB.

        schedule    a recipe, a schedule or its text; merger and decode_merged are as for `forward`
        resolution  short side at the model's input in pixels, aspect kept, unless the recipe names one; None:
                    the checkpoint's own. Never more than `max_patches`
        profile     times every part, at the price of waiting for the device between them

        Raises InputError for a bad image, recipe or resolution.

        >>> import mpm
        >>> from mpm.streets import render_street
        >>> segmenter = mpm.load_segmenter("streets-vit-tiny")
        >>> segmenter.segment(render_street(7).image, "2,5", resolution=96).labels.shape
        (360, 480)
        """
        recipe = self.read_recipe(schedule, merger, decode_merged)
        clock = PartClock(self.device) if profile else Clock(self.device)
        with clock.part("preprocess"):
            pixels, geometry = self.preprocess(image, recipe.resolution_px or resolution, max_patches)
        found = self.run(pixels, recipe, clock, grid=geometry.grid)
        with clock.part("upsample"):
            mask = found.scores.mask(geometry)
        return make_run(recipe, found, mask, geometry, clock.stop())

    def preprocess(
        self, image: Any, resolution: int | None = None, max_patches: int = MAX_PATCHES
    ) -> tuple[Tensor, Geometry]:
        """A picture as model input: (1, 3, H, W) normalised on the model's device, H and W whole patches."""
        rgb, config = as_rgb(image), self.config
        geometry = self.plan((rgb.shape[1], rgb.shape[0]), resolution, max_patches)
        pixels = to_pixels(rgb, geometry, config.mean, config.std, config.resampling, self.pads_to_square)
        return pixels.to(self.device, self.dtype), geometry

    def plan(
        self, image_wh_px: tuple[int, int], resolution: int | None = None, max_patches: int = MAX_PATCHES
    ) -> Geometry:
        """How a picture of that size is cut into patches. Raises InputError for a bad resolution."""
        resolution = self.config.resolution if resolution is None else resolution
        if resolution < 1:
            raise InputError(f"Resolution must be at least 1 pixel, but got {resolution}")
        return plan_geometry(
            image_wh_px,
            resolution,
            self.patch_px,
            max_patches,
            centred=self.config.padding == "centred",
            square=self.pads_to_square,
        )

    def decode(self, tokens: Tensor, grid: Grid) -> Tensor:
        """Full-grid tokens after the final norm (B, P + N, C) -> logits (B, classes, rows, cols)."""
        return read(self.head, tokens, grid).logits

    def read_finished(self, state: TokenState) -> Scores:
        """The head's part alone: scores of a state on the full grid, see `mpm.encoders.run.as_finished`."""
        return read(self.head, self.runner.norm(state.tokens), state.grid, state.taps)

    @property
    def needs_grid(self) -> bool:
        """Whether the head looks at patches side by side, so that it cannot decode merged tokens."""
        return isinstance(self.decoder, GridHead)

    @property
    def pads_to_square(self) -> bool:
        """Whether pictures are fitted into a square, with black beside or below them."""
        return self.config.padding == "square"
