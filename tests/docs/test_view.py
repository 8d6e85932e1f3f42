"""The view that docs/add-a-view.md writes fits the page's browser code as it is today."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest
from support.documents import ROOT

from app import scripts

DOCUMENT = (ROOT / "docs" / "add-a-view.md").read_text(encoding="utf-8")
MATHS = "\nexport function groupSizesOf(groups) {\n  return groups;\n}\n"
FIGURE = "\nfunction sizesFigure(sizes) {\n  return svgEl('svg', {}, String(sizes));\n}\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    """The browser's code with the document's steps done."""
    for name in ("js", "inspector/js", "camera/js"):
        shutil.copytree(ROOT / "app" / name, tmp_path / name)
    (code,) = re.findall(r"^ *```js\n(.*?)^ *```$", DOCUMENT, re.M | re.S)
    own = tmp_path / "inspector" / "js"
    (own / "sizes.js").write_text(textwrap.dedent(code) + FIGURE, encoding="utf-8")
    with (own / "model.js").open("a", encoding="utf-8") as maths:
        maths.write(MATHS)
    main = (own / "main.js").read_text(encoding="utf-8")
    (mount,) = re.findall(r"`(mountSizes\(ui, store\);)`", DOCUMENT)
    first = main.index("import {")
    main = f"{main[:first]}import {{ mountSizes }} from './sizes.js';\n{main[first:]}"
    main, mounted = re.subn(r"(  mountLocality\(ui, store\);\n)", rf"\1  {mount}\n", main)
    assert mounted == 1
    (own / "main.js").write_text(main, encoding="utf-8")
    return own


def test_the_view_joins_the_page(folder):
    text = scripts.joined(folder / "main.js")
    assert "function mountSizes(ui, store) {" in text and text.count("mountSizes(ui, store);") == 1


def test_the_joined_script_can_be_read(folder, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("this test needs node")
    file = tmp_path / "joined.js"
    file.write_text(f"function page() {{\n{scripts.joined(folder / 'main.js')}\n}}\n", encoding="utf-8")
    done = subprocess.run([node, "--check", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_the_document_names_in_the_code_is_there():
    code = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.js")}
    assert "export const LAYERS" in code["store.js"] and "export const LAYER_PAINTERS" in code["merges.js"]
    assert "export const EVENTS" in code["events.js"] and "function mountParts" in code["main.js"]
    assert 'class="card locality"' in (ROOT / "app/inspector/inspector.html").read_text(encoding="utf-8")
