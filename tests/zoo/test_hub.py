"""Models of a fake hub over HTTP: by id, by name, in shards; at the commit of the first download."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from support.fake_hub import COMMITS

import mpm
from mpm.zoo import checkpoints, hub, hub_cache, registry
from mpm.zoo.hub_cache import HubSource

NAME = "user/tiny"
SOURCE = HubSource(NAME)


@pytest.fixture
def folder(folder_of_tiny) -> Path:
    return folder_of_tiny


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_a_model_in_our_format_loads_by_its_id(fake, folder, tiny):
    fake.add(NAME, {**{path.name: path.read_bytes() for path in folder.iterdir()}, "README.md": b"hello"})
    assert not hub_cache.at_hand(SOURCE)
    seen = []
    loaded = mpm.load_segmenter(NAME, progress=lambda *now: seen.append(now))
    assert loaded.config.to_json() == tiny.config.to_json()
    assert torch.equal(loaded.state_dict()["encoder.norm.weight"], tiny.encoder.norm.weight)
    assert not fake.gets("README.md"), "only what is read is downloaded"
    done, totals = zip(*seen, strict=True)
    assert done[0] == 0 and done[-1] == size_of(folder) and list(done) == sorted(done)
    assert set(totals) == {size_of(folder)}
    # From now on the network is not asked.
    asked = len(fake.seen)
    assert hub_cache.at_hand(SOURCE) and mpm.load_segmenter(NAME).depth == 4
    assert len(fake.seen) == asked


def test_shards_are_found_by_their_index(fake, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SHARD_BYTES", 20_000)
    folder = mpm.save_segmenter(tiny, tmp_path / "sharded")
    shards = [path.name for path in folder.glob("model-*.safetensors")]
    fake.add(NAME, folder)
    seen = []
    assert len(shards) > 1 and mpm.load_segmenter(NAME, progress=lambda *now: seen.append(now)).depth == 4
    assert seen[-1] == (size_of(folder), size_of(folder))
    assert hub_cache.size_bytes(SOURCE) == size_of(folder)
    hub_cache.forget([hub_cache.snapshot(SOURCE) / shards[0]])
    assert not hub_cache.at_hand(SOURCE)
    fake.seen.clear()
    assert mpm.load_segmenter(NAME).depth == 4
    assert [Path(one.path).name for one in fake.gets("/large/")] == [shards[0]]


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (b'{"weight_map": {"a": "../secret"}}', "points outside its folder"),
        (b'{"weight_map": {"a": "model-9.safetensors"}}', "holds no model-9.safetensors"),
        (b"[]", "weight_map of file names"),
    ],
)
def test_a_broken_index_is_refused(fake, folder, index, words):
    config = (folder / "config.json").read_bytes()
    fake.add(NAME, {"config.json": config, "model.safetensors.index.json": index})
    with pytest.raises(mpm.InputError, match=words):
        hub.fetch(SOURCE)
    assert not hub_cache.at_hand(SOURCE)


def test_a_branch_stays_at_the_commit_of_the_first_download(fake, folder, tiny_config, tmp_path):
    repo = fake.add(NAME, folder)
    first = hub.fetch(SOURCE)
    assert first.name == COMMITS[0]
    newer = mpm.save_segmenter(mpm.Segmenter(tiny_config), tmp_path / "newer")
    repo.commits.append({path.name: path.read_bytes() for path in newer.iterdir()})
    assert hub.fetch(SOURCE) == first
    # Another program has the newer commit downloaded: ours stays, even when its files must come again.
    hub_cache.keep_ref(SOURCE, COMMITS[1])
    hub_cache.forget(list(first.iterdir()))
    assert not hub_cache.at_hand(SOURCE) and hub.fetch(SOURCE) == first
    assert hub.fetch(SOURCE, update=True).name == COMMITS[1] == hub.fetch(SOURCE).name
    pinned = hub.parse(f"{NAME}@{COMMITS[0]}")
    assert hub.fetch(pinned, update=True) == first and hub.fetch(SOURCE).name == COMMITS[1]


def test_what_others_put_into_the_cache_is_at_hand(fake, folder, monkeypatch, tmp_path):
    # As a Space's preload_from_hub does.
    from huggingface_hub import hf_hub_download

    fake.add(NAME, folder)
    for name in ("config.json", "model.safetensors"):
        hf_hub_download(NAME, name, endpoint=fake.origin)
    assert hub_cache.at_hand(SOURCE)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert mpm.load_segmenter(NAME).depth == 4 and hub_cache.pinned(SOURCE) == COMMITS[0]


def test_a_registered_model_comes_from_the_hub(fake, folder, monkeypatch):
    entry = registry.find("eomt-small-coco")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    fake.add(entry.hub.repo, {**files, "preprocessor_config.json": b"{}"})
    assert not entry.at_hand and not entry.bundled and not entry.size_is_exact
    assert entry.size_bytes == 24e6 * 4
    assert registry.fetch(entry) == entry.folder and registry.is_cached(entry)
    assert entry.size_is_exact and entry.size_bytes == size_of(folder) + 2
    assert mpm.load_segmenter(entry.name).depth == 4
    with pytest.raises(mpm.InputError, match="no checkpoint folder of ours"):
        checkpoints.config_file(entry.name)


def test_a_registered_model_needs_its_preprocessing(fake, folder):
    entry = registry.find("eomt-small-coco")
    fake.add(entry.hub.repo, folder)
    with pytest.raises(mpm.InputError, match="holds no preprocessor_config.json"):
        registry.fetch(entry)


def test_a_path_of_that_name_wins(fake, folder, tmp_path, monkeypatch, tiny):
    (tmp_path / "user").mkdir()
    mpm.save_segmenter(tiny, tmp_path / "user" / "tiny")
    monkeypatch.chdir(tmp_path)
    assert mpm.load_segmenter(NAME).depth == 4 and fake.seen == []


@pytest.mark.parametrize(
    "text",
    ["tiny", "a/b/c", "/a/b", "./a", "../a", "a/..", "~/a", "a/b@", "a/b@../x", "a/b.pth", "a\\b", "a/b c"],
)
def test_what_can_be_no_id_is_not_asked_for(fake, text):
    assert hub.parse(text) is None
    with pytest.raises(mpm.InputError, match="No model"):
        mpm.load_segmenter(text)
    assert fake.seen == []


def test_another_library_s_configuration_goes_to_the_formats(fake, folder, monkeypatch):
    weights = (folder / "model.safetensors").read_bytes()
    fake.add(NAME, {"config.json": b'{"model_type": "nonesuch"}', "model.safetensors": weights})
    asked = []

    def read(*words):
        asked.append(words)
        raise mpm.InputError("read by others")

    monkeypatch.setattr(checkpoints.formats, "read", read)
    with pytest.raises(mpm.InputError, match="read by others"):
        mpm.load_segmenter(NAME)
    assert asked == [(hub_cache.snapshot(SOURCE), "tiny", None)]


def test_the_hub_s_library_finds_what_was_downloaded(fake, folder):
    from huggingface_hub import try_to_load_from_cache

    fake.add(NAME, folder)
    path = hub.fetch(SOURCE) / "config.json"
    assert try_to_load_from_cache(NAME, "config.json", cache_dir=constants.HF_HUB_CACHE) == str(path)
    assert sorted(one.name for one in path.parent.iterdir()) == ["config.json", "model.safetensors"]


def test_what_is_at_hand_is_told_without_reading_weights(fake, folder, monkeypatch):
    fake.add(NAME, folder)
    hub.fetch(SOURCE)
    monkeypatch.setattr(hub_cache, "digest_of", lambda *words, **more: pytest.fail("hashed"))
    fake.seen.clear()
    assert hub_cache.at_hand(SOURCE) and hub_cache.size_bytes(SOURCE) == size_of(folder)
    assert registry.at_hand() == ["streets-vit-tiny"] and fake.seen == []
