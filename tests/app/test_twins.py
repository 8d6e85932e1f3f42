"""Models in other runtimes, and the memory that they share with further models."""

from __future__ import annotations

import pytest

import mpm
from app.engine import twins as twins_module
from app.engine.memory import Memory
from app.engine.twins import COPIES, Twins, built_quickly
from mpm.runtimes import RuntimeChoice

HALF = RuntimeChoice("torch", "bfloat16")
"""The one that everybody has."""


def weights_bytes(segmenter) -> int:
    return sum(4 * one.numel() for one in segmenter.parameters())


def test_a_twin_is_built_once(tiny):
    twins = Twins()
    twin = twins.of(tiny, HALF)
    assert twin.runtime == "torch bfloat16" and twins.of(tiny, HALF) is twin


def test_another_model_of_that_name_has_a_twin_of_its_own(tiny, tiny_config):
    twins, again = Twins(), mpm.Segmenter(tiny_config).eval()
    assert twins.of(tiny, HALF) is not twins.of(again, HALF)


def test_twins_give_way_to_others(tiny):
    memory = Memory(COPIES * weights_bytes(tiny) + 10)
    twins = Twins(memory)
    twin = twins.of(tiny, HALF)
    memory.keep("a model", object(), 20, "a model")
    assert memory.find("a model") is not None and twins.of(tiny, HALF) is not twin
    assert memory.find("a model") is None, "the twin is back, and there is room for one of them"


def test_what_is_too_large_is_refused_before_it_is_built(tiny, monkeypatch):
    monkeypatch.setattr(type(tiny), "with_runtime", None)
    with pytest.raises(mpm.InputError, match="in PyTorch bfloat16 is too large for this computer's memory"):
        Twins(Memory(weights_bytes(tiny))).of(tiny, HALF)


def test_what_cannot_be_built_says_why(tiny, monkeypatch):
    monkeypatch.setattr(mpm.Segmenter, "runtime_note", "onnxruntime cannot")
    with pytest.raises(mpm.InputError, match="onnxruntime cannot"):
        Twins().of(tiny, HALF)


def test_what_must_see_pictures_first_is_not_built_while_others_wait(monkeypatch):
    listed = tuple(RuntimeChoice.parse(text) for text in ("torch", "openvino int8", "onnxruntime int8"))
    monkeypatch.setattr(twins_module, "usable_runtimes", lambda: listed)
    assert [one.text for one in built_quickly()] == ["torch", "onnxruntime int8"]
