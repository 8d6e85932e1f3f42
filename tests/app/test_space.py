"""What hosts read before any code runs: the README's first lines, the requirements, the container's files."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from PIL import Image

from app.server import health
from app.start import parse_arguments
from mpm.system import DEBIAN_PACKAGES
from mpm.zoo import registry

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
HOSTING = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")

COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
ZEROGPU_PYTHONS = {"3.10.13", "3.12.12"}
ZEROGPU_TORCHES = ("2.8.0", "2.9.1", "2.10.0", "2.11.0")
PLAIN_FILE_BYTES = 10_000_000
"""The hub refuses larger ones unless they go through its large-file storage."""


@pytest.fixture(scope="module")
def front() -> dict:
    opening, block, _ = README.split("---\n", 2)
    assert opening == "", "the settings must be the file's first lines"
    return yaml.safe_load(block)


def requirements(name: str) -> dict[str, Requirement]:
    lines = [line.strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    parsed = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {requirement.name.lower().replace("_", "-"): requirement for requirement in parsed}


def test_settings_are_complete(front):
    wanted = "title emoji colorFrom colorTo sdk sdk_version python_version app_file short_description tags"
    wanted += " preload_from_hub models license thumbnail suggested_hardware startup_duration_timeout pinned"
    assert set(wanted.split()) == set(front)
    assert front["sdk"] == "gradio" and front["pinned"] is False
    assert {front["colorFrom"], front["colorTo"]} <= COLOURS
    assert len(front["emoji"]) == 1 and ord(front["emoji"]) > 0x2000
    assert 10 < len(front["short_description"]) <= 60
    assert re.fullmatch(r"\d+(m|h)", front["startup_duration_timeout"])
    assert all(re.fullmatch(r"[a-z0-9-]+", tag) for tag in front["tags"])
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+", model) for model in front["models"])


def test_preloaded_models_are_the_registrys_and_whole(front):
    known = {entry.hub.repo: entry for entry in registry.entries() if entry.hub}
    preloaded = dict(line.split(" ") for line in front["preload_from_hub"])
    assert sorted(preloaded) == sorted(front["models"]) and len(preloaded) == 2
    for repo, files in preloaded.items():
        assert set(files.split(",")) == {"config.json", "preprocessor_config.json", "model.safetensors"}
        assert known[repo].licence == "MIT"
    assert {known[repo].data_set for repo in preloaded} == {"coco-panoptic", "ade20k"}


@pytest.mark.parametrize("models, calls", [("", ""), ("a b/c", "a\nb/c\n")])
def test_the_image_downloads_the_models_that_it_is_told(models, calls, tmp_path):
    line = next(line for line in DOCKERFILE.splitlines() if line.startswith("RUN for model"))
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ "$5" != bad ] && echo "$5" >> {tmp_path}/calls\n')
    python.chmod(0o755)
    done = run_line(line, models, tmp_path)
    made = tmp_path / "calls"
    assert done.returncode == 0 and (made.read_text() if made.exists() else "") == calls
    assert run_line(line, "bad a", tmp_path).returncode == 1


def run_line(line: str, models: str, folder: Path) -> subprocess.CompletedProcess:
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "MODELS": models}
    return subprocess.run(["sh", "-c", line.removeprefix("RUN ")], env=environment, check=False)


def test_the_sdk_is_the_gradio_that_is_tested(front):
    declared, installed = Version(front["sdk_version"]), Version(version("gradio"))
    assert requirements("requirements.txt")["gradio"].specifier.contains(declared)
    if installed > declared:  # a release of Gradio must not break the tests of what has not changed
        pytest.skip(f"gradio {installed} is out: try it, and raise sdk_version from {declared}")
    assert declared == installed


def test_settings_agree_with_the_code(front):
    assert front["python_version"] in ZEROGPU_PYTHONS and front["suggested_hardware"] == "zero-a10g"
    application = ast.parse((ROOT / front["app_file"]).read_text(encoding="utf-8"))
    assigned = {
        target.id for node in application.body if isinstance(node, ast.Assign) for target in node.targets
    }
    assert "demo" in assigned
    assert (
        "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
        and front["license"] == "apache-2.0"
    )


def test_the_thumbnail_is_there(front):
    path = ROOT / front["thumbnail"].partition("/resolve/main/")[2] if "://" in front["thumbnail"] else (
        ROOT / front["thumbnail"]
    )  # fmt: skip
    assert path.stat().st_size < 300_000
    with Image.open(path) as picture:
        assert picture.format == "PNG" and picture.size == (1200, 630)


def test_requirements_are_floors():
    for name, requirement in requirements("requirements.txt").items():
        operators = {specifier.operator for specifier in requirement.specifier}
        assert ">=" in operators and operators <= {">=", "<"}, f"{name}: a floor, and at most a bound above"
        assert requirement.specifier.contains(version(name), prereleases=True)


def test_requirements_name_what_is_imported():
    named = set(requirements("requirements.txt"))
    distributions = packages_distributions()
    missing = {}
    for path in [ROOT / "app.py", *(ROOT / "app").rglob("*.py"), *(ROOT / "mpm").rglob("*.py")]:
        for module in _imported(path) - {"app", "mpm", "spaces"} - set(sys.stdlib_module_names):
            packages = {package.lower().replace("_", "-") for package in distributions.get(module, [module])}
            if not packages & named and not _is_optional(path, module):
                missing[module] = str(path.relative_to(ROOT))
    brought = {"gradio_client", "starlette"}  # Gradio's own parts
    brought |= {"onnx", "onnxruntime", "openvino"}  # extras, asked for where a runtime is opened
    assert set(missing) <= brought, missing


def _imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def _is_optional(path: Path, module: str) -> bool:
    """Imported where failing is provided for."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Try) and any(module in ast.unparse(line) for line in node.body):
            return True
    return False


def test_spaces_install_a_torch_that_zerogpu_has():
    first, then = requirements("pre-requirements.txt"), requirements("requirements.txt")
    assert set(first) == {"torch", "torchvision"}
    for torch in ZEROGPU_TORCHES:
        assert first["torch"].specifier.contains(torch) and then["torch"].specifier.contains(torch)
    assert not first["torch"].specifier.contains("2.15.0")


def test_debian_packages_are_the_same_everywhere():
    """In packages.txt each line is a package: it may hold no comment."""
    wanted = DEBIAN_PACKAGES.split()
    assert (ROOT / "packages.txt").read_text(encoding="utf-8").split("\n") == [*wanted, ""]
    assert all(DEBIAN_PACKAGES in text for text in (DOCKERFILE, README, HOSTING))
    assert HOSTING.count(DEBIAN_PACKAGES) >= 2


def test_the_container_runs_what_is_there():
    lines = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    assert lines[0] == "FROM python:3.12-slim"
    user = next(at for at, line in enumerate(lines) if line.startswith("USER"))
    assert lines[user] != "USER root" and user < len(lines) - 1, "what runs, runs without rights"
    assert "GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860" in DOCKERFILE and "EXPOSE 7860" in DOCKERFILE
    assert f'"python", "-m", "{health.__name__}"' in DOCKERFILE and 'CMD ["python", "app.py"]' in DOCKERFILE
    assert "whl/cpu" in DOCKERFILE.partition("COPY requirements.txt")[0], "torch before the requirements"


def test_the_container_gets_all_it_needs():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not {"app", "mpm", "assets", "app.py", "requirements.txt", "LICENSE"} & set(ignored)
    assert {".git", "tests"} <= set(ignored)


def test_commands_of_readme_and_hosting_exist():
    started = re.findall(r"^    .*?python app\.py(.*)$", README + HOSTING, re.MULTILINE)
    assert len(started) >= 2
    for arguments in started:
        parse_arguments(arguments.split())
    assert parse_arguments(["--host", "0.0.0.0"]).host == "0.0.0.0"
    assert parse_arguments([]).host is None, "an explicit address would make a Space unreachable"
    for script in re.findall(r"python (tests/[\w/]+\.py)", README + HOSTING):
        assert (ROOT / script).is_file(), script


def test_the_container_check_fails_where_nobody_answers(monkeypatch, capsys):
    monkeypatch.setenv("GRADIO_SERVER_PORT", "9")
    assert health.main() == 1 and capsys.readouterr().out


def test_no_file_is_too_large_for_the_hub():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    large = [name for name in listed.stdout.splitlines() if _size(ROOT / name) > PLAIN_FILE_BYTES]
    assert large == []


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def test_floors_are_not_above_what_a_space_gets(front):
    assert requirements("requirements.txt")["gradio"].specifier.contains(Version(front["sdk_version"]))
