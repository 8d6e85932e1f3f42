"""timm's plain ViT: absolute positions, one token grid through all blocks. EVA-01 is one, too.

Shapes: B images, P prefix tokens, N patch tokens, M of them left after merging, C channels, H W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.nn.functional as F
from timm.layers.attention import Attention
from timm.models.eva import Eva
from timm.models.vision_transformer import Block, VisionTransformer
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mpm.encoders.base import Encoder, TokenState
from mpm.encoders.halves import attention_half, has_halves, mlp_half
from mpm.encoders.varlen import Packing, can_pack, run_packed
from mpm.merging.grid import Grid

PlainViT = VisionTransformer | Eva
"""Both call their tensors alike; Eva's blocks take a rotary table as well, here none."""


@dataclass(frozen=True)
class PositionResizing:
    """How absolute positions follow another grid, as each format was trained; see `resize_positions`."""

    interpolation: str = "bicubic"
    antialias: bool = True
    offset: float = 0.0


class VitEncoder(Encoder):
    """A timm VisionTransformer, or Eva without rotary embeddings."""

    kind = "plain ViT"
    module: PlainViT

    def __init__(self, module: nn.Module, resizing: PositionResizing | None = None) -> None:
        """resizing: None embeds as timm does, at the sizes that timm takes."""
        super().__init__(module)
        self.resizing = resizing

    @staticmethod
    def fits(module: nn.Module) -> bool:
        return isinstance(module, VisionTransformer | Eva) and getattr(module, "rope", None) is None

    @property
    def depth(self) -> int:
        return len(self.module.blocks)

    def embed(self, pixels: Tensor, grid: Grid | None = None) -> TokenState:
        grid = grid or grid_of(self.module, pixels)
        tokens = self._tokens(pixels)
        return self.start(tokens, grid)

    def start(self, tokens: Tensor, grid: Grid) -> TokenState:
        """The state of embedded tokens (B, P + N, C) before the first block."""
        prefix = self.module.num_prefix_tokens
        return TokenState(tokens, prefix, (tokens.shape[1] - prefix,) * tokens.shape[0], grid)

    def _tokens(self, pixels: Tensor) -> Tensor:
        vit = self.module
        if self.resizing is not None:
            return embed(vit, pixels, self.resizing)
        tokens = vit._pos_embed(vit.patch_embed(pixels))
        if isinstance(vit, Eva):
            return vit.norm_pre(tokens[0])  # Eva gives its rotary embedding along: None, see `fits`
        return vit.norm_pre(vit.patch_drop(tokens))

    def call(self, state: TokenState) -> Tensor:
        return self.run_block(state, **self.attention_arguments(state))

    def attention_arguments(self, state: TokenState) -> dict[str, Tensor]:
        """What the next block's attention is told besides the tokens."""
        return {} if state.log_sizes is None else {"attn_mask": key_bias(state.log_sizes)}

    def run_block(self, state: TokenState, **how: Tensor) -> Tensor:
        """timm's block over the tokens, kept or computed again for gradients as timm was told."""
        block = self.module.blocks[state.block]
        if self.module.grad_checkpointing and torch.is_grad_enabled():
            return checkpoint(partial(block, **how), state.tokens, use_reentrant=False)
        return block(state.tokens, **how)

    def call_attention(self, state: TokenState) -> Tensor:
        block = self.module.blocks[state.block]
        if not has_halves(block):
            raise self._uncut()
        return attention_half(block, state.tokens, **self.attention_arguments(state))

    def call_mlp(self, state: TokenState) -> Tensor:
        return mlp_half(self.module.blocks[state.block], state.tokens)

    def norm(self, tokens: Tensor) -> Tensor:
        return self.module.norm(tokens)

    def step_ragged(self, state: TokenState) -> TokenState:
        block = self.module.blocks[state.block]
        if state.tokens.device.type != "cuda" or state.log_sizes is not None or not can_pack(block):
            return super().step_ragged(state)
        packing = state.packing or Packing.of(state.lengths, state.tokens.shape[1], state.tokens.device)
        tokens = run_packed(block, state.tokens, packing)
        return replace(state, tokens=tokens, block=state.block + 1, packing=packing)

    def keys(self, state: TokenState) -> Tensor:
        block = self.module.blocks[state.block]
        if not isinstance(block, Block) or not isinstance(block.attn, Attention):
            return super().keys(state)
        keys = fused_keys(block.attn.qkv, block.norm1(state.patches))
        return block.attn.k_norm(keys.unflatten(2, (block.attn.num_heads, -1)).transpose(1, 2))


def fused_keys(qkv: nn.Linear, x: Tensor) -> Tensor:
    """Only the keys of a fused projection, its middle third: (B, M, C) -> (B, M, heads * D)."""
    width = qkv.weight.shape[0] // 3
    rows = slice(width, 2 * width)
    return F.linear(x, qkv.weight[rows], None if qkv.bias is None else qkv.bias[rows])


def key_bias(log_sizes: Tensor) -> Tensor:
    """What is added to every row of attention logits: (B, M) -> (B, 1, 1, M)."""
    return log_sizes[:, None, None, :]


def grid_of(vit: PlainViT, pixels: Tensor) -> Grid:
    """The patch grid of pixels (B, 3, H, W), as the ViT's own patch embedding cuts it.

    Raises ValueError for patches that are not square, and for pixels that make no patch.
    """
    height, width = pixels.shape[-2:]
    ratio = vit.patch_embed.feat_ratio(as_scalar=False)
    patch_h, patch_w = ratio if isinstance(ratio, tuple) else (ratio, ratio)
    if patch_h != patch_w:
        raise ValueError(f"Patches must be square, but this ViT has {patch_h} x {patch_w}.")
    rows, cols = vit.patch_embed.dynamic_feat_size((height, width))
    return Grid(rows, cols, patch_h)


def embed(vit: PlainViT, pixels: Tensor, resizing: PositionResizing) -> Tensor:
    """Patches, prefix tokens and resized positions: (B, 3, H, W) -> (B, P + N, C), H, W whole patches."""
    patches = vit.patch_embed.proj(pixels)
    rows, cols = patches.shape[2:]
    patches = vit.patch_embed.norm(patches.flatten(2).transpose(1, 2))
    prefix = prefix_tokens(vit, pixels.shape[0])
    if vit.pos_embed is not None:
        own_prefix = 0 if vit.no_embed_class else vit.num_prefix_tokens
        grid_positions = vit.pos_embed[:, own_prefix:]
        patches = patches + resize_positions(
            grid_positions,
            vit.patch_embed.grid_size,
            (rows, cols),
            resizing.interpolation,
            resizing.antialias,
            resizing.offset,
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


def prefix_tokens(vit: PlainViT, batch: int) -> Tensor:
    """Class, distillation and register tokens as they are learned, without positions: (B, P, C)."""
    parts = [getattr(vit, name, None) for name in ("cls_token", "dist_token", "reg_token")]
    tokens = [part.expand(batch, -1, -1) for part in parts if part is not None]
    return (
        torch.cat(tokens, dim=1) if tokens else vit.patch_embed.proj.weight.new_zeros(batch, 0, vit.embed_dim)
    )
