"""EoMT's files, and what is made of them, against transformers' own classes with random weights."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.tiny_eomt import change_json, lively_eomt, pixels_of, processor, save, slow_forward, soft_picture

import mpm
from mpm.data.labels.coco import COCO_PANOPTIC
from mpm.segmenters.sliding import segment_sliding

SIDE = 64


@pytest.fixture(scope="module")
def oracle():
    return lively_eomt()


@pytest.fixture(scope="module")
def folders(oracle, tmp_path_factory):
    """The checkpoint as it is published for either task."""
    root = tmp_path_factory.mktemp("eomt")
    return {task: save(root / task, oracle, panoptic=task == "panoptic") for task in ("semantic", "panoptic")}


@pytest.fixture(scope="module")
def models(folders):
    return {task: mpm.load_segmenter(folder) for task, folder in folders.items()}


@pytest.fixture
def broken(folders, tmp_path):
    """A copy of the checkpoint to be spoilt."""
    return shutil.copytree(folders["semantic"], tmp_path / "broken")


def scores(model, pixels, recipe="none"):
    with torch.inference_mode():
        return model.run(pixels, model.read_recipe(recipe)).scores


def test_logits_are_the_oracles(oracle, models):
    pixels = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    expected, found = oracle(pixels), scores(models["semantic"], pixels)
    assert torch.allclose(found.mask_logits, expected.masks_queries_logits, atol=1e-4)
    assert torch.allclose(found.class_logits, expected.class_queries_logits, atol=1e-4)


@pytest.mark.parametrize("side, picture_wh", [(512, (512, 512)), (640, (640, 480)), (640, (333, 500))])
def test_logits_of_published_sizes_are_the_oracles(tmp_path, side, picture_wh):
    oracle = lively_eomt(side, hidden_size=64)
    model = mpm.load_segmenter(save(tmp_path / "model", oracle, side, panoptic=True))
    picture = soft_picture(*picture_wh)
    pixels, _ = model.preprocess(picture)
    expected = pixels_of(picture, side, panoptic=True)["pixel_values"]
    assert torch.allclose(pixels, expected, atol=1e-5)
    with torch.inference_mode():
        answer, found = oracle(expected), scores(model, pixels)
    assert torch.allclose(found.mask_logits, answer.masks_queries_logits, atol=1e-4)
    assert torch.allclose(found.class_logits, answer.class_queries_logits, atol=1e-4)


@pytest.mark.parametrize("blocks", [(0,), (1, 2), (0, 3), (3, 4), (0, 1, 2, 3, 4)])
def test_merges_are_those_of_a_slow_loop_over_the_oracles_layers(oracle, models, blocks):
    pixels = pixels_of(soft_picture(SIDE, SIDE), SIDE, panoptic=True)["pixel_values"]
    masks, classes = slow_forward(oracle, pixels, blocks)
    found = scores(models["semantic"], pixels, blocks)
    assert torch.allclose(found.mask_logits, masks, atol=1e-4)
    assert torch.allclose(found.class_logits, classes, atol=1e-4)


@pytest.mark.parametrize("size", [(64, 64), (80, 60), (60, 80), (150, 64), (31, 77)])
def test_semantic_labels_are_the_publishers(oracle, models, size):
    picture = soft_picture(*size)
    inputs = pixels_of(picture, SIDE, panoptic=False)
    answer = oracle(inputs["pixel_values"])
    answer.patch_offsets = inputs["patch_offsets"]
    expected = processor(SIDE).post_process_semantic_segmentation(answer, [size[::-1]])[0].numpy()
    found = segment_sliding(models["semantic"], picture, "none")
    assert len(found.windows) == len(inputs["patch_offsets"])
    assert len(np.unique(expected)) > 1
    assert (found.labels == expected).mean() >= 0.999
    if size == (64, 64):
        assert (models["semantic"].segment(picture, "none").labels == expected).mean() >= 0.999


@pytest.mark.parametrize("size", [(64, 64), (128, 96), (70, 100), (31, 77), (640, 480)])
def test_panoptic_segments_are_the_publishers(oracle, models, size):
    picture = soft_picture(*size)
    answer = oracle(pixels_of(picture, SIDE, panoptic=True)["pixel_values"])
    expected = processor(SIDE, panoptic=True).post_process_panoptic_segmentation(answer, [size[::-1]])[0]
    run = models["panoptic"].segment(picture, "none")
    ids, segments = expected["segmentation"].numpy(), expected["segments_info"]
    assert len(segments) > 1
    assert [one.label for one in run.segments.table] == [one["label_id"] for one in segments]
    sureness = [one["score"] for one in segments]
    assert [one.score for one in run.segments.table] == pytest.approx(sureness, abs=1e-5)
    assert (run.segments.ids == ids).mean() >= 0.999
    classes = np.array([*(one["label_id"] for one in segments), 6])
    assert (run.labels == classes[ids.astype(int)]).mean() >= 0.999
    assert run.segments.things == len(segments), "of classes nobody knows all are taken for things"


def test_a_panoptic_model_has_a_class_for_what_is_no_object(models):
    assert models["panoptic"].class_names[-1] == "no object" and len(models["panoptic"].palette) == 7
    assert models["semantic"].class_names[-1] == "class 6"
    assert models["panoptic"].config.padding == "square" and models["panoptic"].config.sliding is None


@pytest.mark.parametrize("task", ["semantic", "panoptic"])
@pytest.mark.parametrize("recipe", ["none", "0,2", "1,4|residual", "0,2|sizes", "0,3|after-attention"])
def test_a_pictures_bits_are_its_own_in_any_batch(models, task, recipe):
    pixels = torch.randn(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    together = scores(models[task], pixels, recipe).split()
    for number, of_batch in enumerate(together):
        alone = scores(models[task], pixels[number : number + 1], recipe)
        assert torch.equal(alone.mask_logits, of_batch.mask_logits)
        assert torch.equal(alone.class_logits, of_batch.class_logits)
        assert torch.equal(alone.logits, of_batch.logits)


def test_coco_classes_are_known_by_their_published_names(tmp_path):
    folder = save(tmp_path / "coco", lively_eomt(num_labels=133), panoptic=True)
    published = {"sky": "sky-other-merged", "door": "door-stuff", "water": "water-other", "tent": "tent"}
    titles = enumerate(COCO_PANOPTIC.class_names)
    change_json(folder / "config.json", id2label={str(n): published.get(title, title) for n, title in titles})
    model = mpm.load_segmenter(folder)
    assert model.class_names == [*COCO_PANOPTIC.class_names, "no object"]
    assert model.config.decoder.things == tuple(range(80))


def test_own_classes_keep_their_names(broken):
    titles = {str(number): f"Ding {number}" for number in range(6)}
    change_json(broken / "config.json", id2label=titles)
    model = mpm.load_segmenter(broken)
    assert model.class_names == list(titles.values())
    assert len({tuple(colour) for colour in model.palette.tolist()}) == 6


def test_gated_mlps_and_shards_are_read(tmp_path):
    oracle = lively_eomt(use_swiglu_ffn=True)
    folder = save(tmp_path / "giant", oracle)
    oracle.save_pretrained(folder, max_shard_size="50KB")
    (folder / "model.safetensors").unlink(missing_ok=True)
    assert (folder / "model.safetensors.index.json").is_file()
    pixels = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    found = scores(mpm.load_segmenter(folder), pixels)
    assert torch.allclose(found.mask_logits, oracle(pixels).masks_queries_logits, atol=1e-4)


def test_a_model_without_registers_is_read(tmp_path):
    oracle = lively_eomt(num_register_tokens=0)
    pixels = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(4))
    found = scores(mpm.load_segmenter(save(tmp_path / "bare", oracle)), pixels)
    assert torch.allclose(found.mask_logits, oracle(pixels).masks_queries_logits, atol=1e-4)


def test_it_is_saved_and_loaded_in_our_format(models, tmp_path):
    for task, model in models.items():
        again = mpm.load_segmenter(mpm.save_segmenter(model, tmp_path / task, torch.float32))
        assert again.config.to_json() == model.config.to_json()
        picture = soft_picture(90, 70)
        assert (again.segment(picture, "0,2").labels == model.segment(picture, "0,2").labels).all()


def spoil_probabilities(folder):
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "attn_mask_probs": torch.tensor([0.0, 0.5])}, folder / "model.safetensors")


def lose_probabilities(folder):
    weights = load_file(folder / "model.safetensors")
    weights.pop("attn_mask_probs")
    save_file(weights, folder / "model.safetensors")


def spoil_a_shape(folder):
    weights = load_file(folder / "model.safetensors")
    name = "layers.1.attention.k_proj.weight"
    save_file({**weights, name: weights[name][:, :8].contiguous()}, folder / "model.safetensors")


def leave_a_pickle(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")


def lose_a_tensor(folder):
    weights = load_file(folder / "model.safetensors")
    weights.pop("layers.1.attention.k_proj.weight")
    save_file(weights, folder / "model.safetensors")


def settings(**values):
    return lambda folder: change_json(folder / "config.json", **values)


def pixels(**values):
    return lambda folder: change_json(folder / "preprocessor_config.json", **values)


@pytest.mark.parametrize(
    "spoil, sentence",
    [
        (spoil_probabilities, "still masks the attention of its queries"),
        (leave_a_pickle, "has its weights as a pickle, pytorch_model.bin"),
        (lose_a_tensor, "no tensors like layers.1.attention.q_proj.weight"),
        (settings(model_type="eomt_dinov3"), "differences to weights that need an agreement"),
        (settings(model_type="mask2former"), "class 'mask2former' of transformers is not read"),
        (settings(hidden_act="relu"), "run with gelu"),
        (settings(num_blocks=9), "num_blocks from 1 to 5"),
        (settings(num_queries="many"), "must have a whole number for num_queries"),
        (settings(image_size=[64, 32]), "square images"),
        (settings(num_attention_heads=3), "cannot be split among 3"),
        (settings(id2label={"0": "a", "2": "b"}), "number its classes from 0"),
        (
            settings(num_hidden_layers=200, hidden_size=65536, num_attention_heads=1),
            "does not fit its configuration",
        ),
        (
            lambda folder: (folder / "preprocessor_config.json").unlink(),
            "has no preprocessor_config.json",
        ),
        (settings(mlp_ratio=float("inf")), "for mlp_ratio"),
        (settings(image_size=64, patch_size=14), "cannot be cut into patches of 14"),
        (
            lambda folder: change_json(folder / "preprocessor_config.json", resample=[3]),
            "must resample by 2 or 3",
        ),
        (
            lambda folder: change_json(folder / "preprocessor_config.json", do_pad=True),
            "split pictures or pad them",
        ),
        (
            lambda folder: change_json(folder / "preprocessor_config.json", size=10**9),
            "a size in pixels, at most 4096",
        ),
        (lose_probabilities, "it has no attn_mask_probs"),
        (spoil_a_shape, "no tensors like layers.1.attention.q_proj.weight"),
        (settings(id2label={str(n): f"c{n}" for n in range(40000)}), "more than the 10000"),
        (settings(num_hidden_layers=4), "does not fit its configuration"),
        (lambda folder: (folder / "config.json").write_text("[1]"), "must have schema 1"),
        (lambda folder: (folder / "preprocessor_config.json").write_text("{"), "cannot be read"),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_sentence(broken, spoil, sentence):
    spoil(broken)
    with pytest.raises(mpm.InputError, match=sentence) as caught:
        mpm.load_segmenter(broken)
    assert "\n" not in str(caught.value)


def test_recipes_that_decode_merged_tokens_are_refused_and_names_fit(models):
    with pytest.raises(mpm.InputError, match="head needs the full grid"):
        models["semantic"].segment(soft_picture(64, 64), "0,2|decode-merged")
    assert "decode-merged" not in str(models["semantic"].read_recipe("fast"))
    assert models["semantic"].segment(soft_picture(64, 64), "fast").trace.token_counts[-1] < 16
