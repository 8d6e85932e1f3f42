"""mIoU and pixel accuracy from one confusion matrix, against figures computed by hand."""

import numpy as np
import pytest

from mpm.measure.metrics import ConfusionMatrix


def test_hand_computed():
    matrix = ConfusionMatrix(4, ignore_index=9)
    matrix.add(np.array([[0, 0, 1], [1, 1, 0]]), np.array([[0, 1, 1], [1, 0, 9]]))
    # Class 0: 1 right, 1 missed, 1 false. Class 1: 2 right, 1 missed, 1 false. Classes 2 and 3 never occur.
    assert matrix.class_iou[:2] == pytest.approx([1 / 3, 2 / 4])
    assert np.isnan(matrix.class_iou[2:]).all()
    assert matrix.mean_iou == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert matrix.pixel_accuracy == pytest.approx(3 / 5)


def test_a_class_only_predicted_counts_as_zero():
    matrix = ConfusionMatrix(3)
    matrix.add(np.array([[0, 2]]), np.array([[0, 0]]))
    assert matrix.class_iou[0] == 0.5 and np.isnan(matrix.class_iou[1]) and matrix.class_iou[2] == 0
    assert matrix.mean_iou == 0.25


def test_one_matrix_over_the_split_is_not_the_mean_of_images():
    parts = [(np.array([[0, 0, 0, 1]]), np.array([[0, 0, 0, 0]])), (np.array([[1]]), np.array([[1]]))]
    together = ConfusionMatrix(2)
    for predicted, truth in parts:
        together.add(predicted, truth)
    assert together.mean_iou == pytest.approx((3 / 4 + 1 / 2) / 2)


def test_agrees_with_sets_of_pixels():
    rng = np.random.default_rng(0)
    predicted, truth = rng.integers(0, 5, (2, 40, 30))
    truth[rng.random(truth.shape) < 0.2] = 5
    matrix = ConfusionMatrix(5, ignore_index=5)
    matrix.add(predicted, truth)
    for index in range(5):
        hit = (predicted == index) & (truth == index)
        either = ((predicted == index) | (truth == index)) & (truth != 5)
        assert matrix.class_iou[index] == pytest.approx(hit.sum() / either.sum())
    assert matrix.counts.sum() == (truth != 5).sum()


def test_small_integer_types_do_not_overflow():
    matrix = ConfusionMatrix(200)
    matrix.add(np.full((4, 4), 199, np.uint8), np.full((4, 4), 199, np.uint8))
    assert matrix.counts[199, 199] == 16


def test_nothing_counted_is_nan():
    matrix = ConfusionMatrix(2, ignore_index=2)
    matrix.add(np.zeros((2, 2), int), np.full((2, 2), 2))
    assert np.isnan(matrix.mean_iou) and np.isnan(matrix.pixel_accuracy)


@pytest.mark.parametrize(
    ("predicted", "truth", "sentence"),
    [
        (np.zeros((2, 2), int), np.zeros((2, 3), int), "same shape"),
        (np.full((2, 2), 3), np.zeros((2, 2), int), "prediction must hold classes 0 to 2, but got 3"),
        (np.zeros((2, 2), int), np.full((2, 2), 7), "labels must hold classes 0 to 2, but got 7"),
        (np.full((2, 2), -1), np.zeros((2, 2), int), "but got -1"),
    ],
)
def test_what_does_not_fit_is_refused(predicted, truth, sentence):
    with pytest.raises(ValueError, match=sentence):
        ConfusionMatrix(3).add(predicted, truth)
