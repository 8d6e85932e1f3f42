"""DPT folders as transformers writes them: what is read, and what is refused with one sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.dpt_files import (
    CLASSES,
    PREPROCESSOR,
    change_config,
    published_logits,
    published_taps,
    tiny_model,
    write_folder,
)

import mpm
from mpm.data.labels import ADE20K
from mpm.errors import InputError
from mpm.merging.recipe import Recipe
from mpm.segmenters.config import SegmenterConfig
from mpm.segmenters.heads.dpt_config import DptDecoderConfig
from mpm.zoo import formats
from mpm.zoo.formats import dpt


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture
def folder(model, tmp_path):
    return write_folder(model, tmp_path / "dpt")


def assert_the_same(segmenter, model):
    pixels = torch.randn(1, 3, 96, 64, generator=torch.Generator().manual_seed(0))
    theirs = published_logits(model, published_taps(model, pixels), 6, 4)[0]
    ours = segmenter.run(pixels, Recipe()).scores.on_input((96, 64))
    assert float((ours - theirs).abs().max()) < 1e-4


def test_the_configuration_says_what_the_folder_says(folder):
    config = mpm.load_segmenter(folder).config
    assert config.name == "dpt" and config.resolution == 96 and config.sliding is None
    assert (config.mean, config.std) == ((0.5, 0.4, 0.3), (0.5, 0.6, 0.7))
    assert config.encoder.layer_norm_eps == 1e-12
    assert (config.encoder.position_interpolation, config.encoder.position_antialias) == ("bilinear", False)
    assert config.decoder == DptDecoderConfig(
        "dpt",
        (0, 1, 2, 3),
        (8, 12, 16, 20),
        16,
        "project",
        (4, 2, 1, 0.5),
        batch_norm=True,
        residual_bias=False,
    )


def test_shards_are_read(model, tmp_path):
    folder = write_folder(model, tmp_path / "shards", max_shard_size="50KB")
    assert not (folder / "model.safetensors").exists() and len(list(folder.glob("*.safetensors"))) > 2
    assert_the_same(mpm.load_segmenter(folder), model)


def test_leftovers_of_training_are_dropped(model, folder):
    weights = load_file(folder / "model.safetensors")
    assert any(name.startswith("auxiliary_head.") for name in weights)
    weights |= {f"{name}.weight": torch.ones(32, 32) for name in ("dpt.pooler.dense", "classifier")}
    save_file(weights, folder / "model.safetensors")
    assert_the_same(mpm.load_segmenter(folder), model)


def test_our_own_format_carries_it(model, folder, tmp_path):
    read = mpm.load_segmenter(folder)
    again = mpm.load_segmenter(mpm.save_segmenter(read, tmp_path / "ours", torch.float32))
    assert json.dumps(again.config.to_json()) == json.dumps(read.config.to_json())
    assert_the_same(again, model)
    half = mpm.load_segmenter(mpm.save_segmenter(read, tmp_path / "half"))
    picture = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    assert (half.segment(picture, "1").labels == read.segment(picture, "1").labels).mean() > 0.9


def test_names_with_spaces_and_synonyms_are_ade20k(tmp_path):
    names = [
        f"{name}, something else" if number % 3 else f"{name} "
        for number, name in enumerate(ADE20K.class_names)
    ]
    names[ADE20K.class_names.index("television")] = "television receiver;television"
    other = tiny_model(num_labels=150, id2label=dict(enumerate(names)))
    segmenter = mpm.load_segmenter(write_folder(other, tmp_path))
    assert segmenter.config.labels is ADE20K and segmenter.config.remark == ""


def test_names_of_its_own_stay(tmp_path):
    names = {number: f"thing {number}" for number in range(CLASSES)}
    segmenter = mpm.load_segmenter(write_folder(tiny_model(id2label=names), tmp_path))
    assert segmenter.class_names == list(names.values()) and segmenter.palette.shape == (CLASSES, 3)


def test_placeholders_are_no_names(folder, tmp_path):
    assert "does not name its classes" in mpm.load_segmenter(folder).config.remark
    other = write_folder(tiny_model(num_labels=150), tmp_path / "ade")
    assert formats.read(other, "ade", "ade20k").config.labels is ADE20K


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"size": 384}, (384, (0.5, 0.4, 0.3), (0.5, 0.6, 0.7))),
        ({"size": {"height": 512, "width": 480}}, (480, (0.5, 0.4, 0.3), (0.5, 0.6, 0.7))),
        (
            {"size": {"shortest_edge": 224}, "keep_aspect_ratio": True},
            (224, (0.5, 0.4, 0.3), (0.5, 0.6, 0.7)),
        ),
        ({"do_normalize": False}, (96, (0, 0, 0), (1, 1, 1))),
        ({"image_mean": 0.5, "image_std": 0.25}, (96, (0.5,) * 3, (0.25,) * 3)),
        ({"rescale_factor": 0.00392156862745098, "do_rescale": None}, (96, (0.5, 0.4, 0.3), (0.5, 0.6, 0.7))),
    ],
)
def test_preprocessors_old_and_new(model, tmp_path, changes, expected):
    said = {key: value for key, value in {**PREPROCESSOR, **changes}.items() if value is not None}
    config = mpm.load_segmenter(write_folder(model, tmp_path, said)).config
    assert (config.resolution, config.mean, config.std) == expected


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"size": None}, "must say a size in pixels, at most 4096, but got None"),
        ({"size": {"height": "big"}}, "must say a size in pixels"),
        ({"image_mean": [0.5, 0.5]}, "must have three numbers as image_mean"),
        ({"image_std": [0.5, 0.5, 0]}, "must have an image_std above 0"),
        ({"rescale_factor": 1.0}, "must scale pixels to 0 .. 1"),
        ({"do_rescale": False}, "must scale pixels to 0 .. 1"),
    ],
)
def test_odd_preprocessors_are_refused(model, tmp_path, changes, sentence):
    assert_refused(write_folder(model, tmp_path, {**PREPROCESSOR, **changes}), sentence)


def assert_refused(folder, sentence):
    with pytest.raises(InputError) as error:
        mpm.load_segmenter(folder)
    assert sentence in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"is_hybrid": True}, "only the plain ViT's is"),
        ({"backbone_config": {"model_type": "dinov2"}}, "only the plain ViT's is"),
        ({"backbone": "facebook/dinov2-small"}, "only the plain ViT's is"),
        ({"architectures": ["DPTForDepthEstimation"]}, "estimates depth"),
        ({"architectures": 5}, "lacks or misstates a setting"),
        ({"hidden_act": "relu"}, "activation must be gelu, but got 'relu'"),
        ({"readout_type": "sum"}, "readout is one of project, add, ignore, but got 'sum'"),
        ({"readout_type": "add"}, "has unknown decoder.reassemble.0.readout.bias"),
        ({"backbone_out_indices": [0, 1, 2, 9]}, "names block 9, but the encoder has 4 blocks"),
        ({"backbone_out_indices": [0, 1, 2]}, "but the tensors have [8, 12, 16"),
        ({"backbone_out_indices": 3}, "lacks or misstates a setting"),
        ({"neck_hidden_sizes": [8, 12, 16, 999]}, "but the tensors have [8, 12, 16"),
        ({"reassemble_factors": [4, 2, 1, 0.3]}, "factors are whole numbers up to 16"),
        ({"reassemble_factors": [4, 2, 1, 1e-9]}, "factors are whole numbers up to 16"),
        ({"reassemble_factors": [8, 2, 1, 0.5]}, "another shape for decoder.reassemble.0.resize.weight"),
        ({"head_in_index": 0}, "must read the last fusion, but got 0"),
        ({"hidden_size": 64}, "says hidden_size 64, but the tensors have 32"),
        ({"num_hidden_layers": 10**9}, "says num_hidden_layers 1000000000, but the tensors have 4"),
        ({"fusion_hidden_size": 256}, "says fusion_hidden_size 256, but the tensors have 16"),
        ({"num_attention_heads": 5}, "cannot be split among 5 attention heads"),
        ({"layer_norm_eps": "small"}, "lacks or misstates a setting"),
        ({"use_bias_in_fusion_residual": True}, "lacks decoder.fusion.0.refine.conv1.bias"),
        ({"use_batch_norm_in_fusion_residual": False}, "The checkpoint does not fit its configuration"),
    ],
)
def test_settings_that_do_not_fit_are_refused(folder, changes, sentence):
    assert_refused(change_config(folder, **changes), sentence)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("dpt.embeddings.position_embeddings", "lacks encoder.pos_embed"),
        (
            "dpt.encoder.layer.1.attention.attention.key.bias",
            "no tensors like encoder.blocks.1.attn.query",
        ),
        ("dpt.layernorm.bias", "lacks encoder.norm.bias"),
        ("head.head.1.running_mean", "has no head for semantic segmentation"),
        ("neck.convs.2.weight", "lacks decoder.reassemble.2.narrow.weight"),
    ],
)
def test_missing_weights_are_refused(folder, name, sentence):
    weights = load_file(folder / "model.safetensors")
    del weights[name]
    save_file(weights, folder / "model.safetensors")
    assert_refused(folder, sentence)


def test_files_that_are_missing_broken_or_pickled_are_refused(folder):
    (folder / "model.safetensors").write_bytes(b"nothing")
    assert_refused(folder, "model.safetensors of the checkpoint cannot be read")
    (folder / "model.safetensors").unlink()
    assert_refused(folder, "The checkpoint has no model.safetensors")
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    assert_refused(folder, "as a pickle, pytorch_model.bin: only model.safetensors is read")
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../secret"}}')
    assert_refused(folder, "points outside its folder: '../secret'")
    (folder / "model.safetensors.index.json").write_text('{"weight_map": []}')
    assert_refused(folder, "must hold a weight_map of file names")
    (folder / "config.json").write_text('{"model_type": "unheard"}')
    assert_refused(folder, "class 'unheard' of transformers is not read")


def test_a_preprocessor_must_be_there(folder):
    (folder / "preprocessor_config.json").write_text("[]")
    assert_refused(folder, "must be a table of settings, but got list")
    (folder / "preprocessor_config.json").unlink()
    assert_refused(folder, "The checkpoint has no preprocessor_config.json")


# --- The configuration --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"taps": (1, 0, 2, 3)}, "taps that are rising block numbers"),
        ({"taps": (0, 0, 2, 3)}, "taps that are rising block numbers"),
        ({"taps": ()}, "taps that are rising block numbers"),
        ({"taps": 3}, "taps that are rising block numbers"),
        ({"taps": (0, 1, 2)}, "a neck width and a factor for each"),
        ({"taps": (0, 1, 2, None)}, "taps that are rising block numbers"),
        ({"neck_widths": (8, 8, 8, 0)}, "widths are 1 to 16384 channels"),
        ({"fusion_width": 10**9}, "widths are 1 to 16384 channels"),
        ({"fusion_width": True}, "widths are 1 to 16384 channels"),
        ({"readout": ["project"]}, "readout is one of"),
        ({"factors": (4, 2, 1, float("nan"))}, "factors are whole numbers"),
        ({"factors": (4, 2, 1, "2")}, "factors are whole numbers"),
    ],
)
def test_a_head_that_cannot_be_is_refused(changes, sentence):
    data = dpt.random_config("dpt").to_json()
    data["decoder"] = {**data["decoder"], **changes}
    with pytest.raises(InputError, match=sentence):
        SegmenterConfig.from_json(data)


def test_an_unknown_kind_is_refused_with_those_that_exist():
    data = dpt.random_config("dpt").to_json()
    data["decoder"]["kind"] = "upernet"
    with pytest.raises(InputError, match="one of mask_transformer, .*, dpt, but got 'upernet'"):
        SegmenterConfig.from_json(data)


def test_taps_beyond_the_encoder_are_refused(folder):
    config = mpm.load_segmenter(folder).config
    far = replace(config, decoder=replace(config.decoder, taps=(0, 1, 2, 7)))
    with pytest.raises(InputError, match="reads block 7, but the encoder has 4 blocks"):
        mpm.Segmenter(far).segment(np.zeros((32, 32, 3), np.uint8), "none")


def test_the_published_size_without_weights():
    config = SegmenterConfig.from_json(json.loads(json.dumps(dpt.random_config("dpt-large").to_json())))
    with torch.device("meta"):
        segmenter = mpm.Segmenter(config)
    millions = sum(one.numel() for one in segmenter.parameters()) / 1e6
    assert 341 < millions < 344 and segmenter.depth == 24 and config.labels.name == "ade20k"
