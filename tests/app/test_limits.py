"""The folder for uploads: bounded in age and in bytes, and what the page shows stays."""

from __future__ import annotations

import os
import time

import pytest

from app.server.limits import LEFT_BEHIND_S, YOUNG_S, Limits, UploadFolder


@pytest.fixture
def folder(tmp_path):
    """Three files of 1000 bytes: 10 minutes, 5 minutes and 0 seconds old."""
    for name, age_s in (("old", 600), ("middle", 300), ("new", 0)):
        path = tmp_path / name / "picture.png"
        path.parent.mkdir()
        path.write_bytes(bytes(1000))
        stamp = time.time() - age_s
        os.utime(path, (stamp, stamp))
    return tmp_path


def left(folder) -> set[str]:
    return {path.parent.name for path in folder.rglob("*.png")}


def test_old_files_go(folder):
    assert UploadFolder(folder, Limits(age_s=400)).sweep() == 1000
    assert left(folder) == {"middle", "new"}


def test_too_many_bytes_go_oldest_first_and_young_ones_stay(folder):
    assert UploadFolder(folder, Limits(bytes=2500)).sweep() == 1000
    assert left(folder) == {"middle", "new"}
    assert UploadFolder(folder, Limits(bytes=0)).sweep() == 1000
    assert left(folder) == {"new"}, "it may still be on its way"


def test_what_the_page_shows_stays(folder):
    swept = UploadFolder(folder, Limits(age_s=1, bytes=0))
    swept.start(kept=[str(folder / "old" / "picture.png")])
    swept.sweep()
    assert left(folder) == {"old", "new"}
    swept.close()


def test_empty_folders_go_unless_they_are_new(folder):
    (folder / "empty").mkdir()
    (folder / "fresh").mkdir()
    stamp = time.time() - 2 * YOUNG_S
    os.utime(folder / "empty", (stamp, stamp))
    UploadFolder(folder, Limits()).sweep()
    assert not (folder / "empty").exists() and (folder / "fresh").exists()


def test_it_sweeps_by_itself_and_goes_away(folder):
    swept = UploadFolder(folder, Limits(age_s=0.2)).start()
    deadline = time.monotonic() + 10
    while left(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left(folder) == set() and folder.is_dir()
    swept.close()
    assert not folder.exists()


@pytest.mark.parametrize("given", [True, False])
def test_it_is_a_new_folder_and_the_given_one_is_left_alone(monkeypatch, tmp_path, given):
    (tmp_path / "somebody's.txt").write_text("old")
    os.utime(tmp_path / "somebody's.txt", (0, 0))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path) if given else "")
    made = UploadFolder.prepare(Limits(age_s=0.001, bytes=0))
    assert os.environ["GRADIO_TEMP_DIR"] == str(made.path) and made.path.is_dir()
    assert (made.path.parent == tmp_path) == given
    made.sweep()
    made.close()
    assert not made.path.exists() and (tmp_path / "somebody's.txt").exists()


def test_what_killed_pages_left_behind_goes(monkeypatch, tmp_path):
    for name, age_s in (("mpm-explorer-old", 2 * LEFT_BEHIND_S), ("mpm-explorer-new", 60), ("other", 1e6)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    UploadFolder.prepare().close()
    assert {path.name for path in tmp_path.iterdir()} == {"mpm-explorer-new", "other"}
