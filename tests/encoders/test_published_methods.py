"""ToMe, ALGM and G2TM by name against runs by hand: timm's blocks, and what the papers say between them.

Papers leave the order of tokens after a merge open: here it is that of the picture, as everywhere.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations

import pytest
import timm
import torch
from support.slow_rules import cosines, index_of, slow_components, slow_windows

import mpm
from mpm.segmenters.config import EncoderConfig

SIZE = {"img_size": [32, 48], "patch_size": 8, "embed_dim": 24, "num_heads": 2}
ROWS, COLS = 4, 6


def make(depth: int) -> timm.models.VisionTransformer:
    torch.manual_seed(0)
    return timm.create_model("vit_tiny_patch16_224", **SIZE, depth=depth, num_classes=5).eval()


def smooth_pixels(seed: int = 1) -> torch.Tensor:
    coarse = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (32, 48), mode="bicubic")


def embedded(vit, pixels: torch.Tensor) -> torch.Tensor:
    return vit.norm_pre(vit._pos_embed(vit.patch_embed(pixels)))


def attention(block, stream: torch.Tensor, sizes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(1, 1 + N, C) after the attention with log(size) of the N patch tokens, and their keys (N, D)."""
    attn, rows = block.attn, stream.shape[1]
    q, k, v = attn.qkv(block.norm1(stream)).reshape(rows, 3, 2, 12).permute(1, 2, 0, 3)
    logits = q @ k.mT * 12**-0.5 + torch.cat([torch.ones(1), sizes]).log()
    mixed = (logits.softmax(-1) @ v).transpose(0, 1).reshape(1, rows, 24)
    return stream + attn.proj(mixed), k.mean(0)[1:]


def merged(stream: torch.Tensor, index: list[int], sizes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Size-weighted means of the patch tokens of (1, 1 + N, C), and the new sizes."""
    names = torch.tensor(index)
    groups = [names == name for name in range(max(index) + 1)]
    means = [(sizes[own, None] * stream[0, 1:][own]).sum(0) / sizes[own].sum() for own in groups]
    totals = torch.stack([sizes[own].sum() for own in groups])
    return torch.cat([stream[:, :1], torch.stack(means)[None]], 1), totals


def most_alike(alike: dict[int, float], number: int) -> list[int]:
    return sorted(alike, key=lambda one: -alike[one])[:number]


def even_joins_odd(table, join) -> list[int]:
    """index from (N, N) similarities; join: (best of every even token) -> which of them join."""
    count = len(table)
    best = {one: max(range(1, count, 2), key=lambda other: table[one, other]) for one in range(0, count, 2)}
    alike = {one: float(table[one, other]) for one, other in best.items()}
    names = list(range(count))
    for one in join(alike):
        names[one] = best[one]
    return index_of(names)


@torch.inference_mode()
@pytest.mark.parametrize("count", [2, 4, 16])
def test_tome(count):
    vit, pixels = make(4), smooth_pixels()
    stream, sizes, owner, left = embedded(vit, pixels), torch.ones(24), torch.arange(24), [24]
    for block in vit.blocks:
        stream, keys = attention(block, stream, sizes)
        index = even_joins_odd(cosines(keys), partial(most_alike, number=min(count, len(keys) // 2)))
        stream, sizes = merged(stream, index, sizes)
        owner = torch.tensor(index)[owner]
        left.append(len(sizes))
        stream = stream + block.mlp(block.norm2(stream))
    expected = vit.norm(torch.cat([stream[:, :1], stream[:, 1:][:, owner]], 1))
    found, trace = mpm.apply(vit, f"tome({count})").forward_with_trace(pixels)
    assert trace.token_counts == left and left[-1] < 24
    assert torch.allclose(found, expected, atol=1e-5)


@torch.inference_mode()
def test_algm(tiny_config):
    torch.manual_seed(0)
    encoder = EncoderConfig("vit_tiny_patch16_224", {**SIZE, "depth": 6})
    segmenter = mpm.Segmenter(mpm.SegmenterConfig(**{**vars(tiny_config), "encoder": encoder})).eval()
    vit, pixels, one = segmenter.encoder, smooth_pixels(), torch.ones(24)
    stream, sizes, owner, left = embedded(vit, pixels), one, torch.arange(24), [24]
    threshold = 0.6
    for number, block in enumerate(vit.blocks):
        stream = stream + block.attn(block.norm1(stream))
        if number in (0, 4):
            table = cosines(stream[0, 1:])
            index = alike_windows(table, threshold) if number == 0 else even_joins_odd(table, above_mean)
            stream, sizes = merged(stream, index, sizes)
            owner = torch.tensor(index)[owner]
            left.append(len(sizes))
        stream = stream + block.mlp(block.norm2(stream))
    scores = segmenter.decoder(vit.norm(stream)[:, 1:])
    expected = scores[:, owner].mT.unflatten(2, (ROWS, COLS))
    recipe = segmenter.read_recipe(f"algm({threshold})")
    assert recipe.blocks == (0, 4) and str(recipe.at(4)) == "bipartite(std=0.2)" and not recipe.sizes
    assert 24 > left[1] > left[2] and left[1] > 6, "some windows merge, then some pairs"
    assert torch.allclose(segmenter.logits(pixels, recipe), expected, atol=1e-4)


def alike_windows(table, threshold: float) -> list[int]:
    names = list(range(24))
    for four in slow_windows(ROWS, COLS):
        values = [float(table[pair]) for pair in combinations(four, 2)]
        if sum(values) / 6 >= threshold:
            names = [four[0] if name in four else name for name in names]
    return index_of(names)


def above_mean(alike: dict[int, float]) -> list[int]:
    """ALGM's threshold in layer 5: mean + std / 5."""
    values = torch.tensor(list(alike.values()))
    limit = float(values.mean() + values.std(correction=0) / 5)
    return [one for one, value in alike.items() if value >= limit]


@torch.inference_mode()
def test_g2tm():
    vit, pixels, threshold = make(3), smooth_pixels(), 0.8
    stream, owner = embedded(vit, pixels), None
    for number, block in enumerate(vit.blocks):
        stream = stream + block.attn(block.norm1(stream))
        if number == 1:
            table = cosines(stream[0, 1:])
            beside = [(one, one + 1) for one in range(24) if (one + 1) % COLS]
            below = [(one, one + COLS) for one in range(24 - COLS)]
            links = [pair for pair in beside + below if table[pair] >= threshold]
            owner = index_of(slow_components(links, 24))
            stream, _ = merged(stream, owner, torch.ones(24))
        stream = stream + block.mlp(block.norm2(stream))
    expected = vit.norm(torch.cat([stream[:, :1], stream[:, 1:][:, owner]], 1))
    found, trace = mpm.apply(vit, f"g2tm({threshold})").forward_with_trace(pixels)
    assert trace.token_counts == [24, max(owner) + 1] and 1 < trace.token_counts[1] < 23
    assert torch.allclose(found, expected, atol=1e-5)
