"""Views of an image and its labels, as a training step sees them."""

import cv2
import numpy as np
import pytest

from mpm.training import augment


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
