"""Checkpoints with random weights as others publish them, and the plain functions that run their tensors.

Nothing here knows timm or mpm: the functions are what the formats mean, written out in torch.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

HEAD_WIDTH = 64


def vit_tensors(width: int, depth: int, patch_px: int, positions: int, distilled: bool = False) -> dict:
    """The encoder of a published Segmenter without its prefix, classifier included.

    Embedded tokens are so small that the eps of the first LayerNorm matters.
    """
    draw = torch.Generator().manual_seed(depth * width + positions)
    tensors = {
        "cls_token": 0.01 * torch.randn(1, 1, width, generator=draw),
        "pos_embed": 0.01 * torch.randn(1, positions + 1 + distilled, width, generator=draw),
        "patch_embed.proj.weight": 3e-4 * torch.randn(width, 3, patch_px, patch_px, generator=draw),
        "patch_embed.proj.bias": 0.01 * torch.randn(width, generator=draw),
        **blocks("blocks", width, depth, draw),
        **norm("norm", width, draw),
        **linear("head", width, 1000, draw),
    }
    if distilled:
        tensors["dist_token"] = 0.01 * torch.randn(1, 1, width, generator=draw)
        tensors |= linear("head_dist", width, 1000, draw)
    return tensors


def mask_tensors(width: int, layers: int, classes: int) -> dict:
    """The mask transformer of a published Segmenter without its prefix."""
    draw = torch.Generator().manual_seed(classes)
    return {
        "cls_emb": 0.01 * torch.randn(1, classes, width, generator=draw),
        "proj_patch": width**-0.5 * torch.randn(width, width, generator=draw),
        "proj_classes": width**-0.5 * torch.randn(width, width, generator=draw),
        **linear("proj_dec", width, width, draw),
        **blocks("blocks", width, layers, draw),
        **norm("decoder_norm", width, draw),
        **norm("mask_norm", classes, draw),
    }


def linear_tensors(width: int, classes: int) -> dict:
    return linear("head", width, classes, torch.Generator().manual_seed(classes))


def blocks(name: str, width: int, depth: int, draw: torch.Generator) -> dict:
    tensors = {}
    for number in range(depth):
        block = f"{name}.{number}"
        tensors |= norm(f"{block}.norm1", width, draw) | norm(f"{block}.norm2", width, draw)
        tensors |= linear(f"{block}.attn.qkv", width, 3 * width, draw)
        tensors |= linear(f"{block}.attn.proj", width, width, draw)
        tensors |= linear(f"{block}.mlp.fc1", width, 4 * width, draw)
        tensors |= linear(f"{block}.mlp.fc2", 4 * width, width, draw)
    return tensors


def linear(name: str, width: int, out: int, draw: torch.Generator) -> dict:
    return {
        f"{name}.weight": width**-0.5 * torch.randn(out, width, generator=draw),
        f"{name}.bias": 0.1 * torch.randn(out, generator=draw),
    }


def norm(name: str, width: int, draw: torch.Generator) -> dict:
    return {
        f"{name}.weight": 1 + 0.1 * torch.randn(width, generator=draw),
        f"{name}.bias": 0.1 * torch.randn(width, generator=draw),
    }


def prefixed(prefix: str, tensors: dict) -> dict:
    return {prefix + name: value for name, value in tensors.items()}


# --- What the formats mean ---------------------------------------------------------------------------------


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


# --- The files ---------------------------------------------------------------------------------------------

VARIANT = """\
algorithm_kwargs: {{batch_size: 1, eval_freq: 2, num_epochs: 64, start_epoch: 0}}
amp: false
dataset_kwargs: {{batch_size: 1, crop_size: {size}, dataset: ade20k, normalization: {normalization}}}
inference_kwargs:
  im_size: {size}
  window_size: {size}
  window_stride: {stride}
net_kwargs:
  backbone: {backbone}
  d_model: {width}
  decoder: {{drop_path_rate: 0.0, dropout: 0.1, n_layers: 2, name: mask_transformer}}
  distilled: {distilled}
  drop_path_rate: 0.1
  dropout: 0.0
  image_size: !!python/tuple
  - {size}
  - {size}
  n_cls: {classes}
  n_heads: {heads}
  n_layers: {depth}
  normalization: {normalization}
  patch_size: {patch_px}
"""

VIT = {
    "size": 512,
    "stride": 480,
    "width": 128,
    "depth": 2,
    "heads": 2,
    "patch_px": 16,
    "classes": 150,
    "distilled": "false",
    "normalization": "vit",
    "backbone": "vit_tiny_patch16_384",
}
"""What variant.yml says of the tensors that the tests write."""

DEIT = VIT | {"distilled": "true", "normalization": "deit", "backbone": "deit_base_distilled_patch16_384"}


def write_segmenter(folder: Path, encoder: dict, decoder: dict, **variant) -> Path:
    """checkpoint.pth and variant.yml, as the authors' training loop leaves them."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = prefixed("encoder.", encoder) | prefixed("decoder.", decoder)
    momentum = {0: {"momentum_buffer": torch.zeros(4)}}
    snapshot = {
        "model": tensors,
        "optimizer": {"state": momentum, "param_groups": [{"lr": 1e-3, "params": [0]}]},
        "n_cls": variant["classes"],
        "lr_scheduler": {"last_epoch": 1, "base_lrs": [1e-3]},
        "epoch": 63,
    }
    torch.save(snapshot, folder / "checkpoint.pth")
    (folder / "variant.yml").write_text(VARIANT.format(**variant))
    return folder


def as_mmseg(encoder: dict, decoder: dict) -> dict:
    """The same tensors under mmsegmentation's names."""
    tensors = prefixed("backbone.", mmseg_blocks(encoder)) | prefixed("decode_head.", mmseg_blocks(decoder))
    for name in [name for name in tensors if name.startswith("backbone.head")]:
        del tensors[name]
    moved = {
        "backbone.patch_embed.proj.weight": "backbone.patch_embed.projection.weight",
        "backbone.patch_embed.proj.bias": "backbone.patch_embed.projection.bias",
        "backbone.norm.weight": "backbone.ln1.weight",
        "backbone.norm.bias": "backbone.ln1.bias",
        "decode_head.proj_dec.weight": "decode_head.dec_proj.weight",
        "decode_head.proj_dec.bias": "decode_head.dec_proj.bias",
        "decode_head.head.weight": "decode_head.conv_seg.weight",
        "decode_head.head.bias": "decode_head.conv_seg.bias",
    }
    tensors = {moved.get(name, name): value for name, value in tensors.items()}
    for kind in ("patch", "classes"):
        if f"decode_head.proj_{kind}" in tensors:
            matrix = tensors.pop(f"decode_head.proj_{kind}")
            tensors[f"decode_head.{kind}_proj.weight"] = matrix.T.contiguous()
    if "decode_head.conv_seg.weight" in tensors:
        tensors["decode_head.conv_seg.weight"] = tensors["decode_head.conv_seg.weight"][:, :, None, None]
    return tensors


def mmseg_blocks(tensors: dict) -> dict:
    parts = {
        "norm1.weight": "ln1.weight",
        "norm1.bias": "ln1.bias",
        "norm2.weight": "ln2.weight",
        "norm2.bias": "ln2.bias",
        "attn.qkv.weight": "attn.attn.in_proj_weight",
        "attn.qkv.bias": "attn.attn.in_proj_bias",
        "attn.proj.weight": "attn.attn.out_proj.weight",
        "attn.proj.bias": "attn.attn.out_proj.bias",
        "mlp.fc1.weight": "ffn.layers.0.0.weight",
        "mlp.fc1.bias": "ffn.layers.0.0.bias",
        "mlp.fc2.weight": "ffn.layers.1.weight",
        "mlp.fc2.bias": "ffn.layers.1.bias",
    }
    renamed = {}
    for name, value in tensors.items():
        if name.startswith("blocks."):
            _, number, part = name.split(".", 2)
            name = f"layers.{number}.{parts[part]}"
        renamed[name] = value
    return renamed


def dinov2_tensors(width: int, depth: int, side: int) -> dict:
    """A published DINOv2 backbone: mask token, layer scale, no classifier."""
    tensors = vit_tensors(width, depth, 14, side * side)
    del tensors["head.weight"], tensors["head.bias"]
    draw = torch.Generator().manual_seed(7)
    tensors["mask_token"] = torch.zeros(1, width)
    for number in range(depth):
        for scale in ("ls1", "ls2"):
            tensors[f"blocks.{number}.{scale}.gamma"] = 0.5 * torch.randn(width, generator=draw)
    return tensors


def dinov2_head(width: int, classes: int) -> dict:
    draw = torch.Generator().manual_seed(8)
    head = linear("conv_seg", width, classes, draw) | norm("bn", width, draw)
    head["conv_seg.weight"] = head["conv_seg.weight"][:, :, None, None]
    head["bn.running_mean"] = 0.3 * torch.randn(width, generator=draw)
    head["bn.running_var"] = 0.5 + torch.rand(width, generator=draw)
    head["bn.num_batches_tracked"] = torch.tensor(40_001)
    return prefixed("decode_head.", head)


def decode_batchnorm(head: dict, x: Tensor) -> Tensor:
    """(1, N, C) -> (1, N, classes)."""
    t = {name.removeprefix("decode_head."): value for name, value in head.items()}
    x = (x - t["bn.running_mean"]) / (t["bn.running_var"] + 1e-5).sqrt() * t["bn.weight"] + t["bn.bias"]
    return x @ t["conv_seg.weight"][:, :, 0, 0].T + t["conv_seg.bias"]
