"""Encoders that carry queries, and heads that want blocks' outputs, on another runtime."""

from __future__ import annotations

import numpy as np
import pytest
from support.dpt_files import tiny_model, write_folder
from support.tiny_eomt import lively_eomt, save, soft_picture

import mpm


@pytest.fixture(scope="module", autouse=True)
def onnxruntime():
    pytest.importorskip("onnx", reason="graphs are written by the package onnx")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


@pytest.mark.parametrize("recipe", ["none", "0,1"])
def test_queries(tmp_path, recipe):
    model = mpm.load_segmenter(save(tmp_path / "eomt", lively_eomt()))
    same_mask(model, soft_picture(64, 64), recipe)


@pytest.mark.parametrize("recipe", ["none", "0,1"])
def test_taps(tmp_path, recipe):
    model = mpm.load_segmenter(write_folder(tiny_model(), tmp_path / "dpt"))
    same_mask(model, soft_picture(90, 60), recipe)


def same_mask(model: mpm.Segmenter, picture: np.ndarray, recipe: str) -> None:
    other = model.with_runtime("onnxruntime")
    assert other.runtime == "onnxruntime", other.runtime_note
    own, found = model.segment(picture, recipe), other.segment(picture, recipe)
    assert np.allclose(own.logits, found.logits, atol=1e-3)
    assert own.trace.token_counts == found.trace.token_counts
