"""A plain timm ViT, run block by block with merges between the blocks.

The loop is ours: no class is patched, no hook set, no state kept between calls. Shapes: B images, P prefix
tokens (class, distillation, registers), N patch tokens, M of them left after merging, C channels, H W pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from mpm.clock import Clock
from mpm.encoders.varlen import Packing, can_pack, run_grouped, run_packed
from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap
from mpm.merging.pairing import Merger, mutual_pairs
from mpm.merging.schedule import Schedule
from mpm.merging.trace import TraceBatch, trace_image

PlainViT = VisionTransformer | Eva
"""One token grid through all blocks, each called as block(tokens): Eva only without rotary embeddings."""


@dataclass(frozen=True, eq=False)
class TokenState:
    """Tokens between two blocks: what has merged so far, and what is left.

    tokens     (B, P + M, C), zeros past an image's own count
    counts     patch tokens of each image, on the host
    blocks     where insertions happened so far, and `maps` what each of them did
    positions  (B, M) int64, patch index of each token's representative; None while token t is patch t
    packing    where the images' own tokens lie, once a block needed to know
    """

    tokens: Tensor
    counts: tuple[int, ...]
    blocks: tuple[int, ...] = ()
    maps: tuple[MergeMap, ...] = ()
    positions: Tensor | None = None
    packing: Packing | None = None

    @classmethod
    def start(cls, tokens: Tensor, prefix: int) -> TokenState:
        """Embedded tokens (B, P + N, C) before the first block."""
        return cls(tokens, (tokens.shape[1] - prefix,) * tokens.shape[0])


def run_blocks(
    vit: PlainViT,
    tokens: Tensor,
    grid: Grid,
    schedule: Schedule,
    merger: Merger = mutual_pairs,
    clock: Clock | None = None,
) -> TokenState:
    """All encoder blocks over embedded tokens (B, P + N, C), merging before the blocks of the schedule."""
    schedule.check(len(vit.blocks))
    state = TokenState.start(tokens, vit.num_prefix_tokens)
    for number in range(len(vit.blocks)):
        state = step(vit, state, number, grid, schedule, merger, clock or Clock(tokens.device))
    return state


def step(
    vit: PlainViT,
    state: TokenState,
    number: int,
    grid: Grid,
    schedule: Schedule,
    merger: Merger,
    clock: Clock,
) -> TokenState:
    """Block `number`, with the merge on its input where the schedule says so."""
    if number in schedule:
        state = merge_tokens(state, number, vit.num_prefix_tokens, grid, merger, clock)
    with clock.part("blocks"):
        return run_block(vit.blocks[number], state, vit.num_prefix_tokens)


def merge_tokens(
    state: TokenState, number: int, prefix: int, grid: Grid, merger: Merger, clock: Clock
) -> TokenState:
    """One insertion, on the input of block `number`: patch tokens merge, prefix tokens pass."""
    head, patches = state.tokens[:, :prefix], state.tokens[:, prefix:]
    with clock.part("match"):
        placed = replace(grid, positions=state.positions)
        merge_map = merger(patches.detach(), _counts_tensor(state, patches), placed)
    with clock.part("merge"):
        counts = tuple(merge_map.counts.tolist())  # the one moment at which the host waits for the device
        width = max(counts)
        tokens = torch.cat([head, merge_map.merge(patches, width)], dim=1)
        positions = merge_map.representatives(width)
        if state.positions is not None:
            positions = state.positions.gather(1, positions)
    return TokenState(tokens, counts, (*state.blocks, number), (*state.maps, merge_map), positions)


def run_block(block: nn.Module, state: TokenState, prefix: int) -> TokenState:
    """One block. Images of unequal length run apart, so attention needs no mask and no image sees padding."""
    if len(set(state.counts)) <= 1:
        return replace(state, tokens=block(state.tokens))
    lengths = [prefix + count for count in state.counts]
    if state.tokens.device.type == "cuda" and can_pack(block):
        packing = state.packing or Packing.of(lengths, state.tokens.shape[1], state.tokens.device)
        return replace(state, tokens=run_packed(block, state.tokens, packing), packing=packing)
    return replace(state, tokens=run_grouped(block, state.tokens, lengths))


def restore_grid(state: TokenState, prefix: int) -> Tensor:
    """One gather back to the full grid: (B, P + M, C) -> (B, P + N, C)."""
    if not state.maps:
        return state.tokens
    patches = whole_map(state).reconstruct(state.tokens[:, prefix:])
    return torch.cat([state.tokens[:, :prefix], patches], dim=1)


def whole_map(state: TokenState) -> MergeMap:
    """From patches to the tokens left after all insertions so far, of which there is at least one."""
    return reduce(MergeMap.compose, state.maps)


def traces(states: Iterable[TokenState], grid: Grid) -> TraceBatch:
    """The record of each image."""
    return TraceBatch(
        trace_image(grid, state.blocks, state.maps, image)
        for state in states
        for image in range(len(state.counts))
    )


def runs_alone(tokens: Tensor, schedule: Schedule) -> bool:
    """Whether the images of a batch take turns.

    On CPU a matrix product over more rows may round differently, and a changed bit may change a match: only
    apart is an image's result the same alone and in any batch. Nothing is lost, as there is no launch cost
    to share there. Without merges nothing depends on rounding, and the batch stays whole.
    """
    return tokens.shape[0] > 1 and len(schedule) > 0 and tokens.device.type == "cpu"


def embed(
    vit: PlainViT, pixels: Tensor, interpolation: str, antialias: bool, position_offset: float = 0.0
) -> Tensor:
    """Patches, prefix tokens and resized positions: (B, 3, H, W) -> (B, P + N, C), H, W whole patches."""
    patches = vit.patch_embed.proj(pixels)
    rows, cols = patches.shape[2:]
    patches = vit.patch_embed.norm(patches.flatten(2).transpose(1, 2))
    prefix = _prefix_tokens(vit, pixels.shape[0])
    if vit.pos_embed is not None:
        own_prefix = 0 if vit.no_embed_class else vit.num_prefix_tokens
        grid_positions = vit.pos_embed[:, own_prefix:]
        patches = patches + resize_positions(
            grid_positions, vit.patch_embed.grid_size, (rows, cols), interpolation, antialias, position_offset
        )
        if own_prefix:
            prefix = prefix + vit.pos_embed[:, :own_prefix]
    return vit.norm_pre(vit.pos_drop(torch.cat([prefix, patches], dim=1)))


def resize_positions(
    positions: Tensor,
    old: tuple[int, int],
    new: tuple[int, int],
    interpolation: str,
    antialias: bool,
    offset: float = 0.0,
) -> Tensor:
    """Position embedding of another patch grid: (1, R_old * K_old, C) -> (1, R_new * K_new, C).

    With an offset, the scale is (R_new + offset) / R_old, and likewise along K, as DINOv2 was trained.
    """
    if tuple(old) == tuple(new):
        return positions
    plane = positions.float().reshape(1, *old, -1).permute(0, 3, 1, 2)
    scale = tuple((to + offset) / side for to, side in zip(new, old, strict=True)) if offset else None
    size = None if offset else new
    plane = F.interpolate(plane, size, scale, interpolation, align_corners=False, antialias=antialias)
    return plane.flatten(2).transpose(1, 2).to(positions.dtype)


def _prefix_tokens(vit: PlainViT, batch: int) -> Tensor:
    parts = [getattr(vit, name, None) for name in ("cls_token", "dist_token", "reg_token")]
    tokens = [part.expand(batch, -1, -1) for part in parts if part is not None]
    return torch.cat(tokens, dim=1) if tokens else vit.pos_embed.new_zeros(batch, 0, vit.embed_dim)


def _counts_tensor(state: TokenState, tokens: Tensor) -> Tensor | None:
    if all(count == tokens.shape[1] for count in state.counts):
        return None
    return torch.tensor(state.counts, device=tokens.device)


class MergingViT(nn.Module):
    """A timm ViT that merges tokens: `forward` and `forward_features` as timm's, at any schedule.

    It shares the weights of the ViT it was made from, which is not changed in any way.
    """

    def __init__(self, vit: PlainViT, schedule: Schedule, merger: Merger = mutual_pairs) -> None:
        super().__init__()
        self.vit = vit
        self.schedule = schedule.check(len(vit.blocks))
        self.merger = merger
        self.training = vit.training

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> what the plain ViT returns."""
        return self.vit.forward_head(self.forward_features(x))

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, P + N, C), the full grid restored, after the final norm."""
        return self._finish(self._states(x)[0])

    def forward_with_trace(self, x: Tensor) -> tuple[Tensor, TraceBatch]:
        """As forward_features, with the record of every merge: one MergeTrace an image."""
        states, grid = self._states(x)
        return self._finish(states), traces(states, grid)

    def _states(self, x: Tensor) -> tuple[list[TokenState], Grid]:
        parts = x.split(1) if runs_alone(x, self.schedule) else (x,)
        grid = self._grid(x)
        return [
            run_blocks(self.vit, self._embed(part), grid, self.schedule, self.merger) for part in parts
        ], grid

    def _embed(self, x: Tensor) -> Tensor:
        tokens = self.vit._pos_embed(self.vit.patch_embed(x))
        if isinstance(self.vit, Eva):
            return self.vit.norm_pre(tokens[0])  # Eva gives its rotary embedding along: None, see `misfit`
        return self.vit.norm_pre(self.vit.patch_drop(tokens))

    def _finish(self, states: list[TokenState]) -> Tensor:
        restored = [restore_grid(state, self.vit.num_prefix_tokens) for state in states]
        return self.vit.norm(torch.cat(restored) if len(restored) > 1 else restored[0])

    def _grid(self, x: Tensor) -> Grid:
        patch_h, patch_w = self.vit.patch_embed.patch_size
        if patch_h != patch_w:
            raise ValueError(f"patches must be square, but this ViT has {patch_h} x {patch_w}")
        height, width = x.shape[-2:]
        return Grid(math.ceil(height / patch_h), math.ceil(width / patch_w), patch_h)


def misfit(model: nn.Module) -> str:
    """What keeps the loop from running a model, in words for "..., but got "; empty where nothing does."""
    kind = type(model).__name__
    if not isinstance(model, PlainViT):
        return kind
    if getattr(model, "rope", None) is not None:
        return f"{kind} with rotary position embeddings, of which a merged token would need two"
    return ""


def apply(timm_vit: PlainViT, schedule: Any, merger: Merger = mutual_pairs) -> MergingViT:
    """Mutual pair merging for a plain timm ViT. The result shares its weights; the argument is untouched.

    schedule: anything `Schedule.parse` reads. Raises TypeError for models that are no plain timm
    VisionTransformer (or Eva without rotary embeddings), ValueError where tokens are dropped in training,
    InputError for a bad schedule.
    """
    if problem := misfit(timm_vit):
        raise TypeError(
            "mpm.apply needs a plain timm VisionTransformer (one token grid through all blocks), but got "
            f"{problem}"
        )
    if getattr(timm_vit.patch_drop, "prob", 0):
        raise ValueError(
            "mpm.apply needs a ViT without patch dropout: a dropped patch has no place in the grid"
        )
    return MergingViT(timm_vit, Schedule.parse(schedule), merger)
