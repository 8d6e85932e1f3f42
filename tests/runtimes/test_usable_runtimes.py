"""Runtimes and number formats that this machine has."""

from __future__ import annotations

import sys

import pytest

from mpm.errors import InputError
from mpm.runtimes import RuntimeChoice, check_runtime, usable_runtimes
from mpm.runtimes.usable import computes_bfloat16


@pytest.fixture
def afresh():
    """What is installed is looked at again, before and after."""
    usable_runtimes.cache_clear()
    yield
    usable_runtimes.cache_clear()


@pytest.mark.usefixtures("afresh")
def test_whatever_is_listed_opens():
    found = usable_runtimes()
    assert found[0] == RuntimeChoice("torch") and len(set(found)) == len(found)
    for one in found:
        check_runtime(one.name, one.number_format)


@pytest.mark.usefixtures("afresh")
def test_without_packages_there_is_only_torch(monkeypatch):
    for package in ("onnxruntime", "openvino"):
        monkeypatch.setitem(sys.modules, package, None)
    assert {one.name for one in usable_runtimes()} == {"torch"}


@pytest.mark.usefixtures("afresh")
def test_one_package_brings_its_own_formats():
    pytest.importorskip("onnx", reason="graphs are written by the package onnx")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    formats = [one.number_format for one in usable_runtimes() if one.name == "onnxruntime"]
    assert formats == ["float32", "int8"]


@pytest.mark.parametrize(
    ("text", "title"),
    [("torch", "PyTorch"), ("torch bfloat16", "PyTorch bfloat16"), ("onnxruntime int8", "ONNX Runtime int8")],
)
def test_texts_are_read_back(text, title):
    one = RuntimeChoice.parse(text)
    assert (one.text, one.title) == (text, title)
    assert RuntimeChoice.parse("openvino") == RuntimeChoice("openvino", "float32")


@pytest.mark.parametrize("text", ["", "tensorrt", "openvino int4", "torch int8", "openvino bfloat16 twice"])
def test_what_nobody_knows_is_refused(text):
    with pytest.raises(InputError):
        RuntimeChoice.parse(text)


@pytest.mark.parametrize(
    ("line", "has"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16", True),
        ("Features\t: fp asimd bf16", True),
        ("flags\t\t: fpu avx512f", False),
        ("model name\t: bf16", False),
    ],
)
def test_a_processor_tells_whether_it_computes_in_bfloat16(tmp_path, line, has):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(f"processor\t: 0\n{line}\n", encoding="utf-8")
    assert computes_bfloat16(tmp_path) is has


def test_who_does_not_tell_has_none(tmp_path):
    assert computes_bfloat16(tmp_path) is False
