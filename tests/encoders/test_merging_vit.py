"""`mpm.apply` beside what timm's users do: own classes, patches, helpers, checkpointing, tracing."""

from __future__ import annotations

import types

import pytest
import timm
import torch
from support.small_vits import TINY
from timm.data import resolve_model_data_config
from timm.models.vision_transformer import Block, VisionTransformer
from timm.optim import create_optimizer_v2, param_groups_layer_decay
from torch import nn

import mpm


def make(name="vit_tiny_patch16_224", **extra):
    torch.manual_seed(0)
    return timm.create_model(name, **{**TINY, **extra}).eval()


def pixels(batch=2, height=32, width=32, seed=1):
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))


class Prompted(VisionTransformer):
    def _pos_embed(self, x):
        return super()._pos_embed(x) + 1


class OwnBlock(Block):
    def forward(self, x, **how):
        return super().forward(x, **how) * 2


def replaced(vit, name):
    setattr(vit, name, types.MethodType(lambda self, x, *_: x, vit))
    return vit


def hooked(vit):
    vit.register_forward_hook(lambda *_: None)
    return vit


def with_own_block(vit):
    vit.blocks[1].__class__ = OwnBlock  # as ToMe patches a model
    return vit


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Prompted(**TINY), "Prompted, a class of its own: what it changes would be lost"),
        (lambda: replaced(make(), "forward_features"), "forward_features was replaced"),
        (lambda: replaced(make(), "_pos_embed"), "_pos_embed was replaced"),
        (lambda: with_own_block(make()), "OwnBlock blocks, which are not timm's"),
        (lambda: hooked(make()), "hooks on its forward"),
        (lambda: nn.Linear(2, 2), "but got Linear"),
        (lambda: replaced(make("eva02_tiny_patch14_224"), "_pos_embed"), "_pos_embed was replaced"),
    ],
)
def test_what_would_be_lost_is_refused(build, words):
    with pytest.raises(TypeError, match=words):
        mpm.apply(build(), "1")


def test_a_replaced_attention_is_refused():
    vit = make()
    replaced(vit.blocks[2].attn, "forward")
    with pytest.raises(TypeError, match="forward was replaced"):
        mpm.apply(vit, "1")


@torch.inference_mode()
def test_timms_own_classes_stay():
    distilled = make("deit_tiny_distilled_patch16_224")
    assert torch.equal(mpm.apply(distilled, "none")(pixels()), distilled(pixels()))


def test_mode_and_checkpointing_are_its_own_and_weights_are_shared():
    vit = make()
    merging = mpm.apply(vit, "1").train()
    merging.set_grad_checkpointing()
    assert merging.vit.training and not vit.training and not vit.blocks[0].training
    assert merging.vit.grad_checkpointing and not vit.grad_checkpointing
    with torch.no_grad():
        vit.head.bias.add_(1)
    assert torch.equal(merging.vit.head.bias, vit.head.bias)
    assert {id(one) for one in merging.parameters()} == {id(one) for one in vit.parameters()}


def test_the_recipe_may_be_set():
    merging = mpm.apply(make(), "1")
    merging.schedule = "none"
    assert str(merging.recipe) == "none" == str(merging.schedule)
    merging.recipe = (0, 2)
    assert str(merging.schedule) == "0,2"
    with pytest.raises(mpm.InputError, match="0 to 3"):
        merging.schedule = "9"
    with pytest.raises(mpm.InputError, match="ViT alone"):
        merging.recipe = "1|decode-merged"


def test_timms_helpers_see_the_vit():
    vit = make("vit_base_patch16_clip_224")
    merging = mpm.apply(vit, "1")
    assert resolve_model_data_config(merging) == resolve_model_data_config(vit)
    groups = param_groups_layer_decay(merging, 0.05, merging.no_weight_decay())
    plain = param_groups_layer_decay(vit, 0.05, vit.no_weight_decay())
    assert len(groups) == len(plain)
    sizes = [[sum(map(torch.numel, group["params"])), group["lr_scale"]] for group in groups]
    assert sizes == [[sum(map(torch.numel, group["params"])), group["lr_scale"]] for group in plain]
    own, theirs = (create_optimizer_v2(one, "adamw", weight_decay=0.05) for one in (merging, vit))
    assert [len(group["params"]) for group in own.param_groups] == [
        len(group["params"]) for group in theirs.param_groups
    ]


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "eva02_tiny_patch14_224"])
@pytest.mark.parametrize("recipe", ["none", "1,2", "1,2|sizes"])
def test_checkpointing_keeps_nothing_and_gives_the_same_gradients(name, recipe, monkeypatch):
    vit = make(name)
    calls = []
    for block in vit.blocks:
        block.register_forward_pre_hook(lambda *_: calls.append(1))
    merging = mpm.apply(vit, recipe)
    merging(pixels(1)).sum().backward()
    plain, calls[:] = vit.patch_embed.proj.weight.grad.clone(), []
    vit.zero_grad()
    merging.set_grad_checkpointing()
    merging(pixels(1)).sum().backward()
    assert len(calls) == 8, "every block runs again for its gradients"
    assert torch.allclose(vit.patch_embed.proj.weight.grad, plain, atol=1e-6)


def test_a_run_with_merges_is_not_traced():
    merging = mpm.apply(make(), "1")
    with pytest.raises(mpm.InputError, match="cannot be traced"):
        torch.jit.trace(merging, pixels(1))
    with torch.inference_mode():
        merging.recipe = "none"
        traced = torch.jit.trace(merging, pixels(1), check_trace=False)
        assert torch.allclose(traced(pixels(1, seed=2)), merging(pixels(1, seed=2)), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "size", "extra", "grid"),
    [
        ("vit_tiny_patch16_224", 39, {"dynamic_img_size": True, "dynamic_img_pad": True}, (5, 5)),
        (
            "vit_small_patch14_dinov2",
            230,
            {"img_size": 230, "patch_size": 14},
            (16, 16),
        ),
        ("vit_small_patch14_dinov2", 39, {"img_size": 39, "patch_size": 8}, (4, 4)),
    ],
)
@torch.inference_mode()
def test_the_grid_is_the_one_that_timm_cuts(name, size, extra, grid):
    vit, x = make(name, **extra), pixels(1, size, size)
    features, trace = mpm.apply(vit, "1").forward_with_trace(x)
    assert (trace.grid.rows, trace.grid.cols) == grid
    assert features.shape == vit.forward_features(x).shape
    assert torch.equal(mpm.apply(vit, "none")(x), vit(x))


@torch.inference_mode()
def test_hybrids_count_cells_of_their_feature_maps():
    vit = timm.create_model("vit_tiny_r_s16_p8_224", num_classes=5).eval()
    x = pixels(1, 224, 224)
    _, trace = mpm.apply(vit, "1").forward_with_trace(x)
    assert trace.grid.size == vit.patch_embed.num_patches == trace.token_counts[0]
    assert trace.grid.patch_px == 32 and torch.equal(mpm.apply(vit, "none")(x), vit(x))


@torch.inference_mode()
def test_an_image_s_answer_is_the_same_alone_and_in_any_batch():
    vit = make(embed_dim=192, num_heads=3, num_classes=1000)
    merging, x = mpm.apply(vit, "1,2"), pixels(5)
    together = merging(x)
    for image in range(5):
        assert torch.equal(merging(x[image : image + 1])[0], together[image])


@torch.inference_mode()
def test_an_empty_batch_has_an_empty_answer():
    merging = mpm.apply(make(), "1")
    assert merging(pixels(0)).shape == (0, 5)
    features, trace = merging.forward_with_trace(pixels(0))
    assert features.shape == (0, 17, 24) and len(trace) == 0


@pytest.mark.parametrize(
    "name", ["vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224", "eva02_tiny_patch14_224"]
)
@torch.inference_mode()
def test_intermediates_are_timms_without_merges_and_whole_grids_with_them(name):
    vit, x = make(name), pixels(2)
    plain = mpm.apply(vit, "none")
    for options in ({}, {"indices": [1, 3]}, {"indices": 2, "norm": True}, {"output_fmt": "NLC"}):
        (own, many), (theirs, expected) = (
            plain.forward_intermediates(x, **options),
            vit.forward_intermediates(x, **options),
        )
        assert torch.equal(own, theirs)
        assert all(torch.equal(one, other) for one, other in zip(many, expected, strict=True))
    pairs = plain.forward_intermediates(x, return_prefix_tokens=True, intermediates_only=True)
    expected = vit.forward_intermediates(x, return_prefix_tokens=True, intermediates_only=True)
    assert all(
        torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in zip(pairs, expected, strict=True)
    )
    merging = mpm.apply(vit, "1,3")
    final, (first, last) = merging.forward_intermediates(x, [0, 3], output_fmt="NLC", norm=True)
    _, trace = merging.forward_with_trace(x)
    assert torch.equal(final, merging.forward_features(x)) and torch.equal(last, final[:, -16:])
    assert torch.equal(first, vit.forward_intermediates(x, [0], output_fmt="NLC", norm=True)[1][0])
    groups = trace[0].groups(2).ravel()
    members = last[0][torch.from_numpy(groups == groups[0])]
    assert torch.equal(members, members[:1].expand_as(members)), "who merged shares one token"
    with pytest.raises(ValueError, match="NCHW or NLC"):
        merging.forward_intermediates(x, output_fmt="NHWC")
