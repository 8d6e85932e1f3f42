"""Merges between a block's attention and its MLP, as ToMe and ALGM make them."""

from __future__ import annotations

import pytest
import timm
import torch
from support.small_vits import TINY, check_alone_in_batches_and_padded, pixels

import mpm
from mpm.encoders.run import encode
from mpm.errors import InputError


def make(name="vit_tiny_patch16_224", **extra):
    torch.manual_seed(0)
    return timm.create_model(name, **{**TINY, **extra}).eval()


@torch.inference_mode()
def test_attention_sees_all_tokens_and_the_mlp_those_left():
    vit, x = make(init_values=0.5), pixels()
    stream = vit.norm_pre(vit._pos_embed(vit.patch_embed(x)))
    maps = []
    for number, block in enumerate(vit.blocks):
        stream = stream + block.ls1(block.attn(block.norm1(stream)))
        if number in (1, 2):
            found = mpm.mutual_pairs(stream[:, 1:])
            stream = torch.cat([stream[:, :1], found.merge(stream[:, 1:])], 1)
            maps.append(found)
        stream = stream + block.ls2(block.mlp(block.norm2(stream)))
    patches = maps[0].reconstruct(maps[1].reconstruct(stream[:, 1:]))
    expected = vit.norm(torch.cat([stream[:, :1], patches], 1))
    found, trace = mpm.apply(vit, "1,2|after-attention").forward_with_trace(x)
    assert trace.token_counts[-1] == int(maps[1].counts) < 16
    assert torch.allclose(found, expected, atol=1e-5)
    assert not torch.allclose(mpm.apply(vit, "1,2").forward_features(x), expected, atol=1e-3)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("vit_tiny_patch16_224", {"qk_norm": True, "reg_tokens": 2}),
        ("eva02_tiny_patch14_224", {"depth": 3}),
        ("eva_giant_patch14_224", {"depth": 3}),
        ("vit_small_patch16_dinov3", {"depth": 3}),
    ],
)
def test_the_two_halves_are_the_block(name, extra):
    encoder = mpm.apply(make(name, **extra), "none").encoder
    state = encoder.embed(pixels(2))
    for _ in range(encoder.depth):
        halves = encoder.feed_forward(encoder.attend(state))
        state = encoder.step(state)
        assert halves.block == state.block and halves.entered is None
        assert torch.equal(halves.tokens, state.tokens)


def test_a_block_without_halves_is_refused():
    from timm.models.vision_transformer import ParallelThingsBlock

    vit = make(block_fn=ParallelThingsBlock)
    with pytest.raises(InputError, match="do not run attention and MLP in turn"):
        mpm.apply(vit, "1|after-attention").forward_features(pixels())


@torch.inference_mode()
def test_keys_are_those_of_the_block_in_which_tokens_merge(no_rule_stays):
    vit = make()
    seen = []

    def spy(tokens, context):
        seen.append((tokens, context.keys()))
        return mpm.mutual_pairs(tokens)

    mpm.rule("spy-of-keys", title="Spy", source="a test")(spy)
    (state,) = encode(mpm.apply(vit, "none").encoder, pixels(), mpm.Recipe(), stop=2)
    mpm.apply(vit, "spy-of-keys@2|after-attention").forward_features(pixels())
    ((tokens, keys),) = seen
    block = vit.blocks[2]
    expected = block.attn.qkv(block.norm1(state.tokens[:, 1:])).unflatten(2, (3, 2, -1))[:, :, 1]
    assert torch.allclose(keys, expected.transpose(1, 2), atol=1e-5)
    attended = state.tokens + block.attn(block.norm1(state.tokens))
    assert torch.allclose(tokens, attended[:, 1:], atol=1e-5)


@pytest.mark.parametrize("options", ["after-attention", "after-attention,decode-merged,residual,sizes"])
def test_an_image_is_the_same_alone_in_any_batch_and_padded(tiny, options):
    check_alone_in_batches_and_padded(tiny, options)


def test_features_are_what_the_rule_compared(tiny, smooth_image):
    from mpm.segmenters.features import stage_features

    seen = []

    def spy(tokens, counts, grid):
        seen.append(torch.nn.functional.normalize(tokens[0].float(), dim=1))
        return mpm.mutual_pairs(tokens, counts)

    recipe = mpm.Recipe.parse("0,2|after-attention,residual,sizes").with_merger(spy)
    run = tiny.segment(smooth_image, recipe)
    for stage in (0, 1):
        features = stage_features(tiny, smooth_image, "0,2|after-attention,residual,sizes", stage)
        patches = torch.from_numpy(features).flatten(0, 1)
        groups = run.trace.groups(stage).ravel()
        names, tokens = torch.unique(torch.from_numpy(groups), return_inverse=True)
        assert len(names) == len(seen[stage])
        assert torch.allclose(patches, seen[stage][tokens], atol=1e-6), stage
