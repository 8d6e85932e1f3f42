"""The DPT head against transformers' own class, unmerged and merged."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.dpt_files import CLASSES, published_logits, published_taps, tiny_model, write_folder

import mpm
from mpm.errors import InputError
from mpm.merging.recipe import Recipe
from mpm.segmenters.heads.dpt_scores import DptScores, contenders
from mpm.segmenters.sliding import segment_sliding
from mpm.segmenters.sweep import sweep

RECIPES = ["0,2", "1", "1|residual", "0,2|residual", "0|sizes", "1,2|after-attention", "regions@1", "0,1,2,3"]


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def dpt(model, tmp_path_factory) -> mpm.Segmenter:
    return mpm.load_segmenter(write_folder(model, tmp_path_factory.mktemp("dpt")))


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """(120, 160, 3) uint8: soft, with some noise, so that neighbours merge but not all."""
    y, x = np.mgrid[0:120, 0:160] / 160
    soft = np.stack([255 * x, 255 * y, 255 * np.exp(-((x - 0.6) ** 2 + (y - 0.3) ** 2) * 12)], 2)
    return (soft + np.random.default_rng(0).normal(0, 6, soft.shape)).clip(0, 255).astype(np.uint8)


def noise(height: int, width: int, batch: int = 1) -> torch.Tensor:
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(height))


def assert_close(ours, theirs):
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) < 1e-4


@pytest.mark.parametrize("size", [(512, 512), (480, 640), (640, 480), (368, 400)])
def test_unmerged_logits_are_the_published_ones(model, dpt, size):
    pixels = noise(*size)
    taps = published_taps(model, pixels)
    theirs = published_logits(model, taps, size[0] // 16, size[1] // 16)[0]
    scores = dpt.run(pixels, Recipe()).scores
    assert scores.logits.shape == (1, CLASSES, theirs.shape[1] // 2, theirs.shape[2] // 2)
    if size == (368, 400):  # 23 x 25 patches leave the network as 24 x 26
        assert theirs.shape[1:] == (384, 416)
        theirs = torch.nn.functional.interpolate(theirs[None], size, mode="bilinear", align_corners=False)[0]
    assert_close(scores.on_input(size), theirs)


def test_on_a_square_the_published_class_as_a_whole_says_the_same(model, dpt):
    pixels = noise(512, 512)
    assert_close(dpt.run(pixels, Recipe()).scores.on_input((512, 512)), model(pixels).logits[0])


@pytest.mark.parametrize("readout", ["project", "add", "ignore"])
@pytest.mark.parametrize(
    "unit",
    [
        {"use_batch_norm_in_fusion_residual": False},
        {"use_batch_norm_in_fusion_residual": True, "use_bias_in_fusion_residual": True},
    ],
)
def test_other_heads(tmp_path, readout, unit):
    other = tiny_model(
        readout_type=readout,
        reassemble_factors=[2, 1, 0.5, 0.25],
        qkv_bias=False,
        layer_norm_eps=1e-3,
        **unit,
    )
    ours = mpm.load_segmenter(write_folder(other, tmp_path))
    pixels = noise(128, 192)
    theirs = published_logits(other, published_taps(other, pixels), 8, 12)[0]
    assert_close(ours.run(pixels, Recipe()).scores.on_input(theirs.shape[1:]), theirs)


@pytest.mark.parametrize("shape", [(96, 96), (480, 640), (200, 133)])
def test_labels_are_those_of_the_published_post_processing(model, dpt, shape):
    from transformers import DPTImageProcessor
    from transformers.modeling_outputs import SemanticSegmenterOutput

    image = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    pixels, geometry = dpt.preprocess(image)
    logits = published_logits(model, published_taps(model, pixels), geometry.grid.rows, geometry.grid.cols)
    (content_w, content_h), (padded_w, padded_h) = geometry.content_wh_px, geometry.padded_wh_px
    whole = round(padded_h * shape[0] / content_h), round(padded_w * shape[1] / content_w)
    post_process = DPTImageProcessor().post_process_semantic_segmentation
    theirs = post_process(SemanticSegmenterOutput(logits=logits), [whole])[0][: shape[0], : shape[1]]
    ours = dpt.segment(image, "none").labels
    assert ours.shape == shape and ours.dtype == np.uint8
    assert (ours == theirs.numpy()).mean() >= 0.999


def members_mean(x, index, count, weights):
    """Groups' means, weighted: (N, C), (N,) -> (count, C)."""
    sums = torch.zeros(count, x.shape[1]).index_add_(0, index, x * weights[:, None])
    return sums / torch.zeros(count).index_add_(0, index, weights)[:, None]


def attention(layer, x, bias):
    normed, heads = layer.layernorm_before(x), layer.attention.attention.num_attention_heads
    q, k, v = (
        getattr(layer.attention.attention, part)(normed).unflatten(-1, (heads, -1)).transpose(0, 1)
        for part in ("query", "key", "value")
    )
    weights = (q @ k.mT / q.shape[-1] ** 0.5 + bias).softmax(-1)
    return x + layer.attention.output.dense((weights @ v).transpose(0, 1).flatten(1))


def mlp(layer, x):
    inner = torch.nn.functional.gelu(layer.intermediate.dense(layer.layernorm_after(x)))
    return x + layer.output.dense(inner)


def slowly(model, pixels, recipe, state):
    """The published layers over one picture; tokens merge as the state's maps say, taps restored by hand."""
    x = model.dpt.embeddings(pixels).last_hidden_states[0]  # (1 + N, C)
    maps = dict(zip(state.blocks, (one.index[0] for one in state.maps), strict=True))
    sizes, undo, taps = torch.ones(len(x) - 1), [], []

    def merge(x, index):
        nonlocal sizes
        count = int(index.max()) + 1
        weights = sizes if recipe.weighted else torch.ones_like(sizes)
        merged = members_mean(x[1:], index, count, weights)
        undo.append((index, x[1:] - merged[index] if recipe.residual and count < len(index) else 0))
        sizes = torch.zeros(count).index_add_(0, index, sizes)
        return torch.cat([x[:1], merged])

    for block, layer in enumerate(model.dpt.encoder.layer):
        if block in maps and not recipe.after_attention:
            x = merge(x, maps[block])
        x = attention(layer, x, torch.cat([torch.ones(1), sizes]).log() if recipe.sizes else 0)
        if block in maps and recipe.after_attention:
            x = merge(x, maps[block])
        x = mlp(layer, x)
        patches = x[1:]
        for index, own in reversed(undo):
            patches = patches[index] + own
        taps.append(torch.cat([x[:1], patches])[None])
    return taps


@pytest.mark.parametrize("text", RECIPES)
def test_merged_runs_are_those_of_a_slow_loop(model, dpt, picture, text):
    pixels, geometry = dpt.preprocess(picture)
    recipe = dpt.read_recipe(text)
    found = dpt.run(pixels, recipe)
    state = found.states[0]
    taps = slowly(model, pixels, recipe, state)
    assert state.counts[0] < geometry.grid.size, "nothing merged: the test would show nothing"
    for ours, theirs in zip(state.taps, taps, strict=True):
        assert_close(ours, theirs)
    rows, cols = geometry.grid.rows, geometry.grid.cols
    assert_close(found.scores.on_input((rows * 16, cols * 16)), published_logits(model, taps, rows, cols)[0])


def test_a_sweep_equals_separate_runs_bit_for_bit(dpt, picture):
    recipes = ["none", *RECIPES]
    for recipe, swept in zip(recipes, sweep(dpt, picture, recipes), strict=True):
        alone = dpt.segment(picture, recipe)
        assert np.array_equal(swept.logits, alone.logits) and np.array_equal(swept.labels, alone.labels)
        assert swept.trace.token_counts == alone.trace.token_counts


@pytest.mark.parametrize("text", ["none", "0,2", "1|residual"])
def test_a_picture_is_the_same_alone_and_in_a_batch(dpt, text):
    pixels = noise(96, 128, batch=3)
    together = dpt.logits(pixels, text)
    for one, own in zip(pixels.split(1), together.split(1), strict=True):
        assert torch.equal(dpt.logits(one, text), own)


def test_every_part_is_timed(dpt, picture):
    run = dpt.segment(picture, "0,2", profile=True)
    assert set(run.timing.parts) == {
        "preprocess", "embed", "blocks", "match", "merge", "reconstruct", "decode", "upsample",
    }  # fmt: skip
    assert 0 < run.confidence < 1


def test_costs_are_measured_and_used(dpt, picture, monkeypatch):
    monkeypatch.setattr("mpm.segmenters.costs.SIDES", ((4, 4), (4, 8)))
    monkeypatch.setattr("mpm.segmenters.costs.REPEATS", 1)
    costs = mpm.segmenters.costs.measure_costs(dpt)
    assert all(seconds > 0 for seconds in costs.decode)


def test_windows_and_merged_decoding_are_refused(dpt, picture):
    with pytest.raises(InputError, match="no sliding window: it takes whole images"):
        segment_sliding(dpt, picture)
    with pytest.raises(InputError, match="leave out decode-merged"):
        dpt.segment(picture, "0,2|decode-merged")


def test_tokens_of_the_last_block_alone_are_refused(dpt, picture):
    pixels, geometry = dpt.preprocess(picture)
    tokens = torch.zeros(1, 1 + geometry.grid.size, 32)
    with pytest.raises(InputError, match="needs the outputs of blocks 0, 1, 2, 3"):
        dpt.decode(tokens, geometry.grid)


# --- Labels without full-size stacks ------------------------------------------------------------------------


def dense_labels(logits, geometry):
    """All class maps at once, in the publisher's two steps."""
    fine = torch.nn.functional.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=True)
    (image_w, image_h), (padded_w, padded_h) = geometry.image_wh_px, geometry.padded_wh_px
    content_w, content_h = geometry.content_wh_px
    factor = padded_h * image_h / content_h / fine.shape[2], padded_w * image_w / content_w / fine.shape[3]
    size = [max(image_h, int(fine.shape[2] * factor[0])), max(image_w, int(fine.shape[3] * factor[1]))]
    full = torch.ops.aten.upsample_bilinear2d(fine, size, False, *factor)
    return full[0, :, :image_h, :image_w].argmax(0)


def smooth_logits(classes, rows, cols):
    coarse = torch.randn(1, classes, 5, 6, generator=torch.Generator().manual_seed(classes))
    return torch.nn.functional.interpolate(coarse, (rows, cols), mode="bicubic")


@pytest.mark.parametrize("size", [(90, 150), (333, 500), (40, 61)])
@pytest.mark.parametrize("classes", [1, 5, 40, 300])
@pytest.mark.parametrize("kind", ["smooth", "noise"])
def test_labels_equal_those_of_the_dense_way(dpt, size, classes, kind):
    geometry = dpt.plan((size[1], size[0]))
    rows, cols = 8 * geometry.grid.rows, 8 * geometry.grid.cols
    draw = torch.Generator().manual_seed(2)
    logits = smooth_logits(classes, rows, cols)
    logits = logits if kind == "smooth" else torch.randn(1, classes, rows, cols, generator=draw)
    labels = DptScores(logits).mask(geometry).labels
    assert labels.dtype == (np.uint8 if classes <= 255 else np.int16)
    assert np.array_equal(labels, dense_labels(logits, geometry))


def test_few_classes_are_upsampled_where_few_can_win():
    logits = smooth_logits(60, 64, 80)
    logits[:, 10:] -= 20
    found = contenders(logits[0])
    assert set(found.tolist()) <= set(range(10)) and set(logits[0].argmax(0).unique().tolist()) <= set(
        found.tolist()
    )
    logits[0, 3, 5, 5] = float("nan")
    assert len(contenders(logits[0])) == 60


def test_a_smaller_copy_for_display(dpt, picture):
    pixels, geometry = dpt.preprocess(picture)
    mask = dpt.run(pixels, Recipe()).scores.mask(geometry, max_side_px=80)
    assert mask.labels.shape == (60, 80)


def test_scores_split_and_join():
    scores = DptScores(torch.arange(24.0).reshape(2, 3, 2, 2))
    first, second = scores.split()
    assert torch.equal(first.joined([second]).logits, scores.logits)
