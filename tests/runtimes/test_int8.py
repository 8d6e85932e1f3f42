"""Products in 8-bit integers: how far off they are, and what ranges they go by."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import mpm
from mpm.errors import InputError
from mpm.runtimes import open_runtime
from mpm.runtimes.graph import Graph
from mpm.runtimes.int8 import dynamic, static
from mpm.segmenters.input_ranges import input_ranges
from mpm.streets import render_street


@pytest.fixture(scope="module", autouse=True)
def packages():
    pytest.importorskip("onnx", reason="graphs are written by the package onnx")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


@pytest.fixture
def layer() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(24, 10)


def computed(layer: nn.Linear, by_weights, tokens: np.ndarray) -> np.ndarray:
    graph = Graph(by_weights)
    made = graph.linear("x", layer)
    model = graph.finish({"x": [1, "rows", 24]}, {"y": (made, [1, "rows", 10])})
    return open_runtime("onnxruntime").compile(model)(tokens)


def rounded(values: np.ndarray, least: float, greatest: float) -> np.ndarray:
    """As 8-bit integers hold them, the slow and plain way."""
    step = (greatest - least) / 255
    zero = round(-least / step)
    return (np.clip(np.round(values / step) + zero, 0, 255) - zero) * step


def by_columns(weight: np.ndarray) -> np.ndarray:
    step = np.abs(weight).max(0) / 127
    return np.round(weight / step) * step


@pytest.mark.parametrize("least, greatest", [(-2.0, 3.0), (0.5, 3.0), (-3.0, -0.5)])
def test_static_is_rounding_by_hand(layer, least, greatest):
    tokens = np.random.default_rng(1).uniform(-4, 4, (1, 50, 24)).astype(np.float32)
    weight, bias = (one.detach().numpy() for one in (layer.weight, layer.bias))
    wanted = rounded(tokens, min(least, 0), max(greatest, 0)) @ by_columns(weight.T) + bias
    found = computed(layer, static({layer: (least, greatest)}), tokens)
    # A number that lies between two levels may go to either.
    assert np.abs(found - wanted).max() < 0.03 and np.abs(found - wanted).mean() < 0.003


def test_what_was_not_seen_stays_in_floating_point(layer):
    tokens = np.random.default_rng(2).standard_normal((1, 7, 24)).astype(np.float32)
    wanted = layer(torch.from_numpy(tokens)).detach().numpy()
    assert np.allclose(computed(layer, static({}), tokens), wanted, atol=1e-5)
    assert 1e-5 < np.abs(computed(layer, dynamic, tokens) - wanted).max() < 0.05


def test_a_layer_that_only_ever_saw_zeros(layer):
    found = computed(layer, static({layer: (0.0, 0.0)}), np.zeros((1, 3, 24), np.float32))
    assert np.allclose(found, layer.bias.detach().numpy(), atol=1e-6)


def test_ranges_are_what_came_in(tiny):
    pictures = [np.ascontiguousarray(render_street(seed, 96, 64).image) for seed in (1, 2)]
    watched, seen = tiny.encoder.blocks[1].mlp.fc2, []
    handle = watched.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    for picture in pictures:
        tiny.segment(picture, "none")
    handle.remove()
    ranges = input_ranges(tiny, pictures)
    wanted = min(one.min().item() for one in seen), max(one.max().item() for one in seen)
    assert ranges[watched] == pytest.approx((min(wanted[0], 0), max(wanted[1], 0)))
    assert all(not module._forward_pre_hooks for module in tiny.modules()), "The model itself is left alone"


def test_openvino_goes_by_the_pictures_given(tiny):
    pytest.importorskip("openvino", reason="openvino is not installed")
    picture = np.ascontiguousarray(render_street(4, 96, 64).image)
    try:
        fitting, dark = (tiny.with_runtime("openvino", "int8", [one]) for one in (picture, 0 * picture))
    except InputError as error:
        pytest.skip(str(error))
    wanted = tiny.segment(picture, "1").logits
    near, far = (np.abs(one.segment(picture, "1").logits - wanted).mean() for one in (fitting, dark))
    assert 0 < near < far
    with pytest.raises(mpm.InputError):
        tiny.with_runtime("openvino", "int8", ["no picture"])


def test_openvino_stays_loaded():
    """Unloaded, it left Python to end with a segmentation fault at the next signal."""
    pytest.importorskip("openvino", reason="openvino is not installed")
    assert open_runtime("openvino")._core is open_runtime("openvino")._core
