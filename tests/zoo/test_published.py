"""Published formats: the same numbers as plain functions on the raw tensors, and no trust in the files."""

from __future__ import annotations

import copy
import os
import pickle
import threading
import time
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from support.published_files import (
    DEIT,
    VIT,
    affine,
    as_mmseg,
    decode_batchnorm,
    decode_masks,
    dinov2_head,
    dinov2_tensors,
    encode,
    linear_tensors,
    mask_tensors,
    on_grid,
    vit_tensors,
    write_segmenter,
)

import mpm
from mpm.segmenters.config import SlidingConfig
from mpm.zoo.formats import pickled

WIDTH, DEPTH, PATCH_PX, SIZE = 128, 2, 16, 512
SIZES = [(512, 512), (480, 640)]


def picture(height: int, width: int) -> torch.Tensor:
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(height))


def encoder_tensors(distilled: bool = False) -> dict:
    return vit_tensors(WIDTH, DEPTH, PATCH_PX, (SIZE // PATCH_PX) ** 2, distilled)


@pytest.fixture(scope="module")
def mask_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published") / "seg_mask"
    return write_segmenter(folder, encoder_tensors(), mask_tensors(WIDTH, 2, 150), **VIT)


# --- Equal to an independent implementation ----------------------------------------------------------------


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
    assert config.sliding == SlidingConfig(512, 512, 480, max_aspect=4)
    assert config.encoder.layer_norm_eps == config.decoder.layer_norm_eps == 1e-5
    assert (config.padding, config.encoder.position_interpolation) == ("right_bottom", "bilinear")
    by_file = mpm.load_segmenter(mask_folder / "checkpoint.pth").config
    assert by_file.to_json() == config.to_json() | {"name": "checkpoint"}

    decoder = linear_tensors(WIDTH, 19)
    deit = write_segmenter(tmp_path / "deit", encoder_tensors(True), decoder, **DEIT | {"classes": 19})
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
    assert segmenter.config.sliding == SlidingConfig(512, 512, 480, max_aspect=4)


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


def write_dinov2(folder, backbone=None, head=None):
    torch.save(backbone or dinov2_tensors(WIDTH, DEPTH, 37), folder / "dinov2_pretrain.pth")
    torch.save({"state_dict": head or dinov2_head(WIDTH, 150)}, folder / "dinov2_ade20k_linear_head.pth")
    return folder


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


# --- Files that do not fit ---------------------------------------------------------------------------------


def edit_variant(before, after):
    def edit(folder):
        text = (folder / "variant.yml").read_text()
        assert before in text
        (folder / "variant.yml").write_text(text.replace(before, after))

    return edit


def edit_tensors(change):
    def edit(folder):
        data = torch.load(folder / "checkpoint.pth", weights_only=True)
        change(data["model"])
        torch.save(data, folder / "checkpoint.pth")

    return edit


def put(name, value):
    return edit_tensors(lambda tensors: tensors.update({name: value}))


def drop(name):
    return edit_tensors(lambda tensors: tensors.pop(name))


def replace_file(content, name="checkpoint.pth"):
    return lambda folder: (folder / name).write_bytes(content)


def truncate(folder):
    path = folder / "checkpoint.pth"
    path.write_bytes(path.read_bytes()[:-200])


def compress(folder):
    path = folder / "checkpoint.pth"
    with zipfile.ZipFile(path) as old:
        records = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in records.items():
            new.writestr(name, content)


def inflate(folder):
    with (folder / "checkpoint.pth").open("ab") as file:
        file.truncate(pickled.MAX_FILE_BYTES + 1)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (truncate, "truncated"),
        (replace_file(b""), "truncated"),
        (replace_file(b"\x80\x02}q\x00."), "truncated, damaged"),
        (replace_file(b"PK\x03\x04" + bytes(100)), "truncated"),
        (inflate, "more than the"),
        (compress, "compressed"),
        (lambda folder: (folder / "checkpoint.pth").unlink(), "No such file"),
        (drop("encoder.cls_token"), "lacks encoder.cls_token"),
        (drop("encoder.pos_embed"), "lacks encoder.pos_embed"),
        (put("encoder.other", torch.zeros(1)), "unknown encoder.other"),
        (put("decoder.mask_norm.bias", torch.zeros(3)), "another shape for dec"),
        (put("encoder.cls_token", "text"), "something else than a plain tensor"),
        (put("encoder.big", torch.zeros(1).expand(10**12)), "claims tensors of 4"),
        (put("encoder.x", torch.zeros(1, device="meta")), "plain tensor"),
        pytest.param(
            put("encoder.x", torch.eye(2).to_sparse()),
            "plain tensor",
            marks=pytest.mark.filterwarnings("ignore:Validating sparse"),
        ),
        (edit_variant("n_layers: 2\n  norm", "n_layers: 99999999\n  norm"), "says n_layers 99999999"),
        (edit_variant("image_size: !!python/tuple\n  - 512\n  - 512", "image_size: 256"), "1024 positions"),
        (edit_variant("n_heads: 1", "n_heads: 0"), "among 0 attention heads"),
        (edit_variant("normalization: vit\n  patch", "normalization: other\n  patch"), "misstates 'other'"),
        (edit_variant("inference_kwargs", "inference"), "misstates 'inference_kwargs'"),
        (edit_variant("  window_stride: 480", "  window_stride: 0"), "stride_px"),
        (replace_file(b"- a\n", "variant.yml"), "table of settings"),
        (replace_file(b"{a: [", "variant.yml"), "variant.yml of the checkpoint cannot be read"),
        (replace_file(b"{a: " * 3_000, "variant.yml"), "variant.yml of the checkpoint cannot be read"),
        (replace_file(b"#" * (1 << 17), "variant.yml"), "larger than"),
    ],
)
def test_broken_files_are_refused_with_one_sentence(tmp_path, damage, words):
    encoder = vit_tensors(64, 2, PATCH_PX, 1024)
    variant = VIT | {"width": 64, "heads": 1, "classes": 19}
    folder = write_segmenter(tmp_path / "seg", encoder, mask_tensors(64, 1, 19), **variant)
    damage(folder)
    with pytest.raises(mpm.InputError, match=words) as caught:
        mpm.load_segmenter(folder)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


class Hostile:
    """Pickled, it makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["model", "optimizer"])
def test_a_pickle_that_would_run_code_is_refused_and_nothing_runs(tmp_path, place, zipped):
    proof = tmp_path / "ran"
    file = tmp_path / "seg.pth"
    torch.save({"model": {}, place: Hostile(proof)}, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(mpm.InputError, match="nothing in it ran: it asks for (posix|nt|os).mkdir"):
        mpm.load_segmenter(file)
    file.write_bytes(pickle.dumps(Hostile(proof)))
    with pytest.raises(mpm.InputError, match=r"seg\.pth"):
        mpm.load_segmenter(file)
    assert not proof.exists()


def test_a_variant_that_would_run_code_is_refused_and_nothing_runs(tmp_path):
    proof = tmp_path / "ran"
    (tmp_path / "variant.yml").write_text(f"a: !!python/object/apply:os.mkdir ['{proof}']")
    torch.save({}, tmp_path / "checkpoint.pth")
    with pytest.raises(mpm.InputError, match="variant.yml of the checkpoint cannot be read"):
        mpm.load_segmenter(tmp_path)
    assert not proof.exists()


def test_dinov2_and_mmseg_files_that_do_not_fit(tmp_path):
    head = dinov2_head(2 * WIDTH, 150)
    with pytest.raises(mpm.InputError, match="another shape for decoder"):
        mpm.load_segmenter(write_dinov2(tmp_path, head=head))
    with pytest.raises(mpm.InputError, match="decode_head only, but got stranger"):
        mpm.load_segmenter(write_dinov2(tmp_path, head={"stranger": torch.zeros(1)}))
    odd = dinov2_tensors(WIDTH, 1, 37) | {"pos_embed": torch.zeros(1, 8, WIDTH)}
    with pytest.raises(mpm.InputError, match="no square grid"):
        mpm.load_segmenter(write_dinov2(tmp_path, odd))
    tensors = as_mmseg(encoder_tensors(), linear_tensors(WIDTH, 21))
    torch.save(tensors, tmp_path / "seg.pth")
    with pytest.raises(mpm.InputError, match="21 classes; known are 11"):
        mpm.load_segmenter(tmp_path / "seg.pth")
    torch.save(tensors | {"encoder.norm.weight": torch.zeros(WIDTH)}, tmp_path / "seg.pth")
    with pytest.raises(mpm.InputError, match="two tensors for encoder.norm.weight"):
        mpm.load_segmenter(tmp_path / "seg.pth")
    with pytest.raises(mpm.InputError, match="known format"):
        mpm.load_segmenter(tmp_path)


# --- timm's ViT as encoders --------------------------------------------------------------------------------


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


def test_timm_names_that_are_refused():
    for name, words in {
        "timm:": "expected timm:NAME",
        "timm:vit_tiny_patch16_224+other": "expected timm:NAME",
        "timm:vit_tiny_patch16_224+mask+linear": "expected timm:NAME",
        "timm:no_such_vit": "timm has no model 'no_such_vit'",
        "timm:hf-hub:someone/something": "timm has no model",
        "timm:resnet10t+random": "but got ResNet",
        "timm:vit_tiny_patch16_224.nonsense+random": "cannot be loaded: Invalid pretrained tag",
        "timm:vit_tiny_patch16_224": r"cannot be loaded: .*vit_tiny_patch16_224\+random needs no download",
    }.items():
        with pytest.raises(mpm.InputError, match=words) as caught:
            mpm.load_segmenter(name)
        assert "\n" not in str(caught.value)


def test_loads_at_once_keep_the_allowed_globals_of_each_other(tmp_path, monkeypatch):
    path = tmp_path / "weights.pth"
    torch.save({"meta": {"best": np.float64(1)}, "state_dict": {"a": torch.zeros(2)}}, path)
    plain, refused = torch.load, []

    def slow(*args, **rest):
        time.sleep(0.05)  # whoever came first leaves meanwhile
        return plain(*args, **rest)

    def load(wait_s: float) -> None:
        time.sleep(wait_s)
        try:
            pickled.load_tensors(path)
        except mpm.InputError as error:
            refused.append(str(error))

    monkeypatch.setattr(torch, "load", slow)
    threads = [threading.Thread(target=load, args=(0.02 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []
