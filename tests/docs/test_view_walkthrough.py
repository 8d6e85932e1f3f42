"""The view of docs/add-a-view.md, put where the text says: its code joins the page's, and its test passes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.documents import ROOT, blocks, read

from app.scripts import joined, modules

PAGE = read(ROOT / "docs" / "add-a-view.md")


@pytest.fixture
def copy(tmp_path) -> Path:
    """The browser's code with the view in it, as a reader would have it."""
    for folder in ("app/js", "app/inspector/js", "app/camera/js"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    module, (import_line, call), test = _blocks()
    main = tmp_path / "app/inspector/js/main.js"
    text = main.read_text(encoding="utf-8")
    beside = "  mountLocality(ui, store);\n"
    assert beside in text, "the line that the walkthrough names"
    main.write_text(f"{import_line}\n" + text.replace(beside, f"{beside}  {call}\n"), encoding="utf-8")
    (tmp_path / "app/inspector/js/groupsizes.js").write_text(module, encoding="utf-8")
    (tmp_path / "tests/js").mkdir(parents=True)
    (tmp_path / "tests/js/groupsizes.test.mjs").write_text(test, encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


def _blocks() -> tuple[str, list[str], str]:
    """The module, the two lines of main.js, the test."""
    module, lines, test = blocks(PAGE, "js")
    return module, lines.splitlines(), test


def test_its_code_joins_the_page_s(copy):
    entry = copy / "app/inspector/js/main.js"
    assert "groupsizes.js" in {module.path.name for module in modules(entry)}
    assert joined(entry).count("mountGroupSizes(ui, store)") == 2, "declared, and called"


def test_its_place_is_there():
    (html,) = blocks(PAGE, "html")
    page = (ROOT / "app/inspector/inspector.html").read_text(encoding="utf-8")
    assert 'class="card locality"' in page, "the section that the walkthrough names"
    refs = set(re.findall(r'data-ref="(\w+)"', html))
    assert refs == set(re.findall(r"ui\.(\w+)", _blocks()[0]))
    assert not refs & set(re.findall(r'data-ref="(\w+)"', page))


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_its_test_passes(copy):
    done = subprocess.run(
        ["node", "--test", "tests/js/groupsizes.test.mjs"], cwd=copy, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\S* ?pass 1$", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize(
    "name", ["shownRun", "shownStage", "initialState", "RECEIVERS", "EVENTS", "mountParts"]
)
def test_names_of_the_walkthrough_are_there(name):
    assert name in PAGE
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "app/inspector/js").glob("*.js")]
    assert any(re.search(rf"^(?:export )?(?:const|function) {name}\b", text, re.MULTILINE) for text in texts)
