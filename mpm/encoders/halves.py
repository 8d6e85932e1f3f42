"""The two halves of timm's blocks, for what merges between them: attention, then the MLP."""

from __future__ import annotations

from timm.models.eva import EvaBlock
from timm.models.vision_transformer import Block
from torch import Tensor, nn


def has_halves(block: nn.Module) -> bool:
    """Whether a block runs attention and MLP in turn, each added to the stream behind a norm of its own."""
    return type(block) in (Block, EvaBlock)


def attention_half(block: nn.Module, x: Tensor, **how: Tensor) -> Tensor:
    """(B, N, C) -> (B, N, C). how: what the block's attention takes besides (attn_mask, rope)."""
    if isinstance(block, EvaBlock):
        added = block.attn(block.norm1(x), **how)
        return x + block.drop_path1(added if block.gamma_1 is None else block.gamma_1 * added)
    assert isinstance(block, Block)
    return x + block.drop_path1(block.ls1(block.attn(block.norm1(x), **how)))


def mlp_half(block: nn.Module, x: Tensor) -> Tensor:
    """(B, N, C) -> (B, N, C)."""
    if isinstance(block, EvaBlock):
        added = block.mlp(block.norm2(x))
        return x + block.drop_path2(added if block.gamma_2 is None else block.gamma_2 * added)
    assert isinstance(block, Block)
    return x + block.drop_path2(block.ls2(block.mlp(block.norm2(x))))
