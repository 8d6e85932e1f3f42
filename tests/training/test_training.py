"""What a training step sees and how it learns: views, batches, initialisation, loss, optimiser, schedule."""

import threading

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from mpm.data.datasets import FIRST_TRAINING_SEED
from mpm.errors import InputError
from mpm.segmenters.config import streets_config
from mpm.segmenters.segmenter import Segmenter
from mpm.training import augment, optimise
from mpm.training.batches import BatchMaker, BatchRecipe, Prefetcher, ScenePool
from mpm.training.initialise import initialise, initialise_attention, sinusoids

# ---- views


def test_image_and_labels_of_a_view_stay_together(monkeypatch):
    monkeypatch.setattr(augment, "random_light", lambda image, rng: image)
    labels = np.random.default_rng(0).integers(0, 11, (12, 16)).astype(np.uint8)
    labels = enlarged(labels, 30)
    image = np.repeat(labels[..., None] * 20, 3, axis=2)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        view, view_labels = augment.random_view(image, labels, (320, 256), rng)
        assert view.shape == (256, 320, 3) and view_labels.shape == (256, 320)
        inside = view_labels != augment.OUTSIDE
        # Bilinear and nearest differ at the edges of the blocks alone.
        same = np.abs(view[..., 0].astype(int) - view_labels * 20) <= 1
        assert same[inside].mean() > 0.8


def enlarged(array: np.ndarray, size: int) -> np.ndarray:
    return array.repeat(size, 0).repeat(size, 1)


def test_whole_image_views_are_exact(monkeypatch):
    monkeypatch.setattr(augment, "random_light", lambda image, rng: image)
    monkeypatch.setattr(augment, "WHOLE_IMAGE_SHARE", 1.0)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (360, 480, 3), dtype=np.uint8)
    labels = rng.integers(0, 11, (360, 480), dtype=np.uint8)
    seen = set()
    for _ in range(8):
        view, view_labels = augment.random_view(image, labels, (480, 368), rng)
        # The image lies at the left top corner, as inference has it, flipped or not.
        for flipped, original, own in ((0, image, labels), (1, image[:, ::-1], labels[:, ::-1])):
            if np.array_equal(view_labels[:360], own):
                seen.add(flipped)
                assert np.array_equal(view[:360], original)
        assert (view_labels[360:] == augment.OUTSIDE).all()
    assert seen == {0, 1}


def test_whole_images_are_seen_enlarged_too(monkeypatch):
    monkeypatch.setattr(augment, "random_light", lambda image, rng: image)
    monkeypatch.setattr(augment, "WHOLE_IMAGE_SHARE", 1.0)
    rng = np.random.default_rng(0)
    labels = enlarged(rng.integers(0, 11, (9, 12)).astype(np.uint8), 40)
    image = np.repeat(labels[..., None] * 20, 3, axis=2)
    for size_px in ((576, 432), (640, 480)):
        expected = cv2.resize(image, size_px, interpolation=cv2.INTER_LINEAR).astype(int)
        view, view_labels = augment.random_view(image, labels, size_px, rng)
        difference = min(abs(view.astype(int) - whole).mean() for whole in (expected, expected[:, ::-1]))
        assert difference < 1 and (view_labels != augment.OUTSIDE).all()


@pytest.mark.parametrize("view_px", [(256, 192), (368, 368), (640, 352)])
def test_shrunken_or_cut_images_are_no_whole_ones(view_px):
    assert augment._whole_image_zoom((480, 360), view_px) is None


def test_views_stay_within_the_zoom_range(monkeypatch):
    monkeypatch.setattr(augment, "WHOLE_IMAGE_SHARE", 0.0)
    zooms = [augment._random_zoom((480, 360), (160, 160), np.random.default_rng(seed)) for seed in range(300)]
    low, high = augment.ZOOM_RANGE
    assert low <= min(zooms) < 1.2 * low and high / 1.2 < max(zooms) <= high


def test_light_changes_the_image_but_not_its_argument():
    image = np.random.default_rng(0).integers(0, 255, (32, 48, 3), dtype=np.uint8)
    before = image.copy()
    results = [augment.random_light(image, np.random.default_rng(seed)) for seed in range(20)]
    assert np.array_equal(image, before)
    assert all(result.shape == image.shape and result.dtype == np.uint8 for result in results)
    assert sum(not np.array_equal(result, image) for result in results) > 12


# ---- batches


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


# ---- initialisation


def test_attention_begins_mimetic():
    model = Segmenter(streets_config())
    assert initialise_attention(model, torch.Generator().manual_seed(0)) == 14
    attention = model.requires_grad_(False).encoder.blocks[4].attn
    query, key, value = attention.qkv.weight.view(3, 192, 192)
    for head in range(3):
        rows = slice(64 * head, 64 * head + 64)
        product = query[rows].T @ key[rows]
        assert product.diagonal().mean() > 0.2
        assert abs(product.mean()) < 0.02
    product = value.T @ attention.proj.weight.T
    assert product.diagonal().mean().item() == pytest.approx(-0.4, abs=0.02)
    off_diagonal = product - product.diagonal().diag()
    assert off_diagonal.std().item() == pytest.approx(0.4 / 192**0.5, rel=0.1)


def test_patches_begin_whitened():
    """Patches of blurred noise, where brightness outweighs all else, give channels of equal strength."""
    rng = np.random.default_rng(0)
    images = [
        cv2.GaussianBlur(rng.integers(0, 255, (96, 128, 3), dtype=np.uint8), (0, 0), 2) for _ in range(8)
    ]
    images = [cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX) for image in images]
    plain, whitened = Segmenter(streets_config()).eval(), Segmenter(streets_config()).eval()
    initialise(whitened, images, torch.Generator().manual_seed(0))
    shares = []
    for model in (plain, whitened):
        pixels = torch.cat([model.preprocess(image, resolution=96)[0] for image in images])
        with torch.no_grad():
            tokens = model.encoder.patch_embed.proj(pixels).flatten(2).transpose(1, 2).flatten(0, 1)
        assert torch.isfinite(tokens).all()
        variances = torch.linalg.svdvals(tokens - tokens.mean(0)) ** 2
        shares.append((variances[0] / variances.sum()).item())
    assert shares[1] < 0.1 < shares[0]


def test_positions_begin_alike_for_neighbours():
    table = sinusoids(5, 7, 64)
    assert table.shape == (35, 64)
    grid = nn.functional.normalize(table, dim=1).reshape(5, 7, 64)
    here = grid[2, 3]
    near, far = here @ grid[2, 4], here @ grid[2, 6]
    assert far < near < 0.999
    assert here @ grid[3, 3] == pytest.approx(float(near), abs=1e-4)  # rows and columns count alike


# ---- loss and optimiser


def test_loss_is_small_for_right_and_large_for_wrong():
    loss = optimise.StreetLoss(torch.ones(3), 3, smoothing=0.0)
    labels = torch.tensor([[[0, 0], [1, 2]]])
    right = 20.0 * nn.functional.one_hot(labels, 3).permute(0, 3, 1, 2).float()
    assert loss(right, labels) < 1e-3
    assert loss(-right, labels) > 10
    assert loss(torch.zeros(1, 3, 2, 2), labels) == pytest.approx(
        np.log(3) + 0.5 * (1 - np.mean([2 / 3 / (2 + 2 / 3), 1 / 3 / 2, 1 / 3 / 2])), abs=1e-4
    )


def test_ignored_pixels_take_no_part_in_the_loss():
    loss = optimise.StreetLoss(torch.ones(3), 3)
    labels = torch.tensor([[[0, 1], [3, 3]]])
    logits = torch.randn(1, 3, 2, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss(logits, labels).backward()
    assert (logits.grad[:, :, 1] == 0).all() and (logits.grad[:, :, 0] != 0).all()


def test_rare_classes_weigh_more_within_bounds():
    weights = optimise.class_weights(torch.tensor([900, 90, 10, 0]), low=0.6, high=3.0)
    assert weights.tolist() == pytest.approx([0.6, (1000 / 4 / 90) ** 0.5, 3.0, 3.0])


@pytest.mark.parametrize("shape", [(2, 24, 24), (3, 48, 16), (1, 16, 64)])
def test_orthogonalise_evens_out_singular_values(shape):
    matrices = 3 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    singular = torch.linalg.svdvals(optimise.orthogonalise(matrices).float())
    assert singular.median() > 0.6 and singular.max() < 1.4
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    cosine = nn.functional.cosine_similarity(
        optimise.orthogonalise(matrices).float().flatten(1), (left @ right).flatten(1)
    )
    assert (cosine > 0.95).all()


@pytest.mark.parametrize("fast", [False, True])
def test_either_precision_orthogonalises(monkeypatch, fast):
    monkeypatch.setattr(optimise, "has_fast_bfloat16", lambda device: fast)
    direction = optimise.orthogonalise(torch.randn(2, 24, 24, generator=torch.Generator().manual_seed(0)))
    assert direction.dtype == (torch.bfloat16 if fast else torch.float32)
    assert 0.6 < torch.linalg.svdvals(direction.float()).median() < 1.4


def test_muon_takes_a_fused_matrix_apart():
    torch.manual_seed(0)
    fused, parts = nn.Parameter(torch.randn(12, 4)), [nn.Parameter(torch.randn(4, 4)) for _ in range(3)]
    with torch.no_grad():
        for index, part in enumerate(parts):
            part.copy_(fused[4 * index : 4 * index + 4])
    fused.grad = torch.randn(12, 4)
    for index, part in enumerate(parts):
        part.grad = fused.grad[4 * index : 4 * index + 4].clone()
    optimise.Muon([{"params": [fused], "parts": 3}], lr=0.1).step()
    optimise.Muon(parts, lr=0.1).step()
    assert torch.allclose(fused, torch.cat(parts), atol=1e-5)


def test_every_weight_is_optimised_once():
    model = Segmenter(streets_config())
    groups = optimise._parameter_groups(model)
    ids = [id(weight) for group in groups for weight in group]
    assert sorted(ids) == sorted(id(weight) for weight in model.parameters())
    assert {id(weight) for weight in groups[4]} == {id(w) for w in model.encoder.patch_embed.parameters()}
    assert [len(group) for group in groups[:2]] == [14, 42]
    assert all(weight.ndim == 2 for group in groups[:2] for weight in group)


def test_rate_follows_the_time_spent():
    assert optimise.rate_factor(0, 0, None) == pytest.approx(1 / 50)
    assert optimise.rate_factor(49, 0, 100) == 1
    part = 100 * optimise.DECAY_PART
    assert optimise.rate_factor(5000, 100 - part, 100) == pytest.approx(1)
    assert optimise.rate_factor(5000, 100 - part / 2, 100) == pytest.approx(0.5)
    assert optimise.rate_factor(5000, 130, 100) == 0
    assert optimise.rate_factor(5000, 1e6, None) == 1
