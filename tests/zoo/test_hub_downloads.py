"""Downloads from a fake hub: whole, resumed, checked, and one sentence for what cannot be had."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from huggingface_hub import constants
from support.fake_hub import COMMITS, etag_of

import mpm
from mpm.zoo import hub, hub_cache
from mpm.zoo.hub_cache import HubSource

ROOT = Path(__file__).parents[2]
NAME = "user/tiny"
SOURCE = HubSource(NAME)


@pytest.fixture
def folder(folder_of_tiny) -> Path:
    return folder_of_tiny


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def in_a_process(fake, code: str, tmp_path: Path, **environment: str) -> subprocess.Popen:
    """Another process that knows the hub by the environment only."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": fake.origin,
        "HF_HOME": str(tmp_path / "home"),
        "MPM_CACHE": str(tmp_path / "mpm"),
        "HF_HUB_OFFLINE": "0",
        **environment,
    }
    environment.pop("HF_HUB_CACHE", None)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, **pipes)


FETCH = f"from mpm.zoo import hub; print(hub.fetch(hub.parse({NAME!r})))"
IN_SMALL_CHUNKS = f"from huggingface_hub import constants; constants.DOWNLOAD_CHUNK_SIZE = 4096; {FETCH}"


def test_a_broken_connection_is_taken_up_where_it_broke(fake, folder):
    fake.add(NAME, folder)
    whole = (folder / "model.safetensors").stat().st_size
    assert whole > 65_536
    fake.stop_after = 65_536
    seen = []
    hub.fetch(SOURCE, lambda *now: seen.append(now))
    assert [one.range for one in fake.gets("/large/")] == [None, "bytes=65536-"]
    assert seen[-1] == (size_of(folder), size_of(folder))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_killed_download_is_resumed_by_the_next_process(fake, folder, tmp_path):
    fake.add(NAME, folder)
    etag = etag_of("model.safetensors", (folder / "model.safetensors").read_bytes())
    fake.stop_after, fake.hold = 50_000, threading.Event()
    process = in_a_process(fake, IN_SMALL_CHUNKS, tmp_path)
    deadline, parts = time.monotonic() + 60, []
    while not any(part.stat().st_size for part in parts):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
        parts = list((tmp_path / "home").rglob(f"{etag}.mpm.incomplete"))
    os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.communicate()
    fake.hold.set()
    left = parts[0].stat().st_size
    assert 0 < left <= 50_000
    out, err = (again := in_a_process(fake, IN_SMALL_CHUNKS, tmp_path)).communicate(timeout=60)
    assert again.returncode == 0, err
    there = Path(out.strip()) / "model.safetensors"
    assert there.read_bytes() == (folder / "model.safetensors").read_bytes()
    assert fake.gets("/large/")[-1].range == f"bytes={left}-"
    assert "127.0.0.1" in fake.origin, "a mirror, named by HF_ENDPOINT"


def test_two_processes_at_once_download_one_time(fake, folder, tmp_path):
    fake.add(NAME, folder)
    both = [in_a_process(fake, FETCH, tmp_path) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0] and len(fake.gets("/large/")) == 1


def test_a_token_opens_a_gated_model_and_is_not_shown_elsewhere(fake, folder, monkeypatch):
    fake.add(NAME, folder, gated=True)
    words = f"user/tiny is gated at {fake.origin}: accept its terms on its page there, then .*HF_TOKEN[.]$"
    with pytest.raises(mpm.InputError, match=words):
        hub.fetch(SOURCE)
    monkeypatch.setenv("HF_TOKEN", "hf_stranger")
    with pytest.raises(mpm.InputError, match="accept its terms on its page there[.]$"):
        hub.fetch(SOURCE)
    assert not hub_cache.at_hand(SOURCE)
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    assert hub.fetch(SOURCE).name == COMMITS[0]
    assert {one.token for one in fake.gets("/large/")} == {None}
    assert {one.token for one in fake.gets("config.json")} == {None, "hf_stranger", "hf_good"}


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("unknown", "has no model user/tiny, or it is private and HF_TOKEN is not set"),
        ("private", "has no model user/tiny, or it is private and HF_TOKEN is not set"),
        ("revision", "has no such revision of user/tiny@v9"),
        ("pickle", r"only as a pickle \(pytorch_model.bin\), which can run code .*: only model.safetensors"),
        ("no weights", "holds no model.safetensors"),
        ("no config", "holds no config.json"),
        ("lies", "is not the file that http://127.* lists: try again"),
        ("small lies", "config.json of user/tiny is not the file that"),
        ("broken", "answers with status 503; models at hand: streets-vit-tiny[.]$"),
        ("gone", "does not answer: .*; models at hand: streets-vit-tiny[.]$"),
        ("offline", "HF_HUB_OFFLINE is set, so user/tiny cannot be downloaded; models at hand: streets-vit"),
        ("bad name", "is no name that a model at http://127.* can have"),
    ],
)
def test_one_sentence_for_what_cannot_be_had(fake, folder, monkeypatch, what, words):
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    config, weights = files["config.json"], files["model.safetensors"]
    kept = {
        "unknown": {},
        "pickle": {"config.json": config, "pytorch_model.bin": b"x"},
        "no weights": {"config.json": config},
        "no config": {"model.safetensors": weights},
    }.get(what, files)
    if what != "unknown":
        fake.add(NAME, kept, private=what == "private")
    if what == "gone":
        fake.shutdown()
        fake.server_close()
    if what == "offline":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    fake.status = 503 if what == "broken" else None
    fake.lies = {
        "lies": {"model.safetensors": weights[:-1] + b"x"},
        "small lies": {"config.json": config[:-1] + b"x"},
    }.get(what, {})
    name = {"revision": f"{NAME}@v9", "bad name": "user/ti--ny"}.get(what, NAME)
    with pytest.raises(mpm.InputError, match=words) as caught:
        mpm.load_segmenter(name)
    assert "\n" not in str(caught.value) and not hub_cache.at_hand(SOURCE)
    assert not list(Path(constants.HF_HUB_CACHE).rglob("*.incomplete"))


def test_damaged_files_are_refused_and_mended_on_demand(fake, folder):
    fake.add(NAME, folder)
    for name in ("model.safetensors", "config.json"):
        blob = (hub.fetch(SOURCE) / name).resolve()
        blob.write_bytes(blob.read_bytes()[:-1] + b"x")
        words = f"{name} of user/tiny is not the file it should be; `mpm models --download user/tiny` fetches"
        with pytest.raises(mpm.InputError, match=words):
            mpm.load_segmenter(NAME)
        hub.fetch(SOURCE, update=True)
        assert mpm.load_segmenter(NAME).depth == 4


def test_a_link_that_was_replaced_is_found_by_the_recorded_digest(fake, folder):
    fake.add(NAME, folder)
    path = hub.fetch(SOURCE) / "config.json"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    assert hub.fetch(SOURCE)
    path.write_bytes(content + b" ")
    with pytest.raises(mpm.InputError, match=r"config\.json of user/tiny is not the file it should be"):
        hub.fetch(SOURCE)


@pytest.mark.parametrize("digests", [True, False])
def test_a_cache_without_links_records_digests(fake, folder, monkeypatch, digests):
    # As on Windows; and as from a mirror that lists no digests.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_SYMLINKS", True, raising=False)
    monkeypatch.setattr("huggingface_hub.file_download._are_symlinks_supported_in_dir", {})
    monkeypatch.setattr("huggingface_hub.file_download.are_symlinks_supported", lambda *words: False)
    fake.no_digests = not digests
    fake.add(NAME, folder)
    path = hub.fetch(SOURCE) / "model.safetensors"
    assert not path.is_symlink() and hub_cache.at_hand(SOURCE)
    blobs = SOURCE.storage / "blobs"
    assert not blobs.exists() or not [blob for blob in blobs.iterdir() if blob.stat().st_size > 65_536]
    assert mpm.load_segmenter(NAME).depth == 4
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(mpm.InputError, match="is not the file it should be"):
        mpm.load_segmenter(NAME)


def test_a_cache_that_cannot_be_written_is_said(fake, folder, monkeypatch, tmp_path):
    fake.add(NAME, folder)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file"))
    with pytest.raises(
        mpm.InputError, match="cannot be kept in the hub's cache folder: Not a directory; HF_HOME"
    ):
        hub.fetch(SOURCE)
