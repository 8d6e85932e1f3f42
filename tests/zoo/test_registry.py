"""Models with a name: the list, the cache, the command, and words for a computer without a network."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import torch
from support.file_host import running
from support.published_files import VIT, as_mmseg, linear_tensors, vit_tensors, write_segmenter

import mpm
from mpm.__main__ import main
from mpm.data.labels import by_name
from mpm.zoo import registry
from mpm.zoo.download import RemoteFile

ROOT = Path(__file__).parents[2]
TINY = "seg-tiny-mask-ade20k"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MPM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def host():
    with running() as one:
        yield one


def put_in_cache(cache, name=TINY):
    variant = VIT | {"width": 64, "heads": 1}
    return write_segmenter(cache / name, vit_tensors(64, 2, 16, 1024), linear_tensors(64, 150), **variant)


def test_every_entry_is_complete_and_on_an_allowed_host():
    entries = registry.entries()
    assert len({entry.name for entry in entries}) == len(entries) == len(mpm.model_names()) >= 18
    for entry in entries:
        assert entry.licence and entry.source
        assert by_name(entry.data_set)
        assert entry.format in ("mpm", "segmenter", "mmsegmentation", "dinov2", "transformers")
        assert entry.bundled or 30 < (entry.mean_iou or entry.panoptic_quality) < 90
        assert entry.bundled + bool(entry.files) + bool(entry.hub) == 1
        for file in entry.files:
            parts = urlsplit(file.url)
            assert f"{parts.scheme}://{parts.netloc}" in registry.ORIGINS and parts.scheme == "https"
            assert file.name.endswith((".pth", ".yml"))


def test_the_urls_are_those_that_the_publishers_name():
    urls = {file.url for entry in registry.entries() for file in entry.files}
    inria = "https://www.rocq.inria.fr/cluster-willow/rstrudel/segmenter/checkpoints"
    mmseg = "https://download.openmmlab.com/mmsegmentation/v0.5/segmenter"
    stem = "segmenter_vit-t_mask_8x1_512x512_160k_ade20k"
    dinov2 = "https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14"
    assert urls >= {
        f"{inria}/ade20k/seg_base_deit_mask/checkpoint.pth",
        f"{inria}/pascal_context/seg_large_mask/variant.yml",
        f"{inria}/cityscapes/seg_large_mask/checkpoint.pth",
        f"{mmseg}/{stem}/{stem}_20220105_151706-ffcf7509.pth",
        f"{dinov2}/dinov2_vits14_pretrain.pth",
        f"{dinov2}/dinov2_vits14_ade20k_linear_head.pth",
    }


def test_a_cached_model_loads_by_name_and_a_tampered_one_does_not(cache):
    entry = registry.find(TINY)
    assert not registry.is_cached(entry) and TINY not in registry.at_hand() and not entry.size_is_exact
    folder = put_in_cache(cache)
    assert registry.is_cached(entry) and registry.at_hand() == ["streets-vit-tiny", TINY]
    assert entry.size_bytes == sum(
        (folder / name).stat().st_size for name in ("checkpoint.pth", "variant.yml")
    )
    assert entry.size_is_exact and mpm.load_segmenter(TINY).config.name == TINY
    content = bytearray((folder / "checkpoint.pth").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "checkpoint.pth").write_bytes(content)
    with pytest.raises(mpm.InputError, match=r"checkpoint\.pth is not the file it should be"):
        mpm.load_segmenter(TINY)


def test_the_list_of_models_needs_no_torch():
    code = "import sys, mpm.cli.models; print('torch' in sys.modules or 'timm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_models_in_the_box_need_no_cache(cache):
    entry = registry.find("streets-vit-tiny")
    assert entry.bundled and registry.is_cached(entry) and entry.data_set == "streets"
    assert mpm.load_segmenter("streets-vit-tiny").depth == 12 and not cache.exists()


def test_offline_says_what_is_at_hand(cache, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(mpm.InputError, match="HF_HUB_OFFLINE is set.*at hand: streets-vit-tiny[.]$"):
        mpm.load_segmenter(TINY)
    put_in_cache(cache)
    assert mpm.load_segmenter(TINY).depth == 2
    with pytest.raises(mpm.InputError, match=f"at hand: streets-vit-tiny, {TINY}[.]$"):
        mpm.load_segmenter("dinov2-vits14-linear-ade20k")


def test_a_fetch_counts_over_all_files_and_names_what_is_at_hand_when_it_fails(host, cache):
    files = tuple(RemoteFile(f"{host.origin}/{name}") for name in ("a.pth", "b.pth"))
    entry = replace(registry.find(TINY), name="two", files=files)
    seen = []
    folder = registry.fetch(entry, lambda *now: seen.append(now), {host.origin})
    size = len(host.content)
    assert folder == cache / "two" and (folder / "b.pth").read_bytes() == host.content
    assert seen[0] == (0, size) and seen[-1] == (2 * size, 2 * size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    host.shutdown()
    host.server_close()
    with pytest.raises(mpm.InputError, match=r"cannot be downloaded from .*; models at hand: streets"):
        registry.fetch(replace(entry, name="three"), None, {host.origin})


def test_a_fetched_model_is_one_that_loads(host, cache, tmp_path):
    torch.save(
        {"state_dict": as_mmseg(vit_tensors(64, 1, 16, 1024), linear_tensors(64, 150))}, tmp_path / "x"
    )
    host.content = (tmp_path / "x").read_bytes()
    entry = replace(registry.find(TINY), files=(host.file(size_bytes=len(host.content)),))
    folder = registry.fetch(entry, None, {host.origin})
    assert mpm.load_segmenter(folder).depth == 1


def test_the_command_lists_and_downloads(cache, capsys, monkeypatch):
    put_in_cache(cache)
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "data", "set", "size", "score", "licence", "source", "at", "hand"]
    tiny = next(line for line in lines if line.startswith(TINY))
    assert tiny.endswith("yes") and "38.1 % mIoU" in tiny and "MIT" in tiny and "~" not in tiny
    assert "~1,336 MB" in next(line for line in lines if line.startswith("seg-large-mask-640"))

    assert main(["models", "--json"]) == 0
    known = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    assert set(known) == set(mpm.model_names()) and known[TINY]["cached"]
    assert known["streets-vit-tiny"]["bundled"] and known["mmseg-vit-t-mask-ade20k"]["mean_iou"] == 39.99

    assert main(["models", "--download", TINY]) == 0
    assert str(cache / TINY) in capsys.readouterr().err
    assert main(["models", "--download", "nothing"]) == 2
    assert "No model has the name 'nothing'" in capsys.readouterr().err
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main(["models", "--download", "seg-base-patch8-ade20k"]) == 2
    assert "HF_HUB_OFFLINE" in capsys.readouterr().err
