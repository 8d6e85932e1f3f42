"""Checkpoints with random weights as others publish them."""

from __future__ import annotations

from pathlib import Path

import torch


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


# --- The files ---------------------------------------------------------------------------------------------

VARIANT = """\
algorithm_kwargs: {{batch_size: 1, eval_freq: 2, num_epochs: 64, start_epoch: 0}}
amp: false
dataset_kwargs: {{batch_size: 1, crop_size: {size}, dataset: {dataset}, normalization: {normalization}}}
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
    "dataset": "ade20k",
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
