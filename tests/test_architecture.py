"""Rules of the code base that a reader may rely on."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARY = sorted((ROOT / "mpm").rglob("*.py"))
PAGE = sorted((ROOT / "app").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level packages and full names that a file imports anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names | {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_library_knows_nothing_of_the_page(path):
    assert not imported(path) & {"app", "gradio", "plotly"}


@pytest.mark.parametrize("path", PAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_engine_touches_torch(path):
    assert not imported(path) & {"torch", "timm"} or path.name == "engine.py"


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_library_loads_without_gradio_and_its_light_parts_without_torch():
    heavy = modules_after("import mpm; mpm.load_segmenter; mpm.apply")
    assert "gradio" not in heavy and "torch" in heavy
    light = modules_after("import mpm, mpm.images, mpm.merging.schedule, mpm.streets, mpm.measure.paired")
    assert "torch" not in light and "timm" not in light


def test_the_page_is_built_without_waiting_for_torch():
    assert "torch" not in modules_after("import app.ui")


def test_everything_the_front_door_names_is_there():
    import mpm

    for name in mpm.__all__:
        assert getattr(mpm, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = mpm.nothing
