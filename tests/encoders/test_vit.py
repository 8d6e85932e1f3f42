"""The encoder loop against plain timm, and its promises about batches and prefix tokens."""

from __future__ import annotations

from dataclasses import replace

import pytest
import timm
import torch
from support.small_vits import TINY

import mpm
from mpm.encoders.vit import PositionResizing, embed, resize_positions
from mpm.segmenters.build import build_encoder
from mpm.segmenters.config import EncoderConfig

VARIANTS = {
    "plain": ("vit_tiny_patch16_224", {}),
    "registers": ("vit_tiny_patch16_224", {"reg_tokens": 3}),
    "no class token, mean pooled": ("vit_tiny_patch16_224", {"class_token": False, "global_pool": "avg"}),
    "distilled": ("deit_tiny_distilled_patch16_224", {}),
    "positions without the class token": ("vit_tiny_patch16_224", {"no_embed_class": True}),
    "pre-norm and layer scale": ("vit_tiny_patch16_224", {"pre_norm": True, "init_values": 1e-2}),
    "EVA-01": ("eva_giant_patch14_224", {}),
}


def make(variant: str = "plain", **extra):
    torch.manual_seed(0)
    name, arguments = VARIANTS[variant]
    return timm.create_model(name, **{**TINY, **arguments, **extra}).eval()


def timm_embedding(vit, x):
    """timm's own tokens before the first block; Eva gives a rotary embedding along, here none."""
    tokens = vit._pos_embed(vit.patch_embed(x))
    return vit.norm_pre(tokens[0] if isinstance(tokens, tuple) else tokens)


def pixels(batch=3, height=32, width=32, seed=1):
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("variant", VARIANTS)
@torch.inference_mode()
def test_empty_schedule_is_bit_equal_to_the_plain_model(variant):
    vit, x = make(variant), pixels()
    merging = mpm.apply(vit, "none")
    assert torch.equal(merging.forward_features(x), vit.forward_features(x))
    assert torch.equal(merging(x), vit(x))


@pytest.mark.parametrize("variant", VARIANTS)
@torch.inference_mode()
def test_merging_matches_a_loop_written_out(variant):
    vit, x = make(variant), pixels(batch=1)
    prefix = vit.num_prefix_tokens
    tokens = timm_embedding(vit, x)
    maps = []
    for number, block in enumerate(vit.blocks):
        if number in (1, 3):
            found = mpm.mutual_pairs(tokens[:, prefix:])
            tokens = torch.cat([tokens[:, :prefix], found.merge(tokens[:, prefix:])], 1)
            maps.append(found)
        tokens = block(tokens)
    patches = maps[0].reconstruct(maps[1].reconstruct(tokens[:, prefix:]))
    expected = vit.norm(torch.cat([tokens[:, :prefix], patches], 1))
    features, trace = mpm.apply(vit, "1,3").forward_with_trace(x)
    assert torch.equal(features, expected)
    assert trace.token_counts == [16, int(maps[0].counts), int(maps[1].counts)]
    assert trace.token_counts[-1] < 16, "something merged"


@torch.inference_mode()
def test_an_image_is_the_same_alone_and_in_any_batch():
    merging, x = mpm.apply(make(), (0, 2)), pixels(batch=4)
    together, trace = merging.forward_with_trace(x)
    assert len({tuple(one.token_counts) for one in trace}) > 1, "the images keep different numbers"
    permuted = merging.forward_features(x[[3, 1, 0, 2]])
    for image in range(4):
        alone, own = merging.forward_with_trace(x[image : image + 1])
        assert torch.equal(alone[0], together[image])
        assert own.token_counts == trace[image].token_counts
        assert torch.equal(permuted[[3, 1, 0, 2].index(image)], alone[0])


@torch.inference_mode()
def test_the_ragged_batch_path_agrees_with_images_alone(monkeypatch):
    # The path of accelerators, where images stay together: equal up to rounding.
    merging, x = mpm.apply(make(), (0, 2)), pixels(batch=4)
    apart = merging.forward_features(x)
    monkeypatch.setattr("mpm.encoders.run.runs_alone", lambda *_: False)
    together, trace = merging.forward_with_trace(x)
    assert len(trace) == 4
    assert torch.allclose(together, apart, atol=1e-5)


@torch.inference_mode()
def test_non_square_grid_and_dynamic_size():
    vit = make(img_size=(32, 48), dynamic_img_size=True)
    x = pixels(batch=1, height=24, width=40)
    assert torch.equal(mpm.apply(vit, "none")(x), vit(x))
    _, trace = mpm.apply(vit, "0").forward_with_trace(x)
    assert (trace.grid.rows, trace.grid.cols) == (3, 5)


def test_the_argument_is_untouched_and_weights_are_shared():
    vit, x = make(), pixels(batch=1)
    before = {name: value.clone() for name, value in vit.state_dict().items()}
    forward = type(vit).forward
    merging = mpm.apply(vit, "1")
    with torch.inference_mode():
        plain = vit(x)
        merging(x)
        assert torch.equal(vit(x), plain)
    assert type(vit).forward is forward and not vit._forward_hooks
    assert all(torch.equal(value, before[name]) for name, value in vit.state_dict().items())
    assert next(merging.parameters()).data_ptr() == next(vit.parameters()).data_ptr()


def test_gradients_flow_through_merges():
    merging = mpm.apply(make(), "1,2")
    merging(pixels(batch=2)).sum().backward()
    assert merging.vit.patch_embed.proj.weight.grad.abs().sum() > 0


def test_unfit_models_and_schedules_are_refused():
    with pytest.raises(TypeError, match="plain timm VisionTransformer .*, but got ResNet"):
        mpm.apply(timm.create_model("resnet10t"), "2")
    with pytest.raises(mpm.InputError, match="0 to 3"):
        mpm.apply(make(), "9")
    for variant in ("plain", "EVA-01"):
        dropping = mpm.apply(make(variant, patch_drop_rate=0.5), "1")
        dropping(pixels(1))
        with pytest.raises(ValueError, match="patch dropout"):
            dropping.train()(pixels(1))


@pytest.mark.parametrize("variant", VARIANTS)
@torch.inference_mode()
def test_our_embedding_is_timms_at_the_native_size(variant):
    vit, x = make(variant), pixels()
    expected = timm_embedding(vit, x)
    assert torch.allclose(embed(vit, x, PositionResizing("bilinear", False)), expected, atol=1e-6)


def test_positions_are_resized_per_axis():
    # A ramp along the columns stays a ramp along the columns on a non-square grid.
    ramp = torch.arange(6.0).repeat(4).reshape(1, 24, 1)
    resized = resize_positions(ramp, (4, 6), (2, 12), "bilinear", False).reshape(2, 12)
    assert torch.equal(resized[0], resized[1])
    assert (resized[0].diff() >= 0).all() and resized[0, 0] == 0 and resized[0, -1] == 5


def test_a_position_offset_goes_into_the_scale_as_dinov2_had_it():
    positions = torch.randn(1, 24, 2, generator=torch.Generator().manual_seed(0))
    plane = positions.reshape(1, 4, 6, 2).permute(0, 3, 1, 2)
    expected = torch.nn.functional.interpolate(plane, scale_factor=(5.1 / 4, 3.1 / 6), mode="bicubic")
    resized = resize_positions(positions, (4, 6), (5, 3), "bicubic", False, 0.1)
    assert torch.equal(resized, expected.flatten(2).transpose(1, 2))
    assert not torch.equal(resized, resize_positions(positions, (4, 6), (5, 3), "bicubic", False))
    assert resize_positions(positions, (4, 6), (4, 6), "bicubic", False, 0.1) is positions


@pytest.mark.parametrize(("old", "new"), [((37, 37), (1, 1)), ((37, 37), (200, 91)), ((3, 5), (61, 2))])
def test_an_offset_never_changes_the_number_of_patches(old, new):
    resized = resize_positions(torch.randn(1, old[0] * old[1], 1), old, new, "bicubic", False, 0.1)
    assert resized.shape == (1, new[0] * new[1], 1)


@torch.inference_mode()
def test_the_decoder_of_a_segmenter_on_eva_sees_its_fc_norm(tiny_config):
    args = {name: value for name, value in TINY.items() if name != "num_classes"}
    how = EncoderConfig("eva_giant_patch14_224", args, None, final_norm="fc_norm")
    torch.manual_seed(0)
    segmenter = mpm.Segmenter(replace(tiny_config, encoder=how)).eval()
    segmenter.encoder.norm.weight.normal_()
    vit, x = segmenter.encoder, pixels(batch=1)
    tokens = timm_embedding(vit, x)
    for block in vit.blocks:
        tokens = block(tokens)
    centred = tokens - tokens.mean(-1, keepdim=True)
    normed = centred / (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt() * vit.norm.weight
    expected = segmenter.decode(normed, mpm.Grid(4, 4, 8))
    torch.testing.assert_close(segmenter.logits(x), expected, atol=1e-4, rtol=0)
    assert segmenter.segment(torch.zeros(40, 40, 3, dtype=torch.uint8).numpy(), "1").trace.token_counts


def test_encoders_that_no_decoder_can_follow_are_refused():
    for words, name, args, norm in (
        ("has no 'norm' .* try final_norm 'fc_norm'", "eva_giant_patch14_224", {"depth": 1}, "norm"),
        ("has no 'fc_norm' .* try final_norm 'norm'", "vit_tiny_patch16_224", {}, "fc_norm"),
        ("but got ResNet", "resnet10t", {}, "norm"),
        ("timm has no model", "hf-hub:someone/something", {}, "norm"),
        ("timm cannot build", "vit_tiny_patch16_224", {"num_heads": 5}, "norm"),
        ("timm cannot build", "vit_tiny_patch16_224", {"nonsense": 5}, "norm"),
        ("by one convolution", "vit_tiny_r_s16_p8_224", {}, "norm"),
    ):
        with pytest.raises(mpm.InputError, match=words):
            build_encoder(EncoderConfig(name, args, final_norm=norm))
    for wrong in ({"final_norm": "other"}, {"position_offset": -1}, {"position_interpolation": "nearest"}):
        with pytest.raises(mpm.InputError, match="but got"):
            EncoderConfig("vit_tiny_patch16_224", **wrong)
