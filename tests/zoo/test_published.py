"""Published formats: the same numbers as plain functions on the raw tensors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.published_files import (
    DEIT,
    VIT,
    as_mmseg,
    dinov2_head,
    dinov2_tensors,
    linear_tensors,
    mask_tensors,
    write_segmenter,
)
from support.published_maths import affine, decode_batchnorm, decode_masks, encode, on_grid
from support.published_models import DEPTH, PATCH_PX, WIDTH, encoder_tensors, picture, write_dinov2

import mpm
from mpm.segmenters.config import SlidingConfig

SIZES = [(512, 512), (480, 640)]


@pytest.fixture(scope="module")
def mask_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published") / "seg_mask"
    return write_segmenter(folder, encoder_tensors(), mask_tensors(WIDTH, 2, 150), **VIT)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", ["mask", "linear"])
@pytest.mark.parametrize("variant", [VIT, DEIT], ids=["vit", "deit"])
@torch.inference_mode()
def test_segmenter_as_its_authors_publish_it(variant, kind, size, tmp_path):
    encoder = encoder_tensors(variant is DEIT)
    decoder = mask_tensors(WIDTH, 2, 150) if kind == "mask" else linear_tensors(WIDTH, 150)
    segmenter = mpm.load_segmenter(write_segmenter(tmp_path / "seg", encoder, decoder, **variant))
    pixels = picture(*size)
    tokens = encode(encoder, pixels, 1e-5, "bilinear")
    scores = decode_masks(decoder, tokens) if kind == "mask" else affine(decoder, "head", tokens)
    expected = on_grid(scores, pixels, PATCH_PX)
    torch.testing.assert_close(segmenter.logits(pixels), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("eps", "mode"), [(1e-6, "bilinear"), (1e-5, "bicubic")])
@torch.inference_mode()
def test_eps_and_interpolation_would_be_noticed(mask_folder, eps, mode):
    encoder, pixels = encoder_tensors(), picture(480, 640)
    scores = decode_masks(mask_tensors(WIDTH, 2, 150), encode(encoder, pixels, eps, mode))
    wrong = on_grid(scores, pixels, PATCH_PX)
    assert (mpm.load_segmenter(mask_folder).logits(pixels) - wrong).abs().max() > 1e-3


@torch.inference_mode()
def test_zeros_fill_the_right_and_the_bottom(mask_folder):
    segmenter, pixels = mpm.load_segmenter(mask_folder), picture(200, 310)
    padded = torch.nn.functional.pad(pixels, (0, 10, 0, 8))
    assert torch.equal(segmenter.logits(pixels), segmenter.logits(padded))


def test_everything_a_variant_says_is_kept(mask_folder, tmp_path):
    config = mpm.load_segmenter(mask_folder).config
    assert config.name == "seg_mask" and config.labels.name == "ade20k"
    assert (config.mean, config.std) == ((0.5,) * 3, (0.5,) * 3)
    assert config.sliding == SlidingConfig(512, 512, 480, max_aspect=4, fills_window=True)
    assert config.encoder.layer_norm_eps == config.decoder.layer_norm_eps == 1e-5
    assert (config.padding, config.encoder.position_interpolation) == ("right_bottom", "bilinear")
    by_file = mpm.load_segmenter(mask_folder / "checkpoint.pth").config
    assert by_file.to_json() == config.to_json() | {"name": "checkpoint"}

    decoder = linear_tensors(WIDTH, 19)
    variant = DEIT | {"classes": 19, "dataset": "cityscapes"}
    deit = write_segmenter(tmp_path / "deit", encoder_tensors(True), decoder, **variant)
    config = mpm.load_segmenter(deit).config
    assert config.labels.name == "cityscapes" and config.mean == (0.485, 0.456, 0.406)
    assert mpm.load_segmenter(deit).encoder.num_prefix_tokens == 2


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", ["mask", "linear"])
@torch.inference_mode()
def test_segmenter_as_mmsegmentation_publishes_it(kind, size, tmp_path):
    encoder = encoder_tensors()
    decoder = mask_tensors(WIDTH, 2, 150) if kind == "mask" else linear_tensors(WIDTH, 150)
    # Their files carry a "meta" with numpy's numbers and, before torch 1.6, the older format.
    meta = {"CLASSES": ("wall",), "PALETTE": [[1, 2, 3]], "hook_msgs": {"best_score": np.float64(0.4)}}
    torch.save(
        {"meta": meta, "state_dict": as_mmseg(encoder, decoder)},
        tmp_path / "seg.pth",
        _use_new_zipfile_serialization=kind == "mask",
    )
    segmenter, pixels = mpm.load_segmenter(tmp_path / "seg.pth"), picture(*size)
    tokens = encode(encoder, pixels, 1e-6, "bicubic")
    scores = decode_masks(decoder, tokens) if kind == "mask" else affine(decoder, "head", tokens)
    torch.testing.assert_close(segmenter.logits(pixels), on_grid(scores, pixels, 16), atol=1e-4, rtol=0)
    assert segmenter.config.sliding == SlidingConfig(512, 512, 480, max_aspect=4, stretches_padding=True)


@torch.inference_mode()
def test_both_trainings_give_the_same_masks_once_set_alike(mask_folder, tmp_path):
    torch.save({"state_dict": as_mmseg(encoder_tensors(), mask_tensors(WIDTH, 2, 150))}, tmp_path / "seg.pth")
    theirs, ours = mpm.load_segmenter(tmp_path / "seg.pth"), mpm.load_segmenter(mask_folder)
    assert theirs.config.encoder != ours.config.encoder
    alike = mpm.Segmenter(replace(theirs.config, encoder=ours.config.encoder)).eval()
    alike.load_state_dict(theirs.state_dict())
    pixels = picture(480, 640)
    assert torch.equal(alike.logits(pixels, "1"), ours.logits(pixels, "1"))
    assert not torch.equal(theirs.logits(pixels), ours.logits(pixels))


@pytest.mark.parametrize("size", [(518, 518), (476, 644)], ids=str)
@torch.inference_mode()
def test_dinov2_with_its_linear_head(size, tmp_path):
    segmenter, pixels = mpm.load_segmenter(write_dinov2(tmp_path)), picture(*size)
    tokens = encode(dinov2_tensors(WIDTH, DEPTH, 37), pixels, 1e-6, "bicubic", 0.1, layer_scale=True)
    expected = on_grid(decode_batchnorm(dinov2_head(WIDTH, 150), tokens), pixels, 14)
    torch.testing.assert_close(segmenter.logits(pixels), expected, atol=1e-4, rtol=0)
    assert segmenter.config.padding == "centred"
    assert segmenter.config.sliding == SlidingConfig(512, 512, 341, max_aspect=4, stretches_padding=True)


@torch.inference_mode()
def test_the_position_offset_would_be_noticed(tmp_path):
    segmenter, pixels = mpm.load_segmenter(write_dinov2(tmp_path)), picture(280, 420)
    tokens = encode(dinov2_tensors(WIDTH, DEPTH, 37), pixels, 1e-6, "bicubic", 0, layer_scale=True)
    wrong = on_grid(decode_batchnorm(dinov2_head(WIDTH, 150), tokens), pixels, 14)
    assert (segmenter.logits(pixels) - wrong).abs().max() > 1e-3


def test_a_published_model_runs_with_merges_and_is_kept_in_our_format(mask_folder, tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    for number, path in enumerate((mask_folder, write_dinov2(tmp_path))):
        segmenter = mpm.load_segmenter(path)
        run = segmenter.segment(image, "0,1", resolution=96)
        assert run.labels.shape == (96, 128) and run.trace.token_counts[-1] < run.trace.token_counts[0]
        again = mpm.load_segmenter(mpm.save_segmenter(segmenter, tmp_path / f"ours{number}"))
        assert again.config.to_json() == segmenter.config.to_json()
        for name, value in segmenter.state_dict().items():
            halved = value.half().float() if value.is_floating_point() else value
            assert torch.equal(again.state_dict()[name], halved)
