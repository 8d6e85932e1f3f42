"""Packed sequences, the batched matcher and decode-before-reconstruct: all on CPU, by the same interface."""

from __future__ import annotations

import pytest
import timm
import torch

import mpm
from mpm.encoders import varlen
from mpm.encoders.varlen import Packing, by_length, can_pack, packed_attention, run_packed
from mpm.merging import search
from mpm.merging.pairs import pair_up

LENGTHS = (20, 13, 20, 1)


def padded(lengths=LENGTHS, channels=24, seed=0):
    tokens = torch.randn(len(lengths), max(lengths), channels, generator=torch.Generator().manual_seed(seed))
    for image, length in enumerate(lengths):
        tokens[image, length:] = 0
    return tokens


def blocks():
    options = [{}, {"qk_norm": True}, {"init_values": 0.1}, {"scale_attn_norm": True}]
    torch.manual_seed(0)
    return [timm.models.vision_transformer.Block(24, 2, qkv_bias=True, **own).eval() for own in options]


@pytest.mark.parametrize("number", range(4))
def test_a_packed_block_is_the_block_on_each_image(number):
    block = blocks()[number]
    assert can_pack(block)
    packing = Packing.of(LENGTHS, 20, torch.device("cpu"))
    with torch.inference_mode():
        together = run_packed(block, padded(), packing)
        for image, length in enumerate(LENGTHS):
            alone = block(padded()[image : image + 1, :length])
            assert torch.allclose(together[image, :length], alone[0], atol=1e-6)
            assert together[image, length:].eq(0).all()


def test_pack_and_unpack_are_inverse():
    packing = Packing.of(LENGTHS, 20, torch.device("cpu"))
    assert packing.ends.tolist() == [0, 20, 33, 53, 54]
    assert packing.pack(padded()).shape == (54, 24)
    assert torch.equal(packing.unpack(packing.pack(padded()), 20), padded())


def test_nested_tensors_attend_alike():
    packing = Packing.of(LENGTHS, 20, torch.device("cpu"))
    q, k, v = torch.randn(3, 54, 2, 12, generator=torch.Generator().manual_seed(1))
    one_by_one = packed_attention(q, k, v, packing)
    assert torch.allclose(varlen._attention_nested(q, k, v, packing), one_by_one, atol=1e-6)


def test_varlen_attn_is_called_as_it_is_declared():
    if varlen.varlen_attn is None:
        pytest.skip("torch before 2.10")
    import inspect

    names = list(inspect.signature(varlen.varlen_attn).parameters)
    assert names[:7] == ["query", "key", "value", "cu_seq_q", "cu_seq_k", "max_q", "max_k"]


@pytest.mark.parametrize(
    ("capability", "switched_on", "dtype", "expected"),
    [
        ((9, 0), True, torch.bfloat16, True),
        ((8, 0), True, torch.float16, True),
        ((7, 5), True, torch.float16, False),
        ((9, 0), False, torch.bfloat16, False),
        ((9, 0), True, torch.float32, False),
    ],
)
def test_flash_is_asked_only_where_it_runs(capability, switched_on, dtype, expected, monkeypatch):
    monkeypatch.setattr(varlen, "varlen_attn", print)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.backends.cuda, "flash_sdp_enabled", lambda: switched_on)
    assert varlen._flash_takes(torch.zeros(1, 2, 8, dtype=dtype)) == expected


def test_packed_blocks_can_be_differentiated():
    tokens = padded().requires_grad_()
    run_packed(blocks()[0], tokens, Packing.of(LENGTHS, 20, torch.device("cpu"))).sum().backward()
    assert tokens.grad[1, :13].ne(0).any() and tokens.grad[1, 13:].eq(0).all()


def test_foreign_blocks_are_grouped_not_packed():
    assert not can_pack(torch.nn.Identity())
    training = timm.models.vision_transformer.Block(24, 2, attn_drop=0.1)
    assert not can_pack(training) and can_pack(training.eval())
    plain = blocks()[0]
    plain.attn.fused_attn = False
    assert not can_pack(plain), "who asks for plain attention gets it"
    layer = torch.nn.Linear(24, 5, bias=False)
    grouped = by_length(LENGTHS, padded().shape[1], lambda own, length: layer(padded()[own, :length]))
    assert torch.allclose(grouped, layer(padded()), atol=1e-6)


@pytest.mark.parametrize("counts", [None, torch.tensor([40, 13, 1, 0])])
def test_the_matcher_of_accelerators_agrees(counts, monkeypatch):
    tokens = torch.randn(4, 40, 16, generator=torch.Generator().manual_seed(2))
    if counts is not None:
        tokens[1, 13:] = torch.nan
    monkeypatch.setattr(search, "TILE_ELEMENTS", 4 * 40 * 7 // 16)
    nearest, similarity = search._nearest_together(tokens, counts)
    expected, values = search.nearest_one_by_one(tokens, counts)
    assert torch.equal(nearest, expected) or counts is not None
    together, alone = pair_up(nearest, None, counts), pair_up(expected, None, counts)
    assert torch.equal(together.index, alone.index) and torch.equal(together.partner, alone.partner)
    for image, count in enumerate([40] * 4 if counts is None else counts.tolist()):
        assert torch.allclose(similarity[image, :count], values[image, :count], atol=1e-6)


def test_decoding_merged_tokens_gives_one_answer_a_group(tiny, smooth_image):
    run = tiny.segment(smooth_image, "0,2", decode_merged=True)
    default = tiny.segment(smooth_image, "0,2")
    assert run.trace.token_counts == default.trace.token_counts
    assert run.logits.shape == default.logits.shape
    groups = run.trace.groups(2)
    for name in set(groups.ravel().tolist()):
        members = run.logits[:, groups == name]
        assert (members == members[:, :1]).all()
    unmerged = tiny.segment(smooth_image, "none", decode_merged=True)
    assert (unmerged.logits == tiny.segment(smooth_image, "none").logits).all()


def test_decoding_merged_tokens_of_a_batch(tiny):
    pixels = torch.randn(3, 3, 32, 48, generator=torch.Generator().manual_seed(3))
    together = tiny.logits(pixels, "0,2", decode_merged=True)
    for image in range(3):
        alone = tiny.logits(pixels[image : image + 1], "0,2", decode_merged=True)
        assert torch.equal(together[image], alone[0])
    # As an accelerator runs it: one state, images of unequal length.
    state = tiny.runner.embed(pixels)
    logits = tiny.run(state, mpm.Recipe.parse("0,2|decode-merged")).logits
    assert torch.allclose(logits, together, atol=1e-4)
