"""Mimetic initialisation of attention (Trockman and Kolter, ICML 2023, arXiv 2305.09828).

Attention layers of trained ViTs show Wq Wk^T near a multiple of the identity, Wv Wproj near a negative one.
Starting there makes small ViTs learn from little data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol, TypeGuard

import numpy as np
import torch
from torch import nn

from mpm.segmenters.heads import MaskTransformer
from mpm.segmenters.segmenter import Segmenter

# The paper's choice for vision: alpha and beta of Wq Wk^T and of Wv Wproj.
QUERY_KEY_NOISE, QUERY_KEY_IDENTITY = 0.7, 0.7
VALUE_PROJ_NOISE, VALUE_PROJ_IDENTITY = 0.4, 0.4
MASK_SHARPNESS = 2.0

PATCH_SAMPLES = 20_000
PATCH_SCALE = 0.5  # of an embedded channel, beside positions of the same size
PATCH_NOISE = 0.03  # variance, in normalised pixels, below which a direction counts as noise


@torch.no_grad()
def initialise(
    segmenter: Segmenter, images: Sequence[np.ndarray] = (), generator: torch.Generator | None = None
) -> None:
    """Prepares a new segmenter for training from scratch, in place.

    images: some (H, W, 3) uint8 RGB of the training set, by which the patch embedding is whitened; without
    any it keeps its random weights.
    """
    initialise_attention(segmenter, generator)
    if len(images):
        _whiten_patches(segmenter, images, generator)
    encoder, decoder = segmenter.encoder, segmenter.decoder
    # What is trained here learns its positions and decodes masks.
    assert encoder.pos_embed is not None and isinstance(decoder, MaskTransformer)
    rows, cols = encoder.patch_embed.grid_size
    encoder.pos_embed[0, encoder.num_prefix_tokens :] = sinusoids(rows, cols, encoder.embed_dim)
    # A normalised score of eleven classes reaches a confidence of 0.76 at best; twice as sharp, 0.97.
    decoder.mask_norm.weight.fill_(MASK_SHARPNESS)


@torch.no_grad()
def initialise_attention(model: nn.Module, generator: torch.Generator | None = None) -> int:
    """Sets every attention (timm's: `qkv`, `proj`, `num_heads`) in place; returns how many there were."""
    layers = [module for module in model.modules() if _is_attention(module)]
    for layer in layers:
        _initialise(layer, generator)
    return len(layers)


def _whiten_patches(
    segmenter: Segmenter, images: Sequence[np.ndarray], generator: torch.Generator | None
) -> None:
    """Projects patches on their main directions, each at the same strength, mixed by a random rotation.

    Neighbouring pixels are alike: a random projection carries brightness at over 80 % of its variance, the
    LayerNorms then hide colour and texture behind it, and training makes that worse.
    """
    config, projection = segmenter.config, segmenter.encoder.patch_embed.proj
    patches = _random_patches(images, segmenter.patch_px, config.mean, config.std)
    mean = patches.mean(0)
    variances, directions = torch.linalg.eigh(torch.cov((patches - mean).T))
    width = projection.out_channels
    strength = (variances[-width:].clamp(min=0) + PATCH_NOISE).rsqrt()
    rotation, _ = torch.linalg.qr(torch.randn(width, width, generator=generator))
    weight = PATCH_SCALE * rotation @ (directions[:, -width:] * strength).T
    projection.weight.copy_(weight.reshape(projection.weight.shape))
    assert projection.bias is not None
    projection.bias.copy_(-weight @ mean)


def _random_patches(
    images: Sequence[np.ndarray],
    patch_px: int,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
) -> torch.Tensor:
    """(PATCH_SAMPLES, 3 * patch_px ** 2) normalised float32, in the order of a convolution's weights."""
    rng = np.random.default_rng(0)
    patches: np.ndarray = np.empty((PATCH_SAMPLES, patch_px, patch_px, 3), np.float32)
    for sample in patches:
        image = images[int(rng.integers(len(images)))]
        top, left = (rng.integers(side - patch_px + 1) for side in image.shape[:2])
        sample[:] = image[top : top + patch_px, left : left + patch_px]
    patches = (patches / 255 - np.array(mean, np.float32)) / np.array(std, np.float32)
    return torch.from_numpy(patches.transpose(0, 3, 1, 2).reshape(PATCH_SAMPLES, -1))


class _Attention(Protocol):
    """What timm's attention layers have in common."""

    qkv: nn.Linear
    proj: nn.Linear
    num_heads: int


def _is_attention(module: nn.Module) -> TypeGuard[_Attention]:
    return all(hasattr(module, name) for name in ("qkv", "proj", "num_heads"))


def _initialise(layer: _Attention, generator: torch.Generator | None) -> None:
    width, heads = layer.proj.in_features, layer.num_heads
    query, key, value = layer.qkv.weight.view(3, width, width).unbind(0)
    for query_head, key_head in zip(query.chunk(heads), key.chunk(heads), strict=True):
        target = _noisy_identity(width, QUERY_KEY_NOISE, QUERY_KEY_IDENTITY, generator)
        left, right = _factors(target, width // heads)
        query_head.copy_(left.T)
        key_head.copy_(right.T)
    # nn.Linear keeps the transpose: x -> x V^T P^T, so V^T P^T is the matrix near -beta I.
    left, right = _factors(_noisy_identity(width, VALUE_PROJ_NOISE, -VALUE_PROJ_IDENTITY, generator), width)
    value.copy_(left.T)
    layer.proj.weight.copy_(right)
    for bias in (layer.qkv.bias, layer.proj.bias):
        if bias is not None:
            bias.zero_()


def _noisy_identity(
    width: int, noise: float, identity: float, generator: torch.Generator | None
) -> torch.Tensor:
    gaussian = torch.randn(width, width, generator=generator) / math.sqrt(width)
    return noise * gaussian + identity * torch.eye(width)


def _factors(matrix: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(width, rank) each, with left @ right.T the best approximation of `matrix` of that rank."""
    left, singular, right = torch.linalg.svd(matrix)
    root = singular[:rank].sqrt()
    return left[:, :rank] * root, right[:rank].T * root


def sinusoids(rows: int, cols: int, width: int, amplitude: float = 0.5) -> torch.Tensor:
    """(rows * cols, width) position embedding: a quarter of the channels for each of sin, cos of row, column.

    Mimetic attention begins by looking at similar tokens; with sinusoids, neighbours in the grid are similar.
    """
    quarter = width // 4
    rates = 100.0 ** (-torch.arange(quarter) / quarter)
    row, col = torch.meshgrid(torch.arange(rows), torch.arange(cols), indexing="ij")
    angles = [position.reshape(-1, 1) * rates for position in (row, col)]
    table = torch.cat([wave(angle) for angle in angles for wave in (torch.sin, torch.cos)], dim=1)
    return amplitude * torch.nn.functional.pad(table, (0, width - 4 * quarter))
