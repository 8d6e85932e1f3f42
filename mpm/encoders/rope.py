"""timm's ViTs with rotary embeddings: EVA-02, DINOv3, Perception Encoder, RoPE-ViT, mixed tables too.

A rotary table turns queries and keys by where a patch lies, in every block. A merged token is turned as at
the mean of its patches where that lies within one of them, else as its representative was, which is how timm
itself treats the tokens that patch dropout keeps. Measured on a RoPE-ViT of six blocks trained on synthetic
streets (60.7 % mIoU; without its table 18.9 %), 64 held-out streets, in points over the representative:

                                  1,3               0,2,4             regions@0         regions(0.9,16)@0
    agreement with unmerged masks
      mean                        -0.15 ± 0.17      +0.03 ± 0.24      +0.54 ± 0.15      +1.10 ± 0.43
      mean if inside              +0.41 ± 0.11      +0.49 ± 0.18      +0.54 ± 0.15      +1.14 ± 0.44
    mIoU
      mean                        -0.10 ± 0.38      -0.01 ± 0.54      +0.29 ± 0.40      +0.99 ± 0.63
      mean if inside              +0.20 ± 0.24      +0.29 ± 0.37      +0.29 ± 0.40      +1.01 ± 0.63

(± half of a 95 % bootstrap interval.) The mean of a pair that lies far apart is a place of neither; 5 % of
the merged tokens of 1,3 have theirs 6 patches away or more. The third way was thought of after the first two
were measured; 48 other streets agree with it (+0.48, +0.44, +0.48, +1.26). So do 64 photographs, which the
model never saw the like of (30.5 % mIoU): agreement +0.42, +0.36, +0.57, +1.10, all intervals above 0; mIoU
-0.06, -0.08, -0.26, -0.64, the last with an interval of -1.33 to -0.00. With DINOv3's table (52.0 % mIoU, 48
streets): agreement +0.16, +0.20, +0.31, +1.26, all above 0; mIoU -0.16 ± 0.13, +0.00, +0.30, +1.40. By

    python tests/checks/measure_rotary.py --camvid DIR
    python tests/checks/measure_rotary.py --model dinov3 --steps 600 --streets 48
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, cast

from timm.models.eva import Eva, EvaBlock
from torch import Tensor, nn

from mpm.encoders.base import TokenState
from mpm.encoders.rotary import moved, offsets, steps
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


@dataclass(frozen=True, eq=False)
class RotaryState(TokenState):
    """A state whose tokens have rows of their own in the rotary table.

    rows    (B, 1 or heads, M, 2 D) sines and cosines; None until tokens merge
    key     what they were made for: the number of insertions, and the block where each has its own table
    """

    rows: Tensor | None = None
    key: tuple[int, int] = (0, 0)

    def select(self, members: Sequence[int], length: int) -> TokenState:
        """Some images of one length, prefix included."""
        chosen = cast(RotaryState, super().select(members, length))
        rows = self.rows
        return replace(chosen, rows=None if rows is None else rows[list(members), :, : length - self.prefix])


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
                f"This encoder's rotary table is made for {rotary.shape[-2]} patches, but the picture has "
                f"{grid.size}: build it with dynamic_img_size"
            )
        return replace(self.start(embed(vit, pixels, self.resizing), grid), rotary=rotary)

    def start(self, tokens: Tensor, grid: Grid) -> TokenState:
        return RotaryState(**vars(super().start(tokens, grid)))

    def step(self, state: TokenState) -> TokenState:
        return super().step(self._placed(state))

    def attend(self, state: TokenState) -> TokenState:
        return super().attend(self._placed(state))

    def attention_arguments(self, state: TokenState) -> dict[str, Tensor]:
        assert isinstance(state, RotaryState), "every state of this encoder is one: see start"
        rows = state.rows
        if rows is None:
            rows = self._table(state)[..., : state.patches.shape[1], :]  # tokens may have been dropped
        return {"rope": rows, **super().attention_arguments(state)}

    def _table(self, state: TokenState) -> Tensor:
        """The next block's table of all patches: (N, 2 D), or (heads, N, 2 D) where each has its own."""
        assert state.rotary is not None, "every state of this encoder has one: see embed"
        return state.rotary[state.block] if self.module.rope_mixed else state.rotary

    def _placed(self, state: TokenState) -> TokenState:
        """The state with the rows that its tokens have in the next block, made once where blocks share."""
        assert isinstance(state, RotaryState)
        key = len(state.maps), state.block if self.module.rope_mixed else 0
        if state.positions is None or (state.rows is not None and state.key == key):
            return state
        table, positions = self._table(state), state.positions
        own = table[:, positions].transpose(0, 1) if self.module.rope_mixed else table[positions].unsqueeze(1)
        rows = moved(own, self._away(state, positions).unsqueeze(1), steps(table, state.grid))
        return replace(state, rows=rows, key=key)

    def _away(self, state: TokenState, positions: Tensor) -> Tensor:
        """(B, M, 2): how far from its representative a token stands, in rows and columns."""
        return offsets(state.grid, state.whole_map(), positions)

    def keys(self, state: TokenState) -> Tensor:
        block = self.module.blocks[state.block]
        attn = cast(_Attention, block.attn)
        x = block.norm1(state.patches) if isinstance(block, EvaBlock) else state.patches
        keys = attn.k_proj(x) if attn.qkv is None else fused_keys(attn.qkv, x)
        # Heads of queries may share a head of keys.
        heads = getattr(attn, "num_kv_heads", attn.num_heads)
        return attn.k_norm(keys.unflatten(2, (heads, -1)).transpose(1, 2))
