"""What `pip install .` gives: the library, its command and the weights; nothing of the page, no tests."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from PIL import Image

import mpm
from mpm.__main__ import main

ROOT = Path(__file__).parent.parent
FOLDERS = ("app", "assets", "mpm", "tests")
WEIGHTS = ROOT / "assets" / "streets-vit-tiny"
OLDEST_SETUPTOOLS = "77.0.3"
"""The first that knows licence expressions, see pyproject.toml."""
OPTIONAL = {"pillow_heif", "onnx", "onnxruntime", "openvino"}
"""Imported where it is installed; nobody needs it."""


def outside(*words: str | Path, folder: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; `path` is all that Python finds besides what is installed with it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run([*map(str, words)], cwd=folder, env=environment, capture_output=True, text=True)


def printed(*words: str | Path, folder: Path, path: Path | None = None) -> str:
    done = outside(*words, folder=folder, path=path)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build_wheel(source: Path, folder: Path) -> Path:
    """Build with what is installed here: no network."""
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder)
    printed(sys.executable, "-m", "pip", "wheel", *options, source, folder=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the checkout: a build leaves folders behind, and takes in what older builds have left."""
    try:
        version("pip")
        found = version("setuptools")
    except PackageNotFoundError as missing:
        pytest.skip(f"building the package needs {missing.name}")
    if Version(found) < Version(OLDEST_SETUPTOOLS):
        pytest.skip(f"building the package needs setuptools {OLDEST_SETUPTOOLS}, this is {found}")
    copy = tmp_path_factory.mktemp("project")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in filter(Path.is_file, ROOT.iterdir()):
        shutil.copy2(file, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(project, tmp_path_factory) -> Path:
    return build_wheel(project, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    options = ("--no-deps", "--no-index", "--no-compile", "--target", folder)
    printed(sys.executable, "-m", "pip", "install", *options, wheel, folder=folder)
    return folder


def names(folder: Path) -> set[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_library_and_the_weights_and_no_more(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    library = {f"mpm/{name}" for name in names(ROOT / "mpm")}
    weights = {f"mpm/assets/{WEIGHTS.name}/{name}" for name in names(WEIGHTS)}
    assert "mpm/py.typed" in library and f"mpm/assets/{WEIGHTS.name}/config.json" in weights
    about = {name for name in held if name.partition("/")[0].endswith(".dist-info")}
    assert held - about == library | weights | {"mpm/assets/LICENSE"}
    assert {name.partition("/licenses/")[2] for name in about} >= {"LICENSE", "assets/LICENSE"}


def test_a_source_distribution_builds_the_same_wheel(project, wheel, tmp_path):
    code = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    printed(sys.executable, "-c", code, tmp_path, folder=project)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        assert not any("/tests/" in name or "/examples/" in name for name in packed.getnames())
        packed.extractall(tmp_path, filter="data")
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())
    rebuilt = zipfile.ZipFile(build_wheel(source, tmp_path))
    checksums = {entry.filename: entry.CRC for entry in zipfile.ZipFile(wheel).infolist()}
    assert {entry.filename: entry.CRC for entry in rebuilt.infolist()} == checksums


def test_the_installed_library_is_complete(installed, tmp_path):
    code = "import mpm, sys; assert 'torch' not in sys.modules; print(mpm.__file__, mpm.__version__)"
    where, number = printed(sys.executable, "-c", code, folder=tmp_path, path=installed).split()
    assert Path(where) == installed / "mpm" / "__init__.py" and number == mpm.__version__
    listed = printed(sys.executable, "-m", "mpm", "models", folder=tmp_path, path=installed)
    assert WEIGHTS.name in listed and "in the box" in listed


def test_the_installed_command_segments_a_picture(installed, tmp_path, smooth_image):
    Image.fromarray(smooth_image).save(tmp_path / "street.png")
    command = shutil.which("mpm", path=installed / "bin")
    said = printed(command, "segment", "street.png", "--resolution", "64", folder=tmp_path, path=installed)
    assert "recipe 2,5: tokens" in said
    mask = np.asarray(Image.open(tmp_path / "street.mask.png"))
    assert mask.shape == smooth_image.shape[:2] and mask.max() < len(mpm.STREETS.class_names)


def test_the_installed_command_ends_with_its_exit_status(installed, tmp_path):
    command = shutil.which("mpm", path=installed / "bin")
    done = outside(command, "models", "--download", "nothing", folder=tmp_path, path=installed)
    assert done.returncode == 2 and done.stderr.startswith("mpm: ") and len(done.stderr.splitlines()) == 1


def test_usage_names_the_way_it_was_started(capsys):
    with pytest.raises(SystemExit):
        main(["models", "--help"])
    assert capsys.readouterr().out.startswith("usage: mpm models ")
    said = printed(sys.executable, "-m", "mpm", "models", "--help", folder=ROOT)
    assert said.startswith("usage: python -m mpm models ")


@pytest.fixture(scope="module")
def metadata() -> dict:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 cannot read pyproject.toml")
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_lists_of_requirements_are_those_of_the_package(metadata):
    extras = metadata["optional-dependencies"]
    page = [*metadata["dependencies"], *extras["app"]]
    assert (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() == page
    assert (ROOT / "tests" / "requirements.txt").read_text(encoding="utf-8").splitlines() == extras["test"]


def test_the_library_depends_on_what_it_imports_and_no_more(metadata):
    named = {plain(Requirement(line).name) for line in metadata["dependencies"]}
    imported = set().union(*(imports(path) for path in (ROOT / "mpm").rglob("*.py"))) - {"mpm", *OPTIONAL}
    bringing = packages_distributions()
    needed = {module: {plain(name) for name in bringing.get(module, [module])} for module in imported}
    assert {module for module, names in needed.items() if not names & named} == set()
    assert named - set().union(*needed.values()) == set(), "named and never imported"


def plain(name: str) -> str:
    return name.lower().replace("_", "-")


def imports(path: Path) -> set[str]:
    """Top-level packages that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names)
