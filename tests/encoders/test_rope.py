"""Rotary encoders: bit-equal to timm without merges, and turned by the groups' own places after them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from support.rotary_angles import patch_angles, rows_of

import mpm
from mpm.encoders.pick import why_unsupported
from mpm.encoders.rope import RopeEncoder
from mpm.encoders.run import encode

TINY = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 4, "num_heads": 2, "num_classes": 5}
SMALL = (
    "eva02_tiny_patch14_224",
    "vit_small_patch16_dinov3",
    "vit_pe_core_tiny_patch16_384",
    "vit_pe_spatial_tiny_patch16_512",
    "vit_small_patch16_rope_224",
    "vit_small_patch16_rope_mixed_224",
    "vit_small_patch16_rope_mixed_ape_224",
    "vit_medium_patch16_rope_reg1_gap_256",
)
"""One of every family, small enough to be built whole."""
NAMES = (*SMALL, *(name for name in ("vit_base_patch16_sapiens2",) if timm.is_model(name)))
"""Those of later releases of timm as well. Sapiens2 has heads of queries that share a head of keys."""
EVA = timm.list_models(module="eva")
"""All that timm builds of this kind, most of them with a rotary table."""


def make(name, **more):
    torch.manual_seed(0)
    shared = {"num_kv_heads": 1} if name.endswith("sapiens2") else {}
    return timm.create_model(name, **{**TINY, **shared, **more}).eval()


def pixels(batch=2, height=32, width=32, seed=1):
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_without_merges_it_is_timm_bit_for_bit(name):
    vit, x = make(name), pixels()
    merging = mpm.apply(vit, "none")
    assert isinstance(merging.encoder, RopeEncoder)
    assert torch.equal(merging.forward_features(x), vit.forward_features(x))
    assert torch.equal(merging(x), vit(x))


@pytest.mark.parametrize("name", EVA)
@torch.inference_mode()
def test_every_eva_of_timm_runs(name):
    vit, x = make(name), pixels(1)
    assert isinstance(mpm.apply(vit, "none").encoder, RopeEncoder) == (vit.rope is not None)
    assert torch.equal(mpm.apply(vit, "none").forward_features(x), vit.forward_features(x))
    recipes = ["1,3", "1,3|residual,sizes", "bipartite(0.2)@1,2"]
    for recipe in (*recipes, "0,2|after-attention,residual") if vit.rope is not None else recipes:
        features, trace = mpm.apply(vit, recipe).forward_with_trace(x)
        assert features.isfinite().all() and trace.token_counts[-1] < 16


@pytest.mark.parametrize("name", ["deepseek_vit_412m_enc", "gemma4_vit_167m_enc", "qwen3_vit_88m_enc"])
def test_rotary_vits_of_other_kinds_are_refused_in_words(name):
    if not timm.is_model(name):
        pytest.skip("this timm has no such model")
    with torch.device("meta"):
        vit = timm.create_model(name)
    with pytest.raises(TypeError, match=f"but got {type(vit).__name__}") as caught:
        mpm.apply(vit, "1")
    assert why_unsupported(vit) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("rope_type", ["cat", "mixed", "dinov3", "mrope"])
@torch.inference_mode()
def test_any_table_that_timm_makes(rope_type):
    how = {"rope_mrope_section": (2, 3, 3)} if rope_type == "mrope" else {}
    try:
        vit = make("eva02_tiny_patch14_224", rope_type=rope_type, **how)
    except (TypeError, ValueError):
        pytest.skip(f"this timm makes no table {rope_type}")
    merging, x = mpm.apply(vit, "none"), pixels(1)
    assert torch.equal(merging(x), vit(x))
    assert mpm.apply(vit, "1").forward_with_trace(x)[1].token_counts[-1] < 16


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_dropped_tokens_leave_the_rows_of_the_first(name):
    """The benchmark's ideal cuts tokens off, as if merging were free: token t is patch t still."""
    vit, x = make(name), pixels(1)

    def cut(encoder, state, call, recipe, clock):
        return replace(state, tokens=state.tokens[:, : state.prefix + 9], counts=(9,))

    (state,) = encode(mpm.apply(vit, "none").encoder, x, mpm.Recipe.parse("2"), insert=cut)
    tokens, table = vit._pos_embed(vit.patch_embed(x))
    tokens = vit.norm_pre(tokens)
    for number, block in enumerate(vit.blocks):
        rows = table[number] if vit.rope_mixed else table
        if number >= 2:
            tokens, rows = tokens[:, : vit.num_prefix_tokens + 9], rows[..., :9, :]
        tokens = block(tokens, rope=rows)
    assert torch.allclose(state.tokens, tokens, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_any_grid_bit_for_bit(name):
    vit, x = make(name, dynamic_img_size=True), pixels(1, 24, 56)
    assert torch.equal(mpm.apply(vit, "none")(x), vit(x))
    _, trace = mpm.apply(vit, "1").forward_with_trace(x)
    assert (trace.grid.rows, trace.grid.cols) == (3, 7) and trace.token_counts[-1] < 21


SIDE = 16  # Tables made for 32 rows turn by more than half a circle a step on grids of ten.


def rows_of_groups(vit, groups, table):
    """A token a group: at the mean of its patches where that lies in one of them, else at the first one."""
    angles = patch_angles(vit.rope, SIDE, SIDE)
    half = getattr(vit.blocks[0].attn, "rotate_half", False)
    rows = []
    for name in groups.unique():
        members = (groups == name).nonzero().flatten()
        places = torch.stack([members // SIDE, members % SIDE], 1).float()
        inside = ((places - places.mean(0)).abs() <= 0.5).all(1).any()
        mean = rows_of(angles[..., members, :].mean(-2), half)
        rows.append(mean if inside else table[..., members[0], :])
    return torch.stack(rows, -2)


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_merging_matches_a_loop_written_out(name):
    vit, x = make(name, img_size=8 * SIDE, dynamic_img_size=True), pixels(1, 8 * SIDE, 8 * SIDE)
    prefix = vit.num_prefix_tokens
    tokens, table = vit._pos_embed(vit.patch_embed(x))
    tokens, groups, maps = vit.norm_pre(tokens), torch.arange(SIDE**2), []
    for number, block in enumerate(vit.blocks):
        if number in (1, 3):
            found = mpm.mutual_pairs(tokens[:, prefix:])
            tokens = torch.cat([tokens[:, :prefix], found.merge(tokens[:, prefix:])], 1)
            maps.append(found)
            groups = found.index[0, groups]
        own = rows_of_groups(vit, groups, table)
        tokens = block(tokens, rope=own[number] if vit.rope_mixed else own)
    patches = maps[0].reconstruct(maps[1].reconstruct(tokens[:, prefix:]))
    expected = vit.norm(torch.cat([tokens[:, :prefix], patches], 1))
    features, trace = mpm.apply(vit, "1,3").forward_with_trace(x)
    assert torch.allclose(features, expected, atol=1e-5)
    assert trace.token_counts == [SIDE**2, *(int(one.counts) for one in maps)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("recipe", ["0,2", "0,2|sizes"])
@torch.inference_mode()
def test_an_image_is_the_same_alone_and_in_any_batch(name, recipe, monkeypatch):
    merging, x = mpm.apply(make(name), recipe), pixels(4)
    together, trace = merging.forward_with_trace(x)
    assert len({one.token_counts[-1] for one in trace}) > 1, "the images keep different numbers"
    for image in range(4):
        assert torch.equal(merging.forward_features(x[image : image + 1])[0], together[image])
    # The path of accelerators, where images stay together: equal up to rounding.
    monkeypatch.setattr("mpm.encoders.run.runs_alone", lambda *_: False)
    assert torch.allclose(merging.forward_features(x), together, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_keys_are_those_of_attention_before_any_rotation(name, monkeypatch):
    vit, x = make(name), pixels(1)
    merging = mpm.apply(vit, "none")
    state = merging.encoder.embed(x)
    seen = []
    monkeypatch.setattr(
        torch.nn.functional, "scaled_dot_product_attention", lambda q, k, v, **_: (seen.append(k), v)[1]
    )
    vit.blocks[0](state.tokens)  # without a table nothing is turned
    keys = merging.encoder.keys(state)
    assert torch.allclose(keys, seen[0][:, :, vit.num_prefix_tokens :], atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_as_the_encoder_of_a_segmenter(name):
    segmenter = mpm.load_segmenter(f"timm:{name}+linear+random")
    picture = np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8)
    side = 2 * segmenter.patch_px
    run = segmenter.segment(picture, "0,2", resolution=side)
    assert run.labels.shape == (40, 70) and run.grid.rows == 2 and run.grid.cols == 4
    assert run.trace.token_counts[-1] < 8
    x, geometry = segmenter.preprocess(picture, side)
    with torch.inference_mode():
        plain = segmenter.encoder.forward_features(x)
        expected = segmenter.decode(plain, geometry.grid)
    found = segmenter.segment(picture, "none", resolution=side)
    assert np.allclose(found.logits, expected[0].numpy(), atol=1e-3)


def test_a_table_for_one_grid_only_is_refused_in_words(tiny_config):
    from mpm.segmenters.config import EncoderConfig

    arguments = {name: value for name, value in TINY.items() if name != "num_classes"}
    how = EncoderConfig("vit_small_patch16_rope_224", arguments, None)
    segmenter = mpm.Segmenter(replace(tiny_config, encoder=how)).eval()
    assert segmenter.segment(np.zeros((32, 32, 3), np.uint8), "1", resolution=32).grid.size == 16
    with pytest.raises(mpm.InputError, match="made for 16 patches, but the picture has 24"):
        segmenter.segment(np.zeros((32, 48, 3), np.uint8), "1", resolution=32)
