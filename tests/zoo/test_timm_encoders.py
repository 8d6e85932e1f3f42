"""timm's ViT as encoders of a segmenter."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from support.published_models import picture

import mpm
from mpm.__main__ import main


@torch.inference_mode()
def test_a_timm_encoder_with_a_seeded_random_decoder():
    first, second = (mpm.load_segmenter("timm:vit_tiny_patch16_224+linear+random") for _ in range(2))
    pixels = picture(64, 96)
    assert torch.equal(first.logits(pixels, "2,5"), second.logits(pixels, "2,5"))
    assert "mean nothing" in first.config.remark and first.config.decoder.kind == "linear"
    how = first.config.encoder
    assert how.position_interpolation == "bicubic" and how.position_antialias


@pytest.mark.parametrize(
    ("model", "final_norm"), [("vit_tiny_patch16_224", "norm"), ("vit_wee_patch16_reg1_gap_256", "fc_norm")]
)
@torch.inference_mode()
def test_pretrained_encoder_weights_are_timms(model, final_norm, monkeypatch):
    real, made = timm.create_model, []

    def stand_in_for_the_hub(name, pretrained=False, **more):
        encoder = real(name, pretrained=False, **more).eval()
        if pretrained:
            for parameter in encoder.parameters():
                parameter.normal_(std=0.1, generator=torch.Generator().manual_seed(1))
            made.append(copy.deepcopy(encoder))
        return encoder

    monkeypatch.setattr(timm, "create_model", stand_in_for_the_hub)
    segmenter = mpm.load_segmenter(f"timm:{model}+linear")
    side = made[0].patch_embed.img_size[0]
    pixels, config = picture(side, side), segmenter.config
    tokens = made[0].fc_norm(made[0].norm(made[0].blocks(embedded(made[0], pixels))))
    expected = segmenter.decode(tokens, mpm.Grid(side // 16, side // 16, 16))
    torch.testing.assert_close(segmenter.logits(pixels), expected, atol=1e-4, rtol=0)
    assert config.encoder.final_norm == final_norm and config.resolution == side
    assert "masks mean nothing" in config.remark


def embedded(vit, pixels):
    return vit.norm_pre(vit._pos_embed(vit.patch_embed(pixels)))


@pytest.mark.parametrize(
    "name",
    [
        "vit_small_patch16_18x2_224+mask",  # two attentions side by side
        "vit_small_patch16_18x2_224+linear",
        "vit_base_patch16_xp_224+mask",  # attention and MLP side by side
        "vit_base_patch16_radio_v3+mask",  # no norm behind its blocks
    ],
)
@torch.inference_mode()
def test_unusual_blocks_run_alone_and_in_a_batch(name):
    segmenter, pixels = mpm.load_segmenter(f"timm:{name}+random"), torch.randn(2, 3, 48, 64)
    for recipe in ("none", "2,5", "2,5|sizes"):
        together = segmenter.logits(pixels, recipe)
        alone = torch.cat([segmenter.logits(one[None], recipe) for one in pixels])
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    if name.endswith("mask"):
        assert segmenter.config.decoder.heads == {384: 6, 768: 12}[segmenter.encoder.embed_dim]


@pytest.mark.parametrize("name", ["deepseek_vit_412m", "gemma4_vit_167m_enc", "qwen3_vit_88m_enc"])
def test_rotary_vits_of_other_kinds_are_refused_in_a_sentence(name):
    if not timm.is_model(name):
        pytest.skip("this timm has no such model")
    with pytest.raises(mpm.InputError, match="must be a plain timm VisionTransformer, but got") as caught:
        mpm.load_segmenter(f"timm:{name}+random")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["eva02_tiny_patch14_224", "vit_small_patch16_dinov3", "vit_small_patch16_rope_mixed_224"]
)
def test_the_benchmark_runs_rotary_encoders(name, capsys):
    arguments = ["--resolution", "64", "--runs", "1", "--warmup", "1", "--pictures", "1"]
    model = f"timm:{name}+linear+random"
    assert main(["bench", "--model", model, "--recipes", "2,5", "2,5|residual,sizes", *arguments]) == 0
    assert "2,5 ideal" in capsys.readouterr().out


def test_nothing_is_downloaded_for_a_model_that_cannot_run(monkeypatch):
    real = timm.create_model

    def create(name, pretrained=False, **more):
        assert not pretrained, "a download"
        return real(name, **more)

    monkeypatch.setattr(timm, "create_model", create)
    with pytest.raises(mpm.InputError, match="but got ResNet"):
        mpm.load_segmenter("timm:resnet10t")


def test_timm_names_that_are_refused():
    for name, words in {
        "timm:": "Expected timm:NAME",
        "timm:vit_tiny_patch16_224+other": "Expected timm:NAME",
        "timm:vit_tiny_patch16_224+mask+linear": "Expected timm:NAME",
        "timm:no_such_vit": "timm has no model 'no_such_vit'",
        "timm:hf-hub:someone/something": "timm has no model",
        "timm:resnet10t+random": "but got ResNet",
        "timm:naflexvit_base_patch16_radio_v3": "got NaFlexVit: try timm:vit_base_patch16_radio_v3[.]$",
        "timm:naflexvit_base_patch16_radio_v3.c_radio": "try timm:vit_base_patch16_radio_v3.c_radio[.]$",
        "timm:naflexvit_base_patch16_par_gap+random": "but got NaFlexVit[.]$",
        "timm:vit_tiny_patch16_224.nonsense+random": "cannot be loaded: Invalid pretrained tag",
        "timm:vit_tiny_patch16_224": r"cannot be loaded: .*vit_tiny_patch16_224\+random needs no download",
    }.items():
        with pytest.raises(mpm.InputError, match=words) as caught:
            mpm.load_segmenter(name)
        assert "\n" not in str(caught.value)
