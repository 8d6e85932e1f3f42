"""Residual restore, beside a slow one that keeps what each patch had of its own, patch by patch."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from support.small_vits import TINY, check_alone_in_batches_and_padded, pixels
from torch import nn

import mpm
from mpm.encoders.run import encode
from mpm.errors import InputError


@pytest.fixture(scope="module")
def vit():
    torch.manual_seed(0)
    return timm.create_model("vit_tiny_patch16_224", **TINY).eval()


def run_by_hand(vit, x, blocks, weighted=False):
    """One picture, plain attention: (1 + N, C) restored, before the norm, and the number of tokens left."""
    stream = vit.norm_pre(vit._pos_embed(vit.patch_embed(x)))[0]
    groups = [[patch] for patch in range(len(stream) - 1)]
    own = torch.zeros_like(stream[1:])
    for number, block in enumerate(vit.blocks):
        if number in blocks:
            patches = stream[1:]
            partner = mpm.mutual_pairs(patches[None]).partner[0].tolist()
            new_groups, new = [], []
            for token, mate in enumerate(partner):
                if mate >= 0 and mate < token:
                    continue
                members = [token] if mate < 0 else [token, mate]
                weights = [len(groups[one]) if weighted else 1 for one in members]
                mean = sum(w * patches[one] for w, one in zip(weights, members, strict=True)) / sum(weights)
                for one in members:
                    for patch in groups[one]:
                        own[patch] += patches[one] - mean
                new_groups.append([patch for one in members for patch in groups[one]])
                new.append(mean)
            groups, stream = new_groups, torch.cat([stream[:1], torch.stack(new)])
        stream = block(stream[None])[0]
    restored = torch.zeros_like(own)
    for token, members in enumerate(groups):
        for patch in members:
            restored[patch] = stream[1 + token] + own[patch]
    return torch.cat([stream[:1], restored]), len(groups)


@torch.inference_mode()
@pytest.mark.parametrize("blocks", [(0,), (1, 3), (0, 1, 2, 3)])
@pytest.mark.parametrize("weighted", [False, True])
def test_each_patch_keeps_what_it_had_of_its_own(vit, blocks, weighted):
    x = pixels()
    expected, left = run_by_hand(vit, x, blocks, weighted)
    text = f"{','.join(map(str, blocks))}|residual{',weighted' if weighted else ''}"
    merging = mpm.apply(vit, text)
    found, trace = merging.forward_with_trace(x)
    assert trace.token_counts[-1] == left < 16
    assert torch.allclose(found[0], vit.norm(expected), atol=1e-5)
    copied = mpm.apply(vit, text.replace("residual", "copy")).forward_features(x)
    assert not torch.allclose(copied, found, atol=1e-3)


@torch.inference_mode()
def test_who_never_merged_comes_back_bit_for_bit(vit):
    merging = mpm.apply(vit, "0,2|residual,sizes")
    (state,) = encode(merging.encoder, pixels(), merging.recipe)
    sizes = state.whole_map().group_sizes()[0]
    restored = merging.encoder.restore(state)[0, 1:]
    group = state.whole_map().index[0]
    alone = [patch for patch in range(16) if sizes[group[patch]] == 1]
    assert alone
    for patch in alone:
        assert torch.equal(restored[patch], state.patches[0, group[patch]])


class Nothing(nn.Module):
    """A block that adds nothing to its stream."""

    def forward(self, x, **how):
        return torch.zeros_like(x)


def test_blocks_that_add_nothing_lose_nothing_and_gradients_pass_whole(vit):
    idle = timm.create_model("vit_tiny_patch16_224", **TINY).eval()
    recipe = mpm.Recipe.parse("0,1,2,3|residual")
    encoder = mpm.apply(idle, recipe).encoder
    for block in encoder.module.blocks:
        block.attn, block.mlp = Nothing(), Nothing()
    start = encoder.embed(pixels(2))
    tokens = start.tokens.detach().requires_grad_()
    state = encoder.start(tokens, start.grid)
    (end,) = encode(encoder, state, recipe)
    restored = encoder.restore(end)
    assert max(end.counts) < 16
    assert torch.allclose(restored, tokens, atol=1e-6)
    weights = torch.randn(tokens.shape, generator=torch.Generator().manual_seed(2))
    (restored * weights).sum().backward()
    assert torch.allclose(tokens.grad, weights, atol=1e-5)


@pytest.mark.parametrize("options", ["residual", "residual,sizes", "decode-merged,residual,sizes"])
def test_an_image_is_the_same_alone_in_any_batch_and_padded(tiny, options):
    check_alone_in_batches_and_padded(tiny, options)


def test_gradients_flow_through_the_whole_of_it(tiny):
    x = torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(3))
    own = copy.deepcopy(tiny).requires_grad_()
    weights = torch.randn(2, 11, 4, 6, generator=torch.Generator().manual_seed(4))
    (own(x, "0,2|decode-merged,residual,sizes") * weights).sum().backward()
    assert own.encoder.patch_embed.proj.weight.grad.abs().sum() > 0
    assert own.decoder.proj_dec.weight.grad.abs().sum() > 0


@torch.inference_mode()
def test_intermediates_are_restored_as_far_as_they_went(vit):
    x = pixels(2)
    merging = mpm.apply(vit, "1,3|residual")
    plain = vit.forward_intermediates(x, indices=[0], intermediates_only=True)
    first, last = merging.forward_intermediates(x, indices=[0, 3], intermediates_only=True, norm=True)
    assert torch.allclose(first, vit.norm(plain[0].flatten(2).mT).mT.unflatten(2, (4, 4)), atol=1e-5)
    features = merging.forward_features(x)[:, 1:]
    assert torch.allclose(last.flatten(2).mT, features, atol=1e-6)


@torch.inference_mode()
def test_the_decoder_carries_on_what_a_patch_has_of_its_own(tiny, smooth_image):
    recipe = mpm.Recipe.parse("0,2|decode-merged,residual,sizes")
    found = tiny.run(tiny.preprocess(smooth_image)[0], recipe)
    state, decoder = found.states[0], tiny.decoder
    merged = tiny.encoder.norm(state.tokens)[:, 1:]
    patches = tiny.encoder.norm(tiny.runner.restore(state))[:, 1:]
    group = state.whole_map().index[0]
    bias = torch.cat([state.log_sizes[:, 1:], torch.zeros(1, 11)], 1)[:, None, None]
    x = torch.cat([decoder.proj_dec(merged), decoder.cls_emb], 1)
    for block in decoder.blocks:
        x = block(x, attn_mask=bias)
    rows = []
    for patch, token in enumerate(group.tolist()):
        own = decoder.proj_dec(patches[0, patch]) - decoder.proj_dec(merged[0, token])
        rows.append(decoder.decoder_norm(x[0, token] + own))
    classes = decoder.decoder_norm(x[:, -11:]) @ decoder.proj_classes
    masks = nn.functional.normalize(torch.stack(rows)[None] @ decoder.proj_patch, dim=-1)
    expected = decoder.mask_norm(masks @ nn.functional.normalize(classes, dim=-1).mT)
    assert torch.allclose(found.logits.flatten(2).mT, expected, atol=1e-4)
    copied = tiny.run(tiny.preprocess(smooth_image)[0], mpm.Recipe.parse("0,2|decode-merged,sizes"))
    assert not torch.allclose(found.logits, copied.logits, atol=1e-2)


@torch.inference_mode()
def test_a_linear_decoder_sees_the_restored_patches_themselves(vit):
    from mpm.segmenters.heads import BatchNormLinear, LinearDecoder
    from mpm.segmenters.run import run

    encoder = mpm.apply(vit, "none").encoder
    for head in (LinearDecoder(24, 3), BatchNormLinear(24, 3).eval()):
        merged = run(encoder, head, pixels(2), mpm.Recipe.parse("0,2|decode-merged,residual"))
        whole = run(encoder, head, pixels(2), mpm.Recipe.parse("0,2|residual"))
        assert torch.allclose(merged.logits, whole.logits, atol=1e-6)


def test_a_decoder_of_somebody_elses_is_told(vit):
    from mpm.segmenters.run import run

    class Own(nn.Module):
        def forward(self, tokens, log_sizes=None):
            return tokens[..., :3]

    encoder = mpm.apply(vit, "none").encoder
    assert run(encoder, Own(), pixels(), mpm.Recipe.parse("0|residual")).logits.shape == (1, 3, 4, 4)
    with pytest.raises(InputError, match="decoder Own cannot decode merged tokens with residual"):
        run(encoder, Own(), pixels(), mpm.Recipe.parse("0|decode-merged,residual"))


def test_a_sweep_is_bit_for_bit_what_separate_runs_are(tiny, smooth_image):
    from mpm.segmenters.sweep import sweep

    texts = ["0,2", "0,2|residual", "0,3|residual", "0,2|after-attention", "0,2|decode-merged,residual"]
    for text, run in zip(texts, sweep(tiny, smooth_image, texts), strict=True):
        assert (run.logits == tiny.segment(smooth_image, text).logits).all(), text
