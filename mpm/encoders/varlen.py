"""Sequences of unequal length through a block without padding or masks.

Packed: real tokens of all images in one row (T, C), T = their number, attention told where each image ends.
Everything in a block but attention looks at one token at a time, so it needs no telling. On CUDA that is one
launch a layer whatever the lengths, in kernels of PyTorch's own: `varlen_attn` (FlashAttention; torch 2.10
and later, 16-bit, Ampere and later), else a nested tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

import torch
import torch.nn.functional as F
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block
from torch import Tensor, nn

try:
    from torch.nn.attention.varlen import varlen_attn
except ImportError:  # torch before 2.10
    varlen_attn = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class Packing:
    """Where the images lie in a row of packed tokens.

    rows     (T,) int64: packed token -> its row in the padded batch (B * M)
    ends     (B + 1,) int32: start of each image, and the end
    lengths  tokens of each image, on the host
    """

    rows: Tensor
    ends: Tensor
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, lengths: Sequence[int], width: int, device: torch.device) -> Packing:
        """For a batch padded to `width` tokens an image."""
        real = torch.arange(width) < torch.tensor(lengths).unsqueeze(1)
        ends = torch.tensor([0, *lengths]).cumsum(0).to(torch.int32)
        return cls(real.flatten().nonzero().flatten().to(device), ends.to(device), tuple(lengths))

    def pack(self, tokens: Tensor) -> Tensor:
        """(B, M, C) -> (T, C)."""
        return tokens.flatten(0, 1).index_select(0, self.rows)

    def unpack(self, packed: Tensor, width: int) -> Tensor:
        """(T, C) -> (B, M, C), zeros past an image's own length."""
        flat = packed.new_zeros(len(self.lengths) * width, packed.shape[1])
        return flat.index_copy(0, self.rows, packed).unflatten(0, (-1, width))


def can_pack(block: nn.Module) -> TypeGuard[Block]:
    """Whether a block is timm's plain one with fused attention, as in `run_packed`, and drops none of it."""
    attn = block.attn if type(block) is Block else None
    return type(attn) is Attention and attn.fused_attn and not (block.training and attn.attn_drop.p)


def run_packed(block: Block, tokens: Tensor, packing: Packing) -> Tensor:
    """One block over images of unequal length: (B, M, C) -> (B, M, C), zeros past an image's own length."""
    attn = block.attn
    assert isinstance(attn, Attention)
    x = packing.pack(tokens)
    x = x + _one_by_one(block.drop_path1, block.ls1(_attention(attn, block.norm1(x), packing)), packing)
    x = x + _one_by_one(block.drop_path2, block.ls2(block.mlp(block.norm2(x))), packing)
    return packing.unpack(x, tokens.shape[1])


def by_length(lengths: Sequence[int], width: int, run: Callable[[list[int], int], Tensor]) -> Tensor:
    """Images of equal length together, others apart: (B, width, C), zeros past an image's own length.

    run: images, their length -> (images, length, C).
    """
    outcomes: dict[int, Tensor] = {}
    for length in sorted(set(lengths)):
        members = [image for image, own in enumerate(lengths) if own == length]
        outcomes.update(zip(members, run(members, length), strict=True))
    return torch.stack([F.pad(outcomes[image], (0, 0, 0, width - own)) for image, own in enumerate(lengths)])


def _attention(attn: Attention, x: Tensor, packing: Packing) -> Tensor:
    """timm's Attention over packed tokens: (T, C) -> (T, C)."""
    q, k, v = attn.qkv(x).unflatten(1, (3, attn.num_heads, -1)).unbind(1)
    q, k = attn.q_norm(q), attn.k_norm(k)
    mixed = packed_attention(q, k, v.to(q.dtype), packing).flatten(1)
    mixed = attn.norm(mixed)
    gate = getattr(attn, "gate", None)
    if gate is not None:
        mixed = mixed * gate(x).sigmoid()
    return attn.proj_drop(attn.proj(mixed))


def packed_attention(q: Tensor, k: Tensor, v: Tensor, packing: Packing) -> Tensor:
    """Every token attends to its own image: (T, heads, D) each -> (T, heads, D)."""
    if q.device.type != "cuda":
        return _attention_one_by_one(q, k, v, packing)
    longest = max(packing.lengths)
    if _flash_takes(q):
        mixed = varlen_attn(q, k, v, packing.ends, packing.ends, longest, longest)
        return mixed if isinstance(mixed, Tensor) else mixed[0]  # nothing besides was asked for
    return _attention_nested(q, k, v, packing)


def _flash_takes(q: Tensor) -> bool:
    """Whether FlashAttention is there, takes these tokens, and was not switched off by the caller."""
    return (
        varlen_attn is not None
        and q.dtype in (torch.float16, torch.bfloat16)
        and torch.backends.cuda.flash_sdp_enabled()
        and torch.cuda.get_device_capability(q.device) >= (8, 0)
    )


def _attention_nested(q: Tensor, k: Tensor, v: Tensor, packing: Packing) -> Tensor:
    longest, shortest = max(packing.lengths), min(packing.lengths)
    q, k, v = (
        torch.nested.nested_tensor_from_jagged(
            one.contiguous(), packing.ends.long(), min_seqlen=shortest, max_seqlen=longest
        ).transpose(1, 2)
        for one in (q, k, v)
    )
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).values()


def _attention_one_by_one(q: Tensor, k: Tensor, v: Tensor, packing: Packing) -> Tensor:
    parts = (one.transpose(0, 1).unsqueeze(0).split(list(packing.lengths), 2) for one in (q, k, v))
    mixed = [F.scaled_dot_product_attention(*own) for own in zip(*parts, strict=True)]
    return torch.cat(mixed, 2)[0].transpose(0, 1)


def _one_by_one(drop_path: nn.Module, x: Tensor, packing: Packing) -> Tensor:
    """Stochastic depth drops whole images: packed, each image is a row of its own. (T, C) -> (T, C)."""
    if not drop_path.training or isinstance(drop_path, nn.Identity):
        return x
    return torch.cat([drop_path(one.unsqueeze(0))[0] for one in x.split(list(packing.lengths))])
