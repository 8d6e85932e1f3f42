"""Downloads from a local host: whole or not there, resumed, checked, and from allowed hosts only."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.file_host import CONTENT, DIGEST, running

from mpm.errors import InputError
from mpm.zoo.download import RemoteFile, Unreachable, cache_folder, download, is_there


@pytest.fixture
def host():
    with running() as one:
        yield one


def names(folder: Path) -> list[str]:
    """Visible files; the lock's stays behind."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_download_is_whole_recorded_and_not_repeated(host, tmp_path):
    seen = []
    for _ in range(2):
        path = download(host.file(), tmp_path / "new", {host.origin}, lambda *now: seen.append(now))
    assert path.read_bytes() == CONTENT and len(host.ranges) == 1
    assert names(tmp_path / "new") == ["weights.pth", "weights.pth.sha256"]
    assert (tmp_path / "new" / "weights.pth.sha256").read_text() == f"{DIGEST}  weights.pth\n"
    assert seen[0] == (0, len(CONTENT)) and seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_broken_download_leaves_a_part_and_goes_on_from_there(host, tmp_path):
    host.stop_after = 1_000_000
    with pytest.raises(Unreachable, match="broke off at 1000000 of 3072000 bytes"):
        download(host.file(), tmp_path, {host.origin})
    assert not is_there(host.file(), tmp_path) and len(names(tmp_path)) == 2
    host.stop_after = None
    seen = []
    path = download(host.file(), tmp_path, {host.origin}, lambda *now: seen.append(now))
    assert host.ranges == [None, "bytes=1000000-"] and seen[0] == (1_000_000, len(CONTENT))
    assert path.read_bytes() == CONTENT and names(tmp_path) == ["weights.pth", "weights.pth.sha256"]


@pytest.mark.parametrize(("before", "after"), [('"one"', '"two"'), ('W/"one"', 'W/"one"'), ("", "")])
def test_a_part_of_another_version_is_thrown_away(host, tmp_path, before, after):
    # A weak mark, or none, says nothing about the version: what is there cannot be trusted.
    host.stop_after, host.version = 1_000_000, before
    with pytest.raises(Unreachable):
        download(host.file(), tmp_path, {host.origin})
    host.stop_after, host.version, host.content = None, after, CONTENT[::-1]
    assert download(host.file(), tmp_path, {host.origin}).read_bytes() == CONTENT[::-1]


def test_a_part_that_was_whole_already_is_taken_again(host, tmp_path):
    host.stop_after = 1_000_000
    with pytest.raises(Unreachable):
        download(host.file(), tmp_path, {host.origin})
    part = next(tmp_path.glob("*.part"))
    part.write_bytes(CONTENT)
    host.stop_after = None
    assert download(host.file(), tmp_path, {host.origin}).read_bytes() == CONTENT


def test_a_killed_download_is_resumed_by_the_next_process(host, tmp_path):
    host.pause_s = 0.02
    code = (
        "from mpm.zoo.download import *; import sys; from pathlib import Path;"
        "download(RemoteFile(sys.argv[1] + '/weights.pth'), Path(sys.argv[2]), {sys.argv[1]})"
    )
    command = [sys.executable, "-c", code, host.origin, str(tmp_path)]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(command, cwd=root)
    deadline = time.monotonic() + 20
    while sum(part.stat().st_size for part in tmp_path.glob("*.part")) == 0:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()
    left = next(tmp_path.glob("*.part")).stat().st_size
    assert 0 < left < len(CONTENT) and not is_there(host.file(), tmp_path)
    host.pause_s = 0
    subprocess.run(command, cwd=root, check=True, timeout=20)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT
    assert host.ranges == [None, f"bytes={left}-"]


def test_two_at_once_download_one_time(host, tmp_path):
    host.pause_s = 0.005
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(lambda _: download(host.file(), tmp_path, {host.origin}), range(2)))
    assert paths[0] == paths[1] and len(host.ranges) == 1 and paths[0].read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"size_bytes": 5}, "must have 5 bytes, but the host has 3072000"),
        ({"sha256": "0" * 64}, "SHA-256 starts with .*, not 000000000000"),
        ({"sha256": "00000000"}, "SHA-256 starts with .*, not 00000000;"),
    ],
)
def test_what_was_not_published_is_refused_and_leaves_nothing(host, tmp_path, known, words):
    with pytest.raises(InputError, match=words) as caught:
        download(host.file(**known), tmp_path, {host.origin})
    assert "\n" not in str(caught.value) and not list(tmp_path.glob("*.part"))
    assert not (tmp_path / "weights.pth").exists()


def test_published_size_and_digest_are_accepted(host, tmp_path):
    file = host.file(size_bytes=len(CONTENT), sha256=DIGEST[:8])
    assert download(file, tmp_path, {host.origin}).is_file() and is_there(file, tmp_path)


def test_a_file_that_changed_on_the_disk_is_refused(host, tmp_path):
    path = download(host.file(), tmp_path, {host.origin})
    path.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(InputError, match="is not the file it should be.*delete it"):
        download(host.file(), tmp_path, {host.origin})
    path.write_bytes(CONTENT[:100])
    file = host.file(size_bytes=len(CONTENT))
    assert not is_there(file, tmp_path)
    with pytest.raises(InputError, match="must have 3072000 bytes, but has 100"):
        download(file, tmp_path, {host.origin})
    # Deleted and downloaded again, it is compared with the first download.
    path.unlink()
    host.content = CONTENT[::-1]
    with pytest.raises(InputError, match="if the publisher has changed the file"):
        download(host.file(), tmp_path, {host.origin})
    (tmp_path / "weights.pth.sha256").unlink()
    assert download(host.file(), tmp_path, {host.origin}).read_bytes() == CONTENT[::-1]


def test_other_hosts_are_refused_also_behind_a_redirect(host, tmp_path):
    with pytest.raises(InputError, match="is not among the hosts"):
        download(host.file(), tmp_path, {"https://example.org"})
    assert host.ranges == []
    with running() as other:
        host.location = f"{other.origin}/elsewhere.pth"
        with pytest.raises(InputError, match=f"{other.origin} is not among the hosts"):
            download(host.file(), tmp_path, {host.origin})
        assert other.ranges == []
        path = download(host.file(), tmp_path, {host.origin, other.origin})
        assert path.name == "weights.pth" and path.read_bytes() == CONTENT
    for url in ("file:///etc/passwd", f"http://127.0.0.1:{host.server_port}@example.org/x"):
        with pytest.raises(InputError, match="is not among the hosts"):
            download(RemoteFile(url), tmp_path / "other", {host.origin})


def test_a_host_that_does_not_answer_well(host, tmp_path):
    host.says_length = False
    with pytest.raises(Unreachable, match="does not say how long"):
        download(host.file(), tmp_path, {host.origin})
    host.shutdown()
    host.server_close()
    with pytest.raises(Unreachable, match=r"weights\.pth cannot be downloaded from http://127"):
        download(host.file(), tmp_path, {host.origin})


@pytest.mark.parametrize("broken", [ssl.SSLEOFError(8, "EOF occurred"), OSError(113, "No route to host")])
def test_a_connection_that_breaks_is_not_the_folder_s_fault(host, tmp_path, broken, monkeypatch):
    def fails(response, size):
        raise broken

    monkeypatch.setattr("http.client.HTTPResponse.read", fails)
    with pytest.raises(Unreachable, match="cannot be downloaded from"):
        download(host.file(), tmp_path, {host.origin})


def test_a_folder_that_cannot_be_written_is_said(host, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"weights\.pth cannot be kept in"):
        download(host.file(), tmp_path / "file", {host.origin})


def test_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MPM_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("MPM_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "mpm-explorer"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "mpm-explorer"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == Path.home() / "Library" / "Caches" / "mpm-explorer"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert cache_folder() == tmp_path / "mpm-explorer"
