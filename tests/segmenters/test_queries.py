"""A head of queries in the one run: sweeps, profiles, costs, features, files, and masks against slow ones."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from support.tiny_eomt import lively_eomt, save, soft_picture

import mpm
from mpm.encoders.run import encode
from mpm.measure.profile import profiled_run
from mpm.segmenters.bands import picture_bands
from mpm.segmenters.costs import measure_costs
from mpm.segmenters.features import final_tokens, stage_features
from mpm.segmenters.geometry import plan_geometry
from mpm.segmenters.heads.query_config import QueryDecoderConfig
from mpm.segmenters.panoptic import PanopticScores
from mpm.segmenters.run_files import save_run
from mpm.segmenters.segments import Segment, Segments
from mpm.segmenters.sweep import sweep

RECIPES = [
    "none",
    "0",
    "2,4",
    "0,3",
    "0,3|residual",
    "1,4|sizes",
    "3|after-attention",
    "random@2",
    "none|48px",
]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("eomt")
    tasks = {"semantic": False, "panoptic": True}
    return {
        task: mpm.load_segmenter(save(root / task, lively_eomt(), panoptic=square))
        for task, square in tasks.items()
    }


@pytest.mark.parametrize("task", ["semantic", "panoptic"])
def test_a_sweep_is_bit_for_bit_what_separate_runs_are(models, task):
    picture = soft_picture(90, 70)
    for text, run in zip(RECIPES, sweep(models[task], picture, RECIPES), strict=True):
        alone = models[task].segment(picture, text)
        assert (run.logits == alone.logits).all() and (run.labels == alone.labels).all(), text
        assert run.confidence == alone.confidence and 0 <= run.confidence <= 1
        if task == "panoptic":
            assert (
                run.segments.ids == alone.segments.ids
            ).all() and run.segments.table == alone.segments.table


def test_queries_join_late_and_never_merge(models):
    model, seen = models["semantic"], []
    pixels, _ = model.preprocess(soft_picture(64, 64))
    recipe = model.read_recipe("3,4")
    with torch.inference_mode():
        encode(model.runner, pixels, recipe, seen=seen.append)
    assert [state.prefix for state in seen] == [5, 5, 5, 17, 17]
    queries = model.decoder.query[0]
    assert torch.equal(seen[3].tokens[0, :12], queries)
    run = model.segment(soft_picture(64, 64), "3,4")
    assert run.trace.token_counts[0] == 16 > run.trace.token_counts[-1]


def test_states_of_unequal_length_give_what_each_gives_alone(models):
    model = models["semantic"]
    x = torch.randn(6, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    for text in ("0,3", "0,3|sizes", "0,3|residual"):
        recipe = mpm.Recipe.parse(text)
        with torch.inference_mode():
            ragged = model.run(model.runner.embed(x), recipe)
            assert ragged.states[0].is_ragged
            alone = torch.cat([model.run(one, recipe).scores.mask_logits for one in x.split(1)])
        assert torch.allclose(ragged.scores.mask_logits, alone, atol=1e-4)


def test_profiles_features_and_costs_know_the_queries(models):
    for model in models.values():
        picture = soft_picture(90, 70)
        profile = profiled_run(model, picture, "0,4")
        assert len(profile.blocks) == 5
        assert (profile.labels == model.segment(picture, "0,4").labels).all()
        rows, cols = model.plan((90, 70)).grid.rows, model.plan((90, 70)).grid.cols
        assert stage_features(model, picture, "0,4", 2).shape == (rows, cols, 32)
        assert final_tokens(model, picture, "0,4").shape == (rows, cols, 32)


@pytest.mark.parametrize("task, sizes", [("semantic", 1536), ("panoptic", 1521)])
def test_costs_are_of_the_grids_that_the_model_really_has(models, task, sizes):
    costs = measure_costs(models[task])
    assert costs.tokens[-1] == sizes and min(costs.block) > 0 and costs.decode[-1] > costs.decode[0]


def slow_labels(model, run, size):
    """Semantic labels as published, with whole stacks of maps."""
    scores = model.run(model.preprocess(run)[0], mpm.Recipe.parse("none")).scores
    geometry = model.plan((run.shape[1], run.shape[0]))
    (padded_w, padded_h), (width, height) = geometry.padded_wh_px, geometry.content_wh_px
    masks = F.interpolate(scores.mask_logits, (padded_h, padded_w), mode="bilinear")[..., :height, :width]
    classes = scores.class_logits.softmax(-1)[..., :-1]
    maps = torch.einsum("bqk,bqhw->bkhw", classes, masks.sigmoid())
    return F.interpolate(maps, size, mode="bilinear")[0].argmax(0).numpy()


@pytest.mark.parametrize("size", [(64, 64), (33, 50), (90, 70), (300, 64), (65, 400)])
def test_whole_pictures_are_masked_as_with_whole_stacks(models, size, monkeypatch):
    monkeypatch.setattr("mpm.segmenters.bands.BAND_ELEMENTS", 20_000)
    picture = soft_picture(*size)
    with torch.inference_mode():
        expected = slow_labels(models["semantic"], picture, size[::-1])
    found = models["semantic"].segment(picture, "none").labels
    assert found.shape == size[::-1]
    assert (found == expected).mean() > 0.999


@pytest.mark.parametrize("band", [1, 1000, 1 << 22])
def test_bands_are_torchs_interpolation_twice(band, monkeypatch):
    monkeypatch.setattr("mpm.segmenters.bands.BAND_ELEMENTS", band)
    maps = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))
    for wh in ((64, 64), (47, 31), (200, 90), (20, 60)):
        geometry = plan_geometry(wh, 64, 16, 8192, square=True)
        inner = F.interpolate(maps[None], (64, 64), mode="bilinear")
        cropped = inner[..., : geometry.content_wh_px[1], : geometry.content_wh_px[0]]
        expected = F.interpolate(cropped, wh[::-1], mode="bilinear")[0]
        found = torch.cat([part for _, part in picture_bands(maps, geometry, wh[::-1])], 1)
        assert torch.allclose(found, expected, atol=1e-5)


def scores_of(owners, classes, things=(0,), nothing=2):
    """Panoptic scores that draw a map of queries: each one's mask is where `owners` says so."""
    masks = torch.stack([20.0 * (owners == query).float() - 10 for query in range(len(classes))])
    named = F.one_hot(torch.tensor(classes), nothing + 1).float() * 20
    return PanopticScores(masks[None], named[None], things)


def test_things_are_counted_and_background_is_one_segment():
    owners = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [4, 4, 4, 4]])
    geometry = plan_geometry((4, 4), 4, 1, 100)
    mask = scores_of(owners, [0, 0, 1, 1, 2]).mask(geometry)
    assert mask.labels.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [2, 2, 2, 2]]
    assert mask.segments.ids.tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 2, 2], [-1] * 4]
    assert [(one.label, one.is_thing) for one in mask.segments.table] == [(0, True), (0, True), (1, False)]
    assert mask.segments.things == 2
    nothing = scores_of(owners, [2] * 5).mask(geometry)
    assert (nothing.labels == 2).all() and (nothing.segments.ids == -1).all() and not nothing.segments.table


def test_a_query_that_others_cover_is_dropped():
    owners = torch.tensor([[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1]])
    scores = scores_of(owners, [0, 0])
    scores.mask_logits[0, 1, :, 2:] = 9.0  # masks half of what the first one wins
    mask = scores.mask(plan_geometry((4, 4), 4, 1, 100))
    assert mask.segments.things == 1 and (mask.segments.ids[:, 3] == -1).all()


def test_outlines_run_along_things_only():
    ids = np.array([[0, 0, 1], [0, 0, 1], [2, 2, 2]], np.int16)
    segments = Segments(ids, (Segment(0, 1.0, True), Segment(1, 1.0, False), Segment(2, 1.0, False)))
    assert segments.outlines().tolist() == [[False, True, False], [True, True, False], [False] * 3]


def test_segments_are_written_as_coco_writes_them(models, tmp_path):
    picture = soft_picture(90, 70)
    run = models["panoptic"].segment(picture, "0,2")
    paths = save_run(models["panoptic"], picture, run, tmp_path, "a")
    assert [path.name for path in paths][3:] == ["a.panoptic.png", "a.panoptic.json"]
    rgb = np.asarray(Image.open(paths[3])).astype(int)
    assert (rgb[..., 0] + 256 * rgb[..., 1] - 1 == run.segments.ids).all()
    table = json.loads(paths[4].read_text())
    assert table["file_name"] == "a.panoptic.png" and len(table["segments_info"]) == len(run.segments.table)
    for row, segment in zip(table["segments_info"], run.segments.table, strict=True):
        assert row["category"] == models["panoptic"].class_names[segment.label]
        assert row["area"] == (run.segments.ids == row["id"] - 1).sum()


@pytest.mark.parametrize("wh, content", [((640, 480), (64, 48)), ((30, 90), (21, 64)), ((64, 64), (64, 64))])
def test_a_square_holds_the_picture_at_its_left_top(wh, content):
    geometry = plan_geometry(wh, 64, 16, 8192, square=True)
    assert geometry.grid.size == 16 and geometry.content_wh_px == content and not geometry.scaled_down
    small = plan_geometry(wh, 64, 16, 10, square=True)
    assert small.grid.size == 9 and small.scaled_down and max(small.content_wh_px) == 48


def test_what_lies_outside_of_the_picture_says_nothing_of_confidence(models):
    model, picture = models["panoptic"], soft_picture(90, 40)
    run = model.segment(picture, "none")
    rows = slice(0, -(-run.geometry.content_wh_px[1] * run.logits.shape[1] // 64))
    assert run.confidence == pytest.approx(run.logits[:, rows].max(0).clip(max=1).mean(), abs=1e-5)
    assert run.grid.inside() == (slice(0, 2), slice(0, 4))


def test_segments_of_another_run_do_not_stay(models, tmp_path):
    picture = soft_picture(90, 70)
    for task, files in (("panoptic", 5), ("semantic", 3)):
        save_run(models[task], picture, models[task].segment(picture, "0"), tmp_path, "a")
        assert len(list(tmp_path.iterdir())) == files


def test_thin_pictures_are_told_what_became_of_them(models):
    (note, _) = models["panoptic"].segment(soft_picture(300, 30), "none").notes
    assert "300 x 30 pixels: it was scaled down to 64 x 6" in note
    assert "very thin" in models["panoptic"].segment(soft_picture(3000, 40), "none").notes[0]


def test_a_person_is_told_of_patches_outside_of_the_picture(models):
    notes = models["panoptic"].segment(soft_picture(90, 40), "none").notes
    assert any("8 of 16 patches lie outside of the picture" in note for note in notes)
    assert not models["panoptic"].segment(soft_picture(64, 64), "none").notes
    assert not models["semantic"].segment(soft_picture(90, 40), "none").notes


@pytest.mark.parametrize(
    "wrong", [{"queries": 0}, {"blocks": 0}, {"task": "depth"}, {"things": (-1,)}, {"queries": 1.5}]
)
def test_a_head_of_queries_says_what_is_wrong_with_it(wrong):
    with pytest.raises(mpm.InputError):
        QueryDecoderConfig(**{"kind": "queries", "queries": 3, "blocks": 1, **wrong})
