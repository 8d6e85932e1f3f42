"""The Python of README and docs runs: block after block, one namespace a document, on a bundled picture."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from support.documents import DOCUMENTS, ROOT, blocks, read

import mpm

pytestmark = pytest.mark.usefixtures("no_rule_stays")

STREET = ROOT / "assets" / "examples" / "camvid-car.jpg"
WITH_CODE = [path for path in DOCUMENTS if blocks(read(path))]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where a reader would stand: with a photo of a street."""
    shutil.copy(STREET, tmp_path / "street.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", WITH_CODE, ids=lambda path: path.name)
def test_code_runs(path, folder):
    space: dict[str, object] = {"__name__": "a_reader", "picture": np.asarray(Image.open("street.jpg"))}
    for number, code in enumerate(blocks(read(path)), 1):
        exec(compile(code, f"{path.name}, block {number}", "exec"), space)
    for name, value in list(space.items()):
        if name.startswith("test_"):
            value()


def test_the_walkthroughs_have_code():
    names = {path.name for path in WITH_CODE}
    assert {"README.md", "library.md", "add-a-rule.md", "add-a-model.md"} <= names


def rule_of(name: str) -> str:
    return next(code for code in blocks(read(ROOT / name)) if "@mpm.rule" in code)


@pytest.mark.parametrize(
    "name, call", [("docs/library.md", "stripes(4)"), ("docs/add-a-rule.md", "stripes(3)")]
)
def test_a_rule_is_a_file_of_its_own(name, call, folder, tiny, smooth_image):
    file = folder / "own.py"
    file.write_text(rule_of(name), encoding="utf-8")
    mpm.load_rules(file)
    run = tiny.segment(smooth_image, f"{call}@1")
    assert len(run.trace.token_counts) == 2 and run.trace.token_counts[1] < run.trace.token_counts[0]
    alone, pair = torch.rand(1, 9, 4), torch.rand(1, 9, 4)
    both = mpm.rules()[-1](torch.cat([alone, pair]), mpm.Context(torch.cat([alone, pair])))
    assert torch.equal(both.index[:1], mpm.rules()[-1](alone, mpm.Context(alone)).index)
