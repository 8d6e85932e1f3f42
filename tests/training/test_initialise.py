"""The weights that a training begins with."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from mpm.segmenters.config import streets_config
from mpm.segmenters.segmenter import Segmenter
from mpm.training.initialise import initialise, initialise_attention, sinusoids


def test_attention_begins_mimetic():
    model = Segmenter(streets_config())
    assert initialise_attention(model, torch.Generator().manual_seed(0)) == 14
    attention = model.requires_grad_(False).encoder.blocks[4].attn
    query, key, value = attention.qkv.weight.view(3, 192, 192)
    for head in range(3):
        rows = slice(64 * head, 64 * head + 64)
        product = query[rows].T @ key[rows]
        assert product.diagonal().mean() > 0.2
        assert abs(product.mean()) < 0.02
    product = value.T @ attention.proj.weight.T
    assert product.diagonal().mean().item() == pytest.approx(-0.4, abs=0.02)
    off_diagonal = product - product.diagonal().diag()
    assert off_diagonal.std().item() == pytest.approx(0.4 / 192**0.5, rel=0.1)


def test_patches_begin_whitened():
    """Patches of blurred noise, where brightness outweighs all else, give channels of equal strength."""
    rng = np.random.default_rng(0)
    images = [
        cv2.GaussianBlur(rng.integers(0, 255, (96, 128, 3), dtype=np.uint8), (0, 0), 2) for _ in range(8)
    ]
    images = [cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX) for image in images]
    plain, whitened = Segmenter(streets_config()).eval(), Segmenter(streets_config()).eval()
    initialise(whitened, images, torch.Generator().manual_seed(0))
    shares = []
    for model in (plain, whitened):
        pixels = torch.cat([model.preprocess(image, resolution=96)[0] for image in images])
        with torch.no_grad():
            tokens = model.encoder.patch_embed.proj(pixels).flatten(2).transpose(1, 2).flatten(0, 1)
        assert torch.isfinite(tokens).all()
        variances = torch.linalg.svdvals(tokens - tokens.mean(0)) ** 2
        shares.append((variances[0] / variances.sum()).item())
    assert shares[1] < 0.1 < shares[0]


def test_positions_begin_alike_for_neighbours():
    table = sinusoids(5, 7, 64)
    assert table.shape == (35, 64)
    grid = nn.functional.normalize(table, dim=1).reshape(5, 7, 64)
    here = grid[2, 3]
    near, far = here @ grid[2, 4], here @ grid[2, 6]
    assert far < near < 0.999
    assert here @ grid[3, 3] == pytest.approx(float(near), abs=1e-4)  # rows and columns count alike
