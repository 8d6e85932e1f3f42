"""Plain functions that run the tensors of published checkpoints.

Nothing here knows timm or mpm: the functions are what the formats mean, written out in torch.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

HEAD_WIDTH = 64


def encode(
    t: dict, pixels: Tensor, eps: float, mode: str, offset: float = 0.0, layer_scale: bool = False
) -> Tensor:
    """Patch tokens after the final norm: (1, 3, H, W), whole patches -> (1, N, C)."""
    x = F.conv2d(pixels, t["patch_embed.proj.weight"], t["patch_embed.proj.bias"], t_stride(t))
    rows, cols = x.shape[2:]
    x = x.flatten(2).transpose(1, 2)
    prefix = [t[name] for name in ("cls_token", "dist_token") if name in t]
    x = torch.cat([*prefix, x], 1) + positions(t["pos_embed"], len(prefix), (rows, cols), mode, offset)
    for number in range(sum(name.endswith("attn.qkv.weight") for name in t)):
        x = run_block(t, f"blocks.{number}", x, eps, layer_scale)
    return layer_norm(t, "norm", x, eps)[:, len(prefix) :]


def t_stride(t: dict) -> int:
    return t["patch_embed.proj.weight"].shape[-1]


def positions(embedding: Tensor, prefix: int, grid: tuple[int, int], mode: str, offset: float) -> Tensor:
    side = math.isqrt(embedding.shape[1] - prefix)
    if grid == (side, side):
        return embedding
    plane = embedding[:, prefix:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    if offset:
        scale = ((grid[0] + offset) / side, (grid[1] + offset) / side)
        plane = F.interpolate(plane, scale_factor=scale, mode=mode)
    else:
        plane = F.interpolate(plane, size=grid, mode=mode, align_corners=False)
    assert tuple(plane.shape[2:]) == grid
    return torch.cat([embedding[:, :prefix], plane.permute(0, 2, 3, 1).flatten(1, 2)], 1)


def run_block(t: dict, name: str, x: Tensor, eps: float, layer_scale: bool = False) -> Tensor:
    first = t[f"{name}.ls1.gamma"] if layer_scale else 1
    second = t[f"{name}.ls2.gamma"] if layer_scale else 1
    x = x + first * attention(t, f"{name}.attn", layer_norm(t, f"{name}.norm1", x, eps))
    hidden = F.gelu(affine(t, f"{name}.mlp.fc1", layer_norm(t, f"{name}.norm2", x, eps)))
    return x + second * affine(t, f"{name}.mlp.fc2", hidden)


def attention(t: dict, name: str, x: Tensor) -> Tensor:
    batch, length, width = x.shape
    heads = width // HEAD_WIDTH
    q, k, v = affine(t, f"{name}.qkv", x).reshape(batch, length, 3, heads, HEAD_WIDTH).permute(2, 0, 3, 1, 4)
    weights = (q @ k.transpose(-2, -1) * HEAD_WIDTH**-0.5).softmax(-1)
    return affine(t, f"{name}.proj", (weights @ v).transpose(1, 2).reshape(batch, length, width))


def decode_masks(t: dict, x: Tensor, eps: float = 1e-5) -> Tensor:
    """(1, N, C) -> (1, N, classes)."""
    classes = t["cls_emb"].shape[1]
    x = torch.cat([affine(t, "proj_dec", x), t["cls_emb"]], 1)
    for number in range(sum(name.endswith("attn.qkv.weight") for name in t)):
        x = run_block(t, f"blocks.{number}", x, eps)
    x = layer_norm(t, "decoder_norm", x, eps)
    patches, queries = x[:, :-classes] @ t["proj_patch"], x[:, -classes:] @ t["proj_classes"]
    patches = patches / patches.norm(dim=-1, keepdim=True)
    queries = queries / queries.norm(dim=-1, keepdim=True)
    return layer_norm(t, "mask_norm", patches @ queries.transpose(1, 2), eps)


def layer_norm(t: dict, name: str, x: Tensor, eps: float) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt()
    return scaled * t[f"{name}.weight"] + t[f"{name}.bias"]


def affine(t: dict, name: str, x: Tensor) -> Tensor:
    return x @ t[f"{name}.weight"].T + t[f"{name}.bias"]


def on_grid(scores: Tensor, pixels: Tensor, patch_px: int) -> Tensor:
    """(1, N, classes) -> (1, classes, rows, cols)."""
    return scores.transpose(1, 2).unflatten(2, (pixels.shape[2] // patch_px, pixels.shape[3] // patch_px))


def decode_batchnorm(head: dict, x: Tensor) -> Tensor:
    """(1, N, C) -> (1, N, classes)."""
    t = {name.removeprefix("decode_head."): value for name, value in head.items()}
    x = (x - t["bn.running_mean"]) / (t["bn.running_var"] + 1e-5).sqrt() * t["bn.weight"] + t["bn.bias"]
    return x @ t["conv_seg.weight"][:, :, 0, 0].T + t["conv_seg.bias"]
