"""Runtimes beside torch: the same masks and merges, alone and in batches, and clear refusals."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import timm
import torch

import mpm
from mpm.errors import InputError
from mpm.merging.recipe import Recipe
from mpm.runtimes import check_runtime, open_runtime
from mpm.runtimes.blocks import misfit, stack_graph
from mpm.runtimes.choice import KINDS
from mpm.runtimes.stacks import Stack
from mpm.segmenters.placed import place
from mpm.segmenters.sweep import sweep
from mpm.streets import render_street

RECIPES = (
    "none",
    "0,2",
    "0,2|sizes",
    "1|decode-merged,residual,sizes",
    "2|after-attention",
    "1|decode-merged",
)


@pytest.fixture(params=["onnxruntime", "openvino"])
def runtime(request) -> str:
    pytest.importorskip("onnx", reason="graphs are written by the package onnx")
    pytest.importorskip(request.param, reason=f"{request.param} is not installed")
    return request.param


@pytest.fixture(scope="module")
def onnxruntime():
    pytest.importorskip("onnx", reason="graphs are written by the package onnx")
    return pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


@pytest.fixture(scope="module")
def bundled() -> mpm.Segmenter:
    return mpm.load_segmenter("streets-vit-tiny")


@pytest.mark.parametrize("recipe", ("none", "2,5", "fast"))
def test_masks_and_counts_are_torchs(bundled, runtime, recipe):
    picture = np.ascontiguousarray(render_street(3, 480, 368).image)
    own, other = (one.segment(picture, recipe) for one in (bundled, bundled.with_runtime(runtime)))
    assert np.mean(own.labels == other.labels) >= 0.999
    pairs = zip(own.trace.token_counts, other.trace.token_counts, strict=True)
    assert all(abs(first - second) <= 0.01 * first for first, second in pairs)


@pytest.mark.parametrize("recipe", RECIPES)
@torch.inference_mode()
def test_logits_are_torchs_alone_and_in_a_batch(tiny, runtime, recipe):
    other, pixels = tiny.with_runtime(runtime), torch.randn(3, 3, 32, 48)
    logits = other.logits(pixels, recipe)
    assert torch.allclose(logits, tiny.logits(pixels, recipe), atol=1e-3)
    assert torch.equal(logits[1:2], other.logits(pixels[1:2], recipe)), "whatever its batch-mates are"


def test_a_sweep_gives_what_single_runs_give(tiny, runtime, smooth_image):
    other = tiny.with_runtime(runtime)
    for run in sweep(other, smooth_image, ["none", "1", "1,2"]):
        assert np.array_equal(run.logits, other.segment(smooth_image, run.recipe).logits)


def test_the_weights_are_shared_and_the_other_goes_on_in_torch(tiny, runtime):
    other = tiny.with_runtime(runtime)
    assert other.encoder is tiny.encoder and other.decoder is tiny.decoder
    assert other.runtime == runtime and tiny.runtime == "torch" and not other.runtime_note
    assert list(other.state_dict()) == list(tiny.state_dict())
    assert other.with_runtime("torch").runtime == "torch"


def test_training_goes_on_in_torch(tiny_config, runtime):
    other = mpm.Segmenter(tiny_config).with_runtime(runtime).train()
    other(torch.randn(1, 3, 32, 32)).sum().backward()
    assert other.encoder.blocks[0].attn.qkv.weight.grad is not None


VARIANTS = {
    "layer scale": {"init_values": 0.1},
    "norms of queries and keys": {"qk_norm": True},
    "registers": {"reg_tokens": 3},
    "no biases": {"qkv_bias": False},
}


@pytest.mark.parametrize("variant", VARIANTS)
@torch.inference_mode()
def test_variants_of_timms_block(onnxruntime, variant):
    torch.manual_seed(0)
    vit = timm.create_model("vit_tiny_patch16_224", depth=2, embed_dim=32, num_heads=2, **VARIANTS[variant])
    blocks, tokens = list(vit.eval().blocks), torch.randn(2, 7, 32)
    sizes, behind = torch.rand(2, 7), torch.randn(1, 3, 32)
    assert misfit(blocks) == ""
    found = Stack(open_runtime("onnxruntime"), blocks, behind)(tokens, sizes)
    wanted = torch.cat([tokens, behind.expand(2, -1, -1)], dim=1)
    bias = torch.nn.functional.pad(sizes, (0, 3))[:, None, None]
    for block in blocks:
        wanted = block(wanted, attn_mask=bias)
    assert torch.allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize(
    "runtime, number_format",
    [(kind.name, one) for kind in KINDS.values() for one in ("int8", "bfloat16") if one in kind.formats],
    indirect=["runtime"],
)
@torch.inference_mode()
def test_int8_and_bfloat16_are_near(bundled, runtime, number_format):
    picture = np.ascontiguousarray(render_street(5, 480, 368).image)
    try:
        other = bundled.with_runtime(runtime, number_format)
    except InputError as error:
        pytest.skip(str(error))
    assert other.runtime == f"{runtime} {number_format}"
    labels = bundled.segment(picture, "none").labels
    assert 0.98 < np.mean(other.segment(picture, "none").labels == labels) < 1


def test_a_model_of_other_blocks_goes_on_in_torch_with_a_note(onnxruntime):
    torch.manual_seed(0)
    model = timm.create_model("eva02_tiny_patch14_224", depth=1, embed_dim=48, num_heads=3)
    placed = place(open_runtime("onnxruntime"), model.blocks, torch.nn.Linear(48, 2))
    assert placed.note == "onnxruntime does not run the EvaBlocks of this model, so torch does"
    assert placed.name == "" and not placed.blocks


def test_a_graph_that_fails_to_build_leaves_the_model_in_torch(tiny, onnxruntime, monkeypatch, smooth_image):
    def broken(*_, **__):
        raise RuntimeError("no such operator\nat a place that nobody wants to read of")

    monkeypatch.setattr("mpm.runtimes.stacks.stack_graph", broken)
    other = tiny.with_runtime("onnxruntime")
    assert other.runtime == "torch" and other.runtime_note.endswith("so torch runs it: no such operator")
    assert np.array_equal(other.segment(smooth_image, "1").labels, tiny.segment(smooth_image, "1").labels)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_a_runtime_that_is_not_installed(tiny, monkeypatch, name):
    extra = {"onnxruntime": "onnx"}.get(name, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=rf"pip install 'mpm-explorer\[{extra}\]'\.$"):
        tiny.with_runtime(name)


def test_what_nobody_has(tiny, onnxruntime):
    with pytest.raises(InputError, match="A runtime is torch, onnxruntime or openvino, but got 'tensorrt'"):
        tiny.with_runtime("tensorrt")
    with pytest.raises(InputError, match="A number format is .*, but got 'int4'"):
        check_runtime("torch", "int4")
    with pytest.raises(InputError, match="torch runs float32, bfloat16 or float16 here, but got int8"):
        mpm.load_segmenter("streets-vit-tiny", number_format="int8")
    with pytest.raises(InputError, match="onnxruntime runs float32 or int8 here, but got bfloat16"):
        check_runtime("onnxruntime", "bfloat16")
    with pytest.raises(InputError, match="takes a float32 model on the CPU, but this is bfloat16 on cpu"):
        tiny.with_runtime("torch", "bfloat16").with_runtime("onnxruntime")


def test_a_processor_without_the_number_format(monkeypatch):
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["FP32"])
    with pytest.raises(InputError, match=r"does not compute in bfloat16 with openvino: give float32\.$"):
        check_runtime("openvino", "bfloat16")


def test_graphs_hold_standard_operators_only(tiny, onnxruntime):
    import onnx

    model = onnx.load_from_string(stack_graph([tiny.encoder.blocks[0]], sized=True))
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in model.graph.node} == {""}
    assert not {node.op_type for node in model.graph.node} & {"ScatterElements", "ScatterND", "Loop", "If"}


def test_torch_in_another_number_format_is_a_copy(tiny):
    other = tiny.with_runtime("torch", "bfloat16")
    assert other.dtype == torch.bfloat16 and tiny.dtype == torch.float32
    assert len(other.read_recipe("0,2")) == 2 == len(Recipe.parse("0,2"))
