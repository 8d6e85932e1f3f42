"""Batches: their size, their sources, and the thread that makes them."""

import threading

import numpy as np
import pytest
import torch

from mpm.data.datasets import FIRST_TRAINING_SEED
from mpm.errors import InputError
from mpm.training.batches import BatchMaker, BatchRecipe, Prefetcher, ScenePool


class Photos:
    """Ten flat photos: class 3 everywhere."""

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return np.full((360, 480, 3), 200, np.uint8), np.full((360, 480), 3, np.uint8)


def fake_scene(seed: int):
    return np.full((360, 480, 3), 50, np.uint8), np.full((360, 480), 7, np.uint8)


def recipe(**changes) -> BatchRecipe:
    fields = {
        "patch_px": 16,
        "mean": (0.5,) * 3,
        "std": (0.5,) * 3,
        "ignore_index": 11,
        "tokens_per_step": 1024,
    }
    return BatchRecipe(**{**fields, **changes})


def test_batches_fit_the_token_budget_and_the_model():
    make = BatchMaker(recipe(), Photos(), None, 0)
    shapes = set()
    for step in range(30):
        batch = make(step)
        count, _, height, width = batch.pixels.shape
        rows, cols = height // 16, width // 16
        assert height % 16 == width % 16 == 0
        assert abs(count * rows * cols - 1024) <= rows * cols / 2
        assert batch.pixels.dtype == torch.float32 and torch.isfinite(batch.pixels).all()
        assert batch.labels.shape == (count, height // 2, width // 2) and batch.labels.dtype == torch.int64
        assert set(batch.labels.unique().tolist()) <= {3, 11}
        # Outside of an image pixels are zero and labels void.
        outside = (batch.labels == 11).unsqueeze(1).expand(-1, 3, -1, -1)
        assert (batch.pixels[:, :, ::2, ::2][outside] == 0).all()
        shapes.add((rows, cols))
    assert len(shapes) >= 4


def test_a_step_has_the_same_batch_in_every_run():
    first, again = (BatchMaker(recipe(), Photos(), None, seed=5)(17) for _ in range(2))
    assert torch.equal(first.pixels, again.pixels) and torch.equal(first.labels, again.labels)
    other = BatchMaker(recipe(), Photos(), None, seed=6)(17)
    assert first.pixels.shape != other.pixels.shape or not torch.equal(first.pixels, other.pixels)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_synthetic_share_holds_on_average(share):
    make = BatchMaker(recipe(synthetic_share=share), Photos(), ScenePool(20, draw=fake_scene), 0)
    rng = np.random.default_rng(0)
    samples = [sample for _ in range(200) for sample in make._samples(4, rng)]
    assert len(samples) == 800
    assert np.mean([labels[0, 0] == 7 for _, labels in samples]) == pytest.approx(share, abs=0.05)


def test_either_source_alone_is_enough_but_not_none():
    scenes = ScenePool(20, draw=fake_scene)
    assert set(BatchMaker(recipe(), None, scenes, 0)(0).labels.unique().tolist()) <= {7, 11}
    assert set(BatchMaker(recipe(), Photos(), None, 0)(0).labels.unique().tolist()) <= {3, 11}
    with pytest.raises(ValueError, match="got neither"):
        BatchMaker(recipe(), None, None, 0)


def test_scene_pool_grows_stays_bounded_and_never_draws_held_out_seeds():
    drawn = []
    pool = ScenePool(
        capacity=12, new_per_batch=1, few=6, draw=lambda seed: drawn.append(seed) or (seed, seed)
    )
    rng = np.random.default_rng(0)
    sizes = []
    for _ in range(20):
        assert len(pool.take(5, rng)) == 5
        sizes.append(len(pool))
    assert sizes[:4] == [4, 8, 9, 10] and max(sizes) == 12
    assert min(drawn) >= FIRST_TRAINING_SEED and len(set(drawn)) == len(drawn)
    assert {scene[0] for scene in pool.take(400, rng)} == set(drawn[-12:])
    assert pool.take(0, rng) == []


def test_scene_pool_draws_less_than_one_a_batch():
    pool = ScenePool(capacity=1000, new_per_batch=0.25, few=4, draw=fake_scene)
    rng = np.random.default_rng(0)
    for _ in range(401):
        pool.take(4, rng)
    assert 4 + 70 < len(pool) < 4 + 130


def test_prefetcher_keeps_the_order_and_hands_errors_over():
    def make(step):
        if step == 5:
            raise InputError("step 5 is broken")
        return step

    got = []
    with pytest.raises(InputError, match="step 5"), Prefetcher(make, 2) as batches:
        for step in batches:
            got.append(step)
    assert got == [2, 3, 4]


def test_prefetcher_ends_its_thread():
    with Prefetcher(lambda step: step, 0) as batches:
        next(batches)
    assert "batches" not in [thread.name for thread in threading.enumerate()]
