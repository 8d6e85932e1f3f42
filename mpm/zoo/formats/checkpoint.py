"""What all published formats share: tensors under our names, and the architecture that their shapes tell."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mpm.errors import InputError
from mpm.segmenters.config import DecoderConfig, SegmenterConfig

PLAIN_VIT = "vit_tiny_patch16_224"
DISTILLED_VIT = "deit_tiny_distilled_patch16_224"
"""timm's plain and distilled ViT; every size that these names stand for is overridden."""

HEAD_WIDTH = 64
"""Channels of an attention head, where a file does not say: so in every published ViT."""

MAX_CLASSES = 10_000
"""Of a published checkpoint; labels are 16-bit numbers."""

HALF = (0.5, 0.5, 0.5)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A configuration and the tensors for it, under the names of our Segmenter's state dict."""

    config: SegmenterConfig
    weights: dict[str, Tensor]


@dataclass(frozen=True)
class VitShapes:
    """Sizes of a ViT.

    width      C, of the encoder
    positions  position embeddings of patches; class and distillation token have their own
    """

    width: int
    depth: int
    patch_px: int
    positions: int
    distilled: bool

    @classmethod
    def of_encoder(cls, weights: dict[str, Tensor]) -> VitShapes:
        """From tensors under our names. Raises InputError where one that tells a size is missing or odd."""
        return VitShapes(**_vit_sizes(weights))

    @property
    def timm_model(self) -> str:
        return DISTILLED_VIT if self.distilled else PLAIN_VIT

    @property
    def side_px(self) -> int:
        """Side of the square image that the positions belong to. Raises InputError where they fill none."""
        side = math.isqrt(max(0, self.positions))
        if side < 1 or side * side != self.positions:
            raise InputError(f"The checkpoint's {self.positions} positions fill no square grid")
        return side * self.patch_px

    def timm_args(self, image_hw_px: Sequence[int], heads: int | None = None, **more: Any) -> dict[str, Any]:
        """Arguments of `timm_model`. Raises InputError where image or heads do not fit the shapes."""
        rows, cols = (side // self.patch_px for side in image_hw_px)
        heads = _heads(self.width) if heads is None else heads
        if heads < 1 or self.width % heads:
            raise InputError(f"{self.width} channels cannot be split among {heads} attention heads")
        if min(rows, cols) < 1 or rows * cols != self.positions:
            raise InputError(
                f"The checkpoint has {self.positions} positions, but an image of {image_hw_px[1]} x "
                f"{image_hw_px[0]} pixels needs {rows * cols}"
            )
        return {
            "img_size": list(image_hw_px),
            "patch_size": self.patch_px,
            "embed_dim": self.width,
            "depth": self.depth,
            "num_heads": heads,
            **more,
        }


@dataclass(frozen=True)
class Architecture(VitShapes):
    """Sizes of a ViT segmenter. decoder: the fields of DecoderConfig that shapes tell."""

    classes: int
    decoder: DecoderConfig

    @classmethod
    def of(cls, weights: dict[str, Tensor]) -> Architecture:
        """From tensors under our names. Raises InputError where one that tells a size is missing or odd."""
        sizes = _vit_sizes(weights)
        decoder, classes = _decoder(weights)
        return cls(**sizes, classes=check_number(classes), decoder=decoder)


def check_number(classes: int) -> int:
    """The number of classes. Raises InputError for one that labels cannot count."""
    if classes > MAX_CLASSES:
        raise InputError(f"The checkpoint has {classes} classes, more than the {MAX_CLASSES} that are read")
    return classes


def rename(weights: dict[str, Tensor], rules: Iterable[tuple[str, str]]) -> dict[str, Tensor]:
    """Tensors under new names: each (pattern, replacement) in turn. InputError where two become one."""
    renamed: dict[str, Tensor] = {}
    for name, value in weights.items():
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        if name in renamed:
            raise InputError(f"The checkpoint has two tensors for {name}")
        renamed[name] = value
    return renamed


def stacked(weights: dict[str, Tensor], names: Sequence[str]) -> Tensor:
    """Several layers as one, which they become: they are taken out. InputError where they are not alike."""
    parts = [weights.get(name) for name in names]
    found = [part for part in parts if part is not None and part.ndim]
    if len({part.shape for part in found}) != 1 or len(found) != len(names):
        raise InputError(f"The checkpoint has no tensors like {names[0]} to go with it")
    for name in names:
        del weights[name]
    return torch.cat(found)


def without(weights: dict[str, Tensor], *names: str) -> dict[str, Tensor]:
    """The tensors but those that a segmenter has no use for, such as a classifier's head."""
    return {name: value for name, value in weights.items() if name not in names}


def flatten_1x1(weight: Tensor) -> Tensor:
    """A 1 x 1 convolution as a linear layer: (K, C, 1, 1) -> (K, C); any other shape is left alone."""
    return weight.flatten(1) if weight.ndim == 4 and weight.shape[2:] == (1, 1) else weight


def _vit_sizes(weights: dict[str, Tensor]) -> dict[str, Any]:
    width, _, patch_px, _ = shape_of(weights, "encoder.patch_embed.proj.weight", 4)
    distilled = "encoder.dist_token" in weights
    return {
        "width": width,
        "depth": _depth(weights, "encoder.blocks", width),
        "patch_px": patch_px,
        "positions": shape_of(weights, "encoder.pos_embed", 3)[1] - 1 - distilled,
        "distilled": distilled,
    }


def _decoder(weights: dict[str, Tensor]) -> tuple[DecoderConfig, int]:
    """The decoder's configuration, and its number of classes."""
    if "decoder.head.weight" in weights:
        kind = "batchnorm_linear" if "decoder.bn.weight" in weights else "linear"
        return DecoderConfig(kind), shape_of(weights, "decoder.head.weight", 2)[0]
    _, classes, width = shape_of(weights, "decoder.cls_emb", 3)
    layers = _depth(weights, "decoder.blocks", width)
    return DecoderConfig("mask_transformer", layers, _heads(width), width), classes


def _depth(weights: dict[str, Tensor], blocks: str, width: int) -> int:
    """Blocks that are there. Each must hold its largest tensor, so that a small file builds no huge model."""
    depth = 0
    while f"{blocks}.{depth}.attn.qkv.weight" in weights:
        if weights[f"{blocks}.{depth}.attn.qkv.weight"].shape != (3 * width, width):
            raise InputError(f"The checkpoint has an odd shape for {blocks}.{depth}.attn.qkv.weight")
        depth += 1
    return depth


def _heads(width: int) -> int:
    if width < HEAD_WIDTH or width % HEAD_WIDTH:
        raise InputError(f"A published ViT is a multiple of {HEAD_WIDTH} channels wide, but got {width}")
    return width // HEAD_WIDTH


def shape_of(weights: dict[str, Tensor], name: str, dimensions: int) -> tuple[int, ...]:
    """Of a tensor. Raises InputError where it is missing, empty, or has another number of dimensions."""
    if name not in weights:
        raise InputError(f"The checkpoint lacks {name}")
    shape = tuple(weights[name].shape)
    if len(shape) != dimensions or 0 in shape:
        raise InputError(f"The checkpoint has an odd shape for {name}: {shape}")
    return shape
