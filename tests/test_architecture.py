"""Rules of the code base that a reader may rely on."""

from __future__ import annotations

import ast
import statistics
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


LEVELS = {
    "base": 0,  # errors, clock, files, devices, system
    "merging": 1,
    "streets": 1,
    "data": 2,
    "encoders": 2,
    "runtimes": 3,
    "segmenters": 4,
    "zoo": 5,
    "export": 5,
    "measure": 6,
    "training": 7,
    "cli": 8,
}
"""Rooms of the library: a file imports from its own room and from lower ones only."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def all_imports(path: Path) -> set[str]:
    """Full names of what a file imports from, anywhere in it: inside functions and for types, too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def room_of(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in LEVELS else "base"


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    if path.parent == ROOT / "mpm":
        return  # the front door opens every room, on first use
    own = room_of(module_name(path))
    for name in all_imports(path):
        if name.startswith("mpm."):
            assert room_of(name) == own or LEVELS[room_of(name)] < LEVELS[own], f"{own} imports {name}"


STOREYS = {
    "errors": 0,
    "texts": 0,
    "scripts": 0,
    "relay": 0,
    "examples": 0,
    "server": 1,
    "engine": 2,
    "inspector": 3,
    "camera": 4,
    "latency": 4,
    "lab": 4,
    "endpoint": 5,
    "ui": 6,
    "start": 7,
}
"""The page's packages, and its modules beside them: one imports from itself and from lower ones only."""
COMMANDS = {"app.examples": {"app.engine", "app.inspector"}}
"""Asked to draw the pictures anew, it runs the page's own engine: inside that function only."""


def storey_of(name: str) -> str:
    return name.split(".")[1]


@pytest.mark.parametrize("path", PAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_of_the_page_point_one_way(path):
    module = module_name(path)
    if module == "app":
        return
    own = storey_of(module)
    for name in all_imports(path):
        if name.startswith("app.") and not name.startswith(tuple(COMMANDS.get(module, ()))):
            other = storey_of(name)
            assert other == own or STOREYS.get(other, 0) < STOREYS[own], f"{own} imports {name}"


def test_the_pictures_that_ship_are_there_without_the_engine():
    assert not {name for name in modules_after("import app.examples") if name.startswith("app.engine")}


@pytest.mark.parametrize("package", ["mpm", "app"])
def test_there_is_no_circle_of_imports(package):
    files = {module_name(path): path for path in (ROOT / package).rglob("*.py")}
    needs = {name: all_imports(path) & files.keys() - {name} for name, path in files.items()}
    # Take away what needs nothing any more, until nothing is left: a circle would stay.
    while needs:
        free = {name for name, needed in needs.items() if not needed & needs.keys()}
        assert free, f"a circle among {sorted(needs)}"
        needs = {name: needed for name, needed in needs.items() if name not in free}


def test_files_and_functions_are_small():
    files = [path for folder in ("mpm", "app", "tests") for path in (ROOT / folder).rglob("*.py")]
    files += [*(ROOT / "app").rglob("*.js"), *(ROOT / "app").rglob("*.css")]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {str(path): lines for path, lines in lengths.items() if lines > 300} == {}
    functions = [
        node.end_lineno - node.lineno + 1
        for path in (*LIBRARY, *PAGE)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    assert statistics.median(functions) <= 12


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
