"""Recipes with a wish in everything that measures: on a made-up device, so that no clock decides."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.made_up_costs import linear

from mpm.measure.bench.measure import Extras, contenders, measure
from mpm.measure.bench.workload import Workload
from mpm.measure.compare import compare
from mpm.measure.profile import profiled_run
from mpm.segmenters.features import stage_features

TEXTS = ["budget(1.1)@0,2", "budget(1)@1", "budget(1.1)@0|residual,sizes"]


@pytest.fixture(autouse=True)
def made_up(tiny, monkeypatch):
    monkeypatch.setattr(tiny, "costs", linear)


class Pictures:
    """The picture, upright and upside down, without labels."""

    name, split, label_set = "pictures", "without labels", None

    def __init__(self, picture: np.ndarray) -> None:
        self.pictures = [picture, picture[::-1].copy()]

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[np.ndarray, None]:
        return self.pictures[index], None


def test_bench(tiny, smooth_image):
    work = Workload(tiny, False, ((smooth_image, smooth_image[::-1].copy()),), None)
    recipes = [tiny.read_recipe(text) for text in TEXTS]
    rows = {row.name: row for row in measure(work, contenders(work, recipes, Extras()), runs=1, warmup=0)}
    for text in TEXTS:
        own, ideal = rows[text], rows[f"{text} ideal"]
        assert own.token_counts == ideal.token_counts and own.seconds.median > 0
        counts = tiny.segment(smooth_image, text).trace.token_counts
        assert len(counts) == len(own.token_counts) and (text == "budget(1)@1") == (len(set(counts)) == 1)
    assert rows["budget(1)@1"].agreement_unmerged == 1
    assert "reference pipeline none" in rows


@pytest.mark.parametrize("text", [*TEXTS, "budget(1.1)@0|after-attention", "budget(1)@0,2|after-attention"])
def test_profile_and_stages(tiny, smooth_image, text):
    run = tiny.segment(smooth_image, text)
    profile = profiled_run(tiny, smooth_image, text)
    assert np.array_equal(profile.labels, run.labels)
    assert set(profile.token_counts) <= set(run.trace.token_counts)
    for stage, count in enumerate(run.trace.token_counts):
        features = stage_features(tiny, smooth_image, text, stage)
        assert len(np.unique(features.reshape(-1, features.shape[2]), axis=0)) <= count


def test_compare_and_equal_counts(tiny, smooth_image):
    found = compare(tiny, Pictures(smooth_image), ["budget(1.1)@0,2"], smaller=[], equal_at=["0,2"])
    rows = {row.recipe: row for row in found.rows}
    alone = [tiny.segment(one, "budget(1.1)@0,2") for one in Pictures(smooth_image).pictures]
    plain = [tiny.segment(one, "none") for one in Pictures(smooth_image).pictures]
    same = [(one.labels == two.labels).mean() for one, two in zip(alone, plain, strict=True)]
    assert rows["budget(1.1)@0,2"].agreement == pytest.approx(np.mean(same))
    equal = next(row for row in found.equal_rows if row.rule == "budget")
    assert equal.missing_tokens == equal.extra_tokens == 0


def test_a_batch_gives_what_each_picture_gives_alone(tiny, smooth_image):
    pixels = torch.cat([tiny.preprocess(one)[0] for one in Pictures(smooth_image).pictures])
    together = tiny.logits(pixels, "budget(1.1)@0,2|residual")
    for image in range(2):
        assert tiny.logits(pixels[image : image + 1], "budget(1.1)@0,2|residual").equal(
            together[image : image + 1]
        )


@pytest.mark.parametrize("options", ["", "|decode-merged,residual,sizes", "|after-attention,residual"])
def test_an_accelerator_takes_pictures_of_unequal_lengths_together(tiny, smooth_image, options, monkeypatch):
    """There a batch stays whole, and matrix products may round otherwise than for a picture alone."""
    noise = np.random.default_rng(0).integers(0, 255, smooth_image.shape, np.uint8)
    pictures, text = [smooth_image, noise, smooth_image // 2], "budget(1.1)@0,1,3" + options
    pixels = torch.cat([tiny.preprocess(one)[0] for one in pictures])
    alone = [tiny.run(pixels[image : image + 1], tiny.read_recipe(text)) for image in range(3)]
    monkeypatch.setattr("mpm.encoders.run.runs_alone", lambda *_: False)
    together = tiny.run(pixels, tiny.read_recipe(text))
    (state,) = together.states
    assert any(len(set(one.counts.tolist())) > 1 for one in state.maps), "there must be padding"
    for place, merge_map in enumerate(state.maps):
        counts = [int(one.states[0].maps[place].counts) for one in alone]
        assert merge_map.counts.tolist() == counts
    torch.testing.assert_close(
        together.logits, torch.cat([one.logits for one in alone]), rtol=1e-4, atol=1e-4
    )
