"""Saving and loading: sizes, strictness, and one clear sentence for what is broken."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.tiny_vit import TINY_VIT

import mpm
from mpm.segmenters.config import EncoderConfig, SlidingConfig
from mpm.zoo import checkpoints
from mpm.zoo.folder import INDEX_FILE


@pytest.fixture
def folder(tiny, tmp_path):
    return mpm.save_segmenter(tiny, tmp_path / "model")


def test_round_trip(tiny, folder):
    loaded = mpm.load_segmenter(folder)
    assert loaded.config.to_json() == tiny.config.to_json()
    assert loaded.dtype == torch.float32 and not loaded.training
    for name, value in tiny.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.half().float())
    assert mpm.load_segmenter(folder, dtype=torch.bfloat16).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("dtype", "large"),
    [(torch.float16, 65_505.0), (torch.float16, -1e30), (torch.bfloat16, 3.4e38), (torch.float8_e4m3fn, 1e3)],
)
def test_weights_too_large_for_the_type_are_kept_as_they_are(tiny_config, tmp_path, dtype, large):
    segmenter = mpm.Segmenter(tiny_config)
    segmenter.decoder.proj_dec.weight.data[0, 0] = large
    mpm.save_segmenter(segmenter, tmp_path / "model", dtype)
    loaded = mpm.load_segmenter(tmp_path / "model").state_dict()
    assert torch.equal(loaded["decoder.proj_dec.weight"], segmenter.decoder.proj_dec.weight)
    assert loaded["decoder.proj_dec.weight"][0, 0] == torch.tensor(large)
    stored = load_file(tmp_path / "model" / "model.safetensors")
    assert {name for name, value in stored.items() if value.dtype == torch.float32} == {
        "decoder.proj_dec.weight"
    }


def test_loading_into_a_type_that_is_too_small_is_refused(tiny_config, tmp_path):
    segmenter = mpm.Segmenter(tiny_config)
    segmenter.decoder.proj_dec.weight.data[0, 0] = -1e6
    folder = mpm.save_segmenter(segmenter, tmp_path / "model")
    assert mpm.load_segmenter(folder, dtype=torch.bfloat16).decoder.proj_dec.weight.isfinite().all()
    words = (
        "decoder.proj_dec.weight .* values up to 1e.06, but torch.float16 ends at 6.55e.04: load it as torch"
    )
    with pytest.raises(mpm.InputError, match=words):
        mpm.load_segmenter(folder, dtype=torch.float16)
    with pytest.raises(mpm.InputError, match="floating point type, but got torch.int8"):
        mpm.load_segmenter(folder, dtype=torch.int8)


def test_weights_that_fit_and_those_that_were_infinite_before_are_stored_as_asked(tiny_config, tmp_path):
    segmenter = mpm.Segmenter(tiny_config)
    segmenter.decoder.proj_dec.weight.data[0, :2] = torch.tensor([65_504.0, torch.inf])
    folder = mpm.save_segmenter(segmenter, tmp_path / "model")
    assert {value.dtype for value in load_file(folder / "model.safetensors").values()} == {torch.float16}
    weight = mpm.load_segmenter(folder).decoder.proj_dec.weight
    assert weight[0, :2].tolist() == [65_504, torch.inf]


def test_shards_stay_below_the_limit(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SHARD_BYTES", 20_000)
    folder = mpm.save_segmenter(tiny, tmp_path / "sharded")
    shards = list(folder.glob("model-*.safetensors"))
    assert len(shards) > 1 and (folder / INDEX_FILE).is_file()
    assert mpm.load_segmenter(folder).depth == tiny.depth


def test_saving_over_a_model_replaces_it_whole_and_keeps_other_files(tiny, folder):
    (folder / "README.md").write_text("a model card")
    (folder / "model-00009-of-00009.safetensors").write_bytes(b"stale")
    (folder / ".cache" / "hub").mkdir(parents=True)
    mpm.save_segmenter(tiny, folder)
    names = sorted(path.name for path in folder.iterdir())
    assert names == [".cache", "README.md", "config.json", "model.safetensors"]
    assert [path.name for path in folder.parent.iterdir()] == ["model"], "nothing temporary is left"


def break_file(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def drop_tensor(folder):
    weights = load_file(folder / "model.safetensors")
    weights.pop("decoder.cls_emb")
    save_file(weights, folder / "model.safetensors")


def extra_tensor(folder):
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "other": torch.zeros(1)}, folder / "model.safetensors")


def wrong_shape(folder):
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "decoder.cls_emb": torch.zeros(1, 2, 3)}, folder / "model.safetensors")


def truncate(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def configure(**changes):
    """Damage some fields of the configuration's sections."""

    def damage(folder):
        data = json.loads((folder / "config.json").read_text())
        for name, fields in changes.items():
            data[name].update(fields)
        (folder / "config.json").write_text(json.dumps(data))

    return damage


def escape(folder):
    (folder / INDEX_FILE).write_text(json.dumps({"weight_map": {"a": "../../secret"}}))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (break_file("config.json", b"{"), "config.json"),
        (break_file("config.json", b'{"schema": 99}'), "schema 1"),
        (break_file("config.json", b'{"schema": 1, "name": "x"}'), "not complete"),
        (break_file("model.safetensors", b"not safetensors"), "model.safetensors"),
        (truncate, "model.safetensors"),
        (drop_tensor, "lacks decoder.cls_emb"),
        (extra_tensor, "unknown other"),
        (wrong_shape, "another shape for decoder.cls_emb"),
        (escape, "outside its folder"),
        (configure(labels={"palette": [[300, 0, 0]]}), "not complete"),
        (configure(decoder={"heads": 0}), "heads and width"),
        (configure(decoder={"heads": 5}), "heads and width"),
        (configure(decoder={"width": "x"}), "heads and width"),
        (break_file(INDEX_FILE, b"[]"), "weight_map of file names"),
        (break_file(INDEX_FILE, b'{"weight_map": {"a": 1}}'), "weight_map of file names"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors"),
        (shutil.rmtree, "No model"),
    ],
)
def test_broken_checkpoints_are_refused_with_one_sentence(folder, damage, words):
    damage(folder)
    with pytest.raises(mpm.InputError, match=words) as caught:
        mpm.load_segmenter(folder)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_lists_the_names_there_are():
    with pytest.raises(
        mpm.InputError,
        match="No model 'nothing'.* timm:NAME, or one of streets-vit-tiny, .*seg-tiny-mask-ade20k",
    ):
        mpm.load_segmenter("nothing")
    with pytest.raises(mpm.InputError, match="No model"):
        mpm.load_segmenter("n" * 300)
    assert mpm.model_names()[0] == "streets-vit-tiny"


@torch.inference_mode()
@pytest.mark.parametrize(
    "encoder",
    [
        # EVA's attention has constants that no checkpoint brings along.
        EncoderConfig("eva_giant_patch14_224", TINY_VIT, None, final_norm="fc_norm"),
        EncoderConfig("deit_tiny_distilled_patch16_224", TINY_VIT, 1e-5, "bicubic", True, 0.1),
    ],
    ids=["eva", "deit"],
)
def test_round_trip_of_other_encoders(tiny_config, encoder, tmp_path):
    config = replace(tiny_config, encoder=encoder, remark="A remark.", sliding=SlidingConfig(48, 32, 16))
    segmenter = mpm.Segmenter(config).eval()
    loaded = mpm.load_segmenter(mpm.save_segmenter(segmenter, tmp_path / "model", torch.float32))
    assert loaded.config.to_json() == config.to_json()
    pixels = torch.randn(1, 3, 40, 56)
    assert torch.equal(loaded.logits(pixels, "1"), segmenter.logits(pixels, "1"))
