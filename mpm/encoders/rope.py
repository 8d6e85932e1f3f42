"""timm's ViTs with rotary embeddings: EVA-02, DINOv3, Perception Encoder, RoPE-ViT, mixed tables too.

A rotary table turns queries and keys by where a patch lies, in every block. After a merge each token is
turned as its representative was: the table's rows are gathered by the tokens' positions, as timm itself
gathers them for the tokens that patch dropout keeps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Protocol, cast

from timm.models.eva import Eva, EvaBlock
from torch import Tensor, nn

from mpm.encoders.base import TokenState
from mpm.encoders.vit import VitEncoder, embed, fused_keys, grid_of
from mpm.errors import InputError
from mpm.merging.grid import Grid


class _Rotary(Protocol):
    """What timm's rotary embeddings have in common."""

    def get_embed(self, shape: list[int]) -> Tensor: ...


class _Attention(Protocol):
    """What timm's attention layers with a rotary table have in common: `qkv`, or else `k_proj`."""

    num_heads: int
    qkv: nn.Linear | None
    k_proj: nn.Module
    k_norm: nn.Module


class RopeEncoder(VitEncoder):
    """timm's Eva with a rotary table: (N, D), or (depth, heads, N, D) where every block has its own."""

    kind = "ViT with rotary embeddings"
    timm_arguments: ClassVar[dict[str, Any]] = {"dynamic_img_size": True}
    module: Eva

    @staticmethod
    def fits(module: nn.Module) -> bool:
        return isinstance(module, Eva) and module.rope is not None

    def embed(self, pixels: Tensor, grid: Grid | None = None) -> TokenState:
        grid = grid or grid_of(self.module, pixels)
        vit = self.module
        if self.resizing is None:
            tokens, rotary = vit._pos_embed(vit.patch_embed(pixels))
            return replace(self.start(vit.norm_pre(tokens), grid), rotary=rotary)
        rotary = cast(_Rotary, vit.rope).get_embed(shape=[grid.rows, grid.cols])
        if rotary.shape[-2] != grid.size:
            raise InputError(
                f"this encoder's rotary table is made for {rotary.shape[-2]} patches, but the picture has "
                f"{grid.size}: build it with dynamic_img_size"
            )
        return replace(self.start(embed(vit, pixels, self.resizing), grid), rotary=rotary)

    def attention_arguments(self, state: TokenState) -> dict[str, Tensor]:
        return {"rope": self._table(state), **super().attention_arguments(state)}

    def _table(self, state: TokenState) -> Tensor:
        """The next block's table for the tokens that are left, broadcasting over (B, heads, M, D)."""
        table = state.rotary
        assert table is not None, "every state of this encoder has one: see embed"
        if self.module.rope_mixed:
            table = table[state.block]
        if state.positions is None:
            return table[..., : state.patches.shape[1], :]  # tokens may have been dropped, as `bench` does
        if self.module.rope_mixed:
            return table[:, state.positions].transpose(0, 1)
        return table[state.positions].unsqueeze(1)

    def keys(self, state: TokenState) -> Tensor:
        block = self.module.blocks[state.block]
        attn = cast(_Attention, block.attn)
        x = block.norm1(state.patches) if isinstance(block, EvaBlock) else state.patches
        keys = attn.k_proj(x) if attn.qkv is None else fused_keys(attn.qkv, x)
        # Heads of queries may share a head of keys.
        heads = getattr(attn, "num_kv_heads", attn.num_heads)
        return attn.k_norm(keys.unflatten(2, (heads, -1)).transpose(1, 2))
