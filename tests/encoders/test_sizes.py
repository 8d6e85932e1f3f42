"""Sizes: weighted means, and log(size) in attention, against attention written out."""

from __future__ import annotations

import math

import pytest
import timm
import torch
from support.small_vits import TINY, check_alone_in_batches_and_padded, pixels
from torch import nn

import mpm
from mpm.encoders.run import encode


@pytest.fixture(scope="module")
def vit():
    torch.manual_seed(0)
    return timm.create_model("vit_tiny_patch16_224", **TINY).eval()


def repeated(block: nn.Module, tokens: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """The block over tokens of which each key and value stands there `size` times."""
    attn, x = block.attn, block.norm1(tokens)
    q, k, v = attn.qkv(x).unflatten(2, (3, attn.num_heads, -1)).permute(2, 0, 3, 1, 4)
    k, v = (one.repeat_interleave(sizes, dim=2) for one in (k, v))
    weights = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)
    x = tokens + attn.proj((weights @ v).transpose(1, 2).flatten(2))
    return x + block.mlp(block.norm2(x))


@torch.inference_mode()
def test_a_token_counts_as_often_as_it_has_patches(vit):
    x = pixels()
    tokens = vit.norm_pre(vit._pos_embed(vit.patch_embed(x)))
    prefix, sizes = tokens[:, :1], torch.ones(1, 16, dtype=torch.int64)
    patches, maps = tokens[:, 1:], []
    for number, block in enumerate(vit.blocks):
        if number in (1, 3):
            found = mpm.mutual_pairs(patches)
            patches = found.merge(patches, sizes=sizes)
            maps.append(found)
            sizes = maps[0].group_sizes() if len(maps) == 1 else maps[0].compose(found).group_sizes()
        whole = repeated(block, torch.cat([prefix, patches], 1), torch.cat([torch.tensor([1]), sizes[0]]))
        prefix, patches = whole[:, :1], whole[:, 1:]
    restored = maps[0].reconstruct(maps[1].reconstruct(patches))
    expected = vit.norm(torch.cat([prefix, restored], 1))
    found, trace = mpm.apply(vit, "1,3|sizes").forward_with_trace(x)
    assert trace.token_counts == [16, *(int(one.counts) for one in maps)] and trace.token_counts[-1] < 16
    assert torch.allclose(found, expected, atol=1e-5)
    assert not torch.allclose(mpm.apply(vit, "1,3").forward_features(x), expected, atol=1e-3)


@torch.inference_mode()
def test_weighted_alone_leaves_attention_as_it_is(vit):
    weighted = mpm.apply(vit, "1,3|weighted")
    states = encode(weighted.encoder, pixels(), weighted.recipe)
    assert states[0].log_sizes is None
    first, second = states[0].maps
    plain = encode(weighted.encoder, pixels(), mpm.Recipe.parse("1,3"))[0]
    assert torch.equal(plain.maps[0].index, first.index)
    assert not torch.equal(plain.tokens[:, :5], states[0].tokens[:, :5]), "means of unequal groups differ"
    assert int(first.compose(second).group_sizes().sum()) == 16


@pytest.mark.parametrize("options", ["sizes", "weighted", "decode-merged,sizes"])
def test_an_image_is_the_same_alone_in_any_batch_and_padded(tiny, options):
    check_alone_in_batches_and_padded(tiny, options)


def test_gradients_flow_through_sizes(vit):
    merging = mpm.apply(vit, "1,2|sizes")
    merging(pixels(2)).sum().backward()
    assert merging.vit.patch_embed.proj.weight.grad.abs().sum() > 0
    vit.zero_grad()


def test_without_a_merge_sizes_change_nothing(tiny, smooth_image):
    plain = tiny.segment(smooth_image, "none")
    assert (tiny.segment(smooth_image, "none|sizes,decode-merged").logits == plain.logits).all()


def test_the_decoder_counts_patches_too(tiny, smooth_image):
    merged = tiny.segment(smooth_image, "0,2|decode-merged,sizes")
    assert not (merged.logits == tiny.segment(smooth_image, "0,2|decode-merged,weighted").logits).all()
    state = tiny.run(tiny.preprocess(smooth_image)[0], mpm.Recipe.parse("0,2|sizes")).states[0]
    patches = tiny.encoder.norm(state.tokens)[:, 1:]
    decoder, sizes = tiny.decoder, state.log_sizes[:, 1:].exp().round().long()[0]
    x = torch.cat([decoder.proj_dec(patches), decoder.cls_emb], 1)
    counts = torch.cat([sizes, torch.ones(11, dtype=torch.int64)])
    for block in decoder.blocks:
        x = repeated(block, x, counts)
    monkey = decoder(patches, state.log_sizes[:, 1:])
    x = decoder.decoder_norm(x)
    rows = nn.functional.normalize(x[:, :-11] @ decoder.proj_patch, dim=-1)
    classes = nn.functional.normalize(x[:, -11:] @ decoder.proj_classes, dim=-1)
    assert torch.allclose(monkey, decoder.mask_norm(rows @ classes.mT), atol=1e-4)
