"""Published checkpoints and pictures of one size, for tests of what loads them."""

from __future__ import annotations

import torch
from support.published_files import dinov2_head, dinov2_tensors, vit_tensors

WIDTH, DEPTH, PATCH_PX, SIZE = 128, 2, 16, 512


def picture(height: int, width: int) -> torch.Tensor:
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(height))


def encoder_tensors(distilled: bool = False) -> dict:
    return vit_tensors(WIDTH, DEPTH, PATCH_PX, (SIZE // PATCH_PX) ** 2, distilled)


def write_dinov2(folder, backbone=None, head=None):
    torch.save(backbone or dinov2_tensors(WIDTH, DEPTH, 37), folder / "dinov2_pretrain.pth")
    torch.save({"state_dict": head or dinov2_head(WIDTH, 150)}, folder / "dinov2_ade20k_linear_head.pth")
    return folder
