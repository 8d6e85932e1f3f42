"""Segmentation decoders over encoder tokens: mask transformer and linear.

All take patch tokens (B, N, C) and give logits (B, N, classes), a token at a time in the tokens' order. Where
tokens stand for several patches, log_sizes (B, N) lets attention count them so.

`forward_merged` decodes merged tokens (B, M, C) and gives every patch scores of its own, (B, N, classes):
patches (B, N, C) are the restored ones, spread brings (B, M, C) to (B, N, C).
The mask transformer is that of Strudel et al., "Segmenter: Transformer for Semantic Segmentation",
arXiv 2105.05633; its parameters carry the names of the published checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from mpm.encoders.vit import key_bias

Spread = Callable[[Tensor], Tensor]
"""From merged tokens to patches: (B, M, C) -> (B, N, C)."""


class _TokenByToken(nn.Module):
    """A decoder that looks at one token at a time: merged tokens can tell it nothing."""

    def forward_merged(
        self, merged: Tensor, patches: Tensor, spread: Spread, log_sizes: Tensor | None = None
    ) -> Tensor:
        """The scores of the restored patches themselves."""
        return self(patches, log_sizes)


class LinearDecoder(_TokenByToken):
    """One linear layer from token to class scores."""

    def __init__(self, encoder_width: int, classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(encoder_width, classes)
        _initialise(self)

    def forward(self, tokens: Tensor, log_sizes: Tensor | None = None) -> Tensor:
        """(B, N, C) -> (B, N, classes)."""
        return self.head(tokens)


class BatchNormLinear(_TokenByToken):
    """Batch normalisation of the channels, then one linear layer: DINOv2's published head."""

    def __init__(self, encoder_width: int, classes: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(encoder_width)
        self.head = nn.Linear(encoder_width, classes)
        _initialise(self)

    def forward(self, tokens: Tensor, log_sizes: Tensor | None = None) -> Tensor:
        """(B, N, C) -> (B, N, classes)."""
        return self.head(self.bn(tokens.transpose(1, 2)).transpose(1, 2))


class MaskTransformer(nn.Module):
    """Class embeddings attend together with the patches; a mask is their scalar product with each patch."""

    def __init__(
        self, encoder_width: int, classes: int, layers: int, heads: int, width: int, layer_norm_eps: float
    ) -> None:
        super().__init__()
        norm = partial(nn.LayerNorm, eps=layer_norm_eps)  # timm asks for a class, but only calls it
        self.classes = classes
        self.proj_dec = nn.Linear(encoder_width, width)
        self.cls_emb = nn.Parameter(torch.empty(1, classes, width))
        self.blocks = nn.ModuleList(
            Block(width, heads, mlp_ratio=4, qkv_bias=True, norm_layer=norm)  # type: ignore[arg-type]
            for _ in range(layers)
        )
        self.decoder_norm = norm(width)
        self.proj_patch = nn.Parameter(width**-0.5 * torch.randn(width, width))
        self.proj_classes = nn.Parameter(width**-0.5 * torch.randn(width, width))
        self.mask_norm = norm(classes)
        nn.init.trunc_normal_(self.cls_emb, std=0.02)
        _initialise(self)

    def forward(self, tokens: Tensor, log_sizes: Tensor | None = None) -> Tensor:
        """(B, N, C) -> (B, N, classes)."""
        return self._scores(self._decoded(self.proj_dec(tokens), log_sizes))

    def forward_merged(
        self, merged: Tensor, patches: Tensor, spread: Spread, log_sizes: Tensor | None = None
    ) -> Tensor:
        """The decoder is a residual stream, too: each patch adds what its group gained there to its own."""
        start = self.proj_dec(merged)
        decoded = self._decoded(start, log_sizes)
        own, classes = decoded[:, : -self.classes], decoded[:, -self.classes :]
        restored = self.proj_dec(patches) + spread(own - start)
        return self._scores(torch.cat([restored, classes], dim=1))

    def _decoded(self, x: Tensor, log_sizes: Tensor | None) -> Tensor:
        """The stream of patches (B, N, width), and of class embeddings behind them, after the blocks."""
        x = torch.cat([x, self.cls_emb.expand(x.shape[0], -1, -1)], dim=1)
        # Class embeddings, behind the patches, count once: log(1) = 0.
        bias = None if log_sizes is None else key_bias(F.pad(log_sizes, (0, self.classes)))
        for block in self.blocks:
            x = block(x) if bias is None else block(x, attn_mask=bias)
        return x

    def _scores(self, x: Tensor) -> Tensor:
        """(B, N + classes, width) -> (B, N, classes)."""
        x = self.decoder_norm(x)
        patches = F.normalize(x[:, : -self.classes] @ self.proj_patch, dim=-1)
        classes = F.normalize(x[:, -self.classes :] @ self.proj_classes, dim=-1)
        return self.mask_norm(patches @ classes.transpose(1, 2))


def _initialise(module: nn.Module) -> None:
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
