"""Every link of README and docs leads somewhere: files, headings, pictures."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from support.documents import DOCUMENTS, ROOT, anchor, anchors, links, read

PICTURES = ROOT / "docs" / "pictures"
SOURCES = {"film.webp": 1_500_000, "architecture.svg": 100_000}
STILL_BYTES, ALL_BYTES = 300_000, 3_000_000


def broken(path: Path, text: str) -> list[str]:
    """Targets inside the repository that do not exist. text: of the document at `path`."""
    found = []
    for target in links(text):
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, heading = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        is_ours = there.exists() and ROOT in (there, *there.parents)
        if not is_ours or (heading and heading not in anchors(there)):
            found.append(target)
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    assert broken(path, read(path)) == []


def test_a_broken_link_is_found():
    text = "[a](nowhere.md) [b](README.md#no-such-heading) ![c](docs/pictures/none.png) [d](https://e.org/x)"
    assert broken(ROOT / "README.md", text) == [
        "nowhere.md", "README.md#no-such-heading", "docs/pictures/none.png"
    ]  # fmt: skip
    assert anchor("Gradio's `app.py`, and *more*") == "gradios-apppy-and-more"


def test_every_document_can_be_reached_from_the_readme():
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        path = todo.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        todo += [
            (path.parent / target.partition("#")[0]).resolve()
            for target in links(read(path))
            if "://" not in target and target.partition("#")[0]
        ]
    assert set(DOCUMENTS) <= reached


def test_pictures_are_used_small_and_whole():
    used = {Path(target).name for path in DOCUMENTS for target in links(read(path)) if "pictures/" in target}
    files = sorted(PICTURES.iterdir())
    assert {file.name for file in files} == used
    assert sum(file.stat().st_size for file in files) < ALL_BYTES
    for file in files:
        assert file.stat().st_size < SOURCES.get(file.name, STILL_BYTES), file.name
        if file.suffix == ".svg":
            ElementTree.parse(file)
        else:
            with Image.open(file) as picture:
                picture.load()


def test_pictures_have_words_for_who_cannot_see_them():
    for path in DOCUMENTS:
        assert "![](" not in read(path), path.name


def test_the_drawing_names_every_room():
    drawn = (PICTURES / "architecture.svg").read_text(encoding="utf-8")
    rooms = {file.parent.name for file in (ROOT / "mpm").glob("*/__init__.py")}
    rooms |= {file.parent.name for file in (ROOT / "app").glob("*/__init__.py")}
    assert {room for room in rooms if room not in drawn} == set()
