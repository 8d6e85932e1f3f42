"""Segmentation metrics from one confusion matrix over a whole split."""

from __future__ import annotations

import numpy as np


class ConfusionMatrix:
    """Counts of (true class, predicted class) pixels; pixels labelled `ignore_index` are left out."""

    def __init__(self, classes: int, ignore_index: int | None = None):
        self.counts = np.zeros((classes, classes), dtype=np.int64)
        self._ignore_index = ignore_index

    def add(self, predicted: np.ndarray, truth: np.ndarray) -> None:
        """Counts one image: both (H, W) integer class indices. ValueError where they do not fit."""
        if predicted.shape != truth.shape:
            raise ValueError(
                f"Prediction {predicted.shape} and labels {truth.shape} must have the same shape."
            )
        keep = slice(None) if self._ignore_index is None else truth != self._ignore_index
        predicted, truth = predicted[keep].ravel(), truth[keep].ravel()
        classes = len(self.counts)
        for what, values in (("prediction", predicted), ("labels", truth)):
            if values.size and (values.min() < 0 or values.max() >= classes):
                wrong = values.min() if values.min() < 0 else values.max()
                raise ValueError(f"{what} must hold classes 0 to {classes - 1}, but got {wrong}.")
        cells = truth.astype(np.int64) * classes + predicted
        self.counts += np.bincount(cells, minlength=classes**2).reshape(classes, classes)

    @property
    def class_iou(self) -> np.ndarray:
        """(classes,) float: intersection over union; NaN for a class absent from labels and prediction."""
        intersection = np.diag(self.counts).astype(float)
        union = self.counts.sum(0) + self.counts.sum(1) - intersection
        return np.divide(intersection, union, out=np.full(len(union), np.nan), where=union > 0)

    @property
    def mean_iou(self) -> float:
        """Mean of `class_iou` over the classes that occur; NaN before anything was counted."""
        present = self.class_iou[~np.isnan(self.class_iou)]
        return float(present.mean()) if present.size else float("nan")

    @property
    def class_accuracy(self) -> np.ndarray:
        """(classes,) float: share of a class's labelled pixels that were found; NaN where it has none."""
        found, labelled = np.diag(self.counts).astype(float), self.counts.sum(1)
        return np.divide(found, labelled, out=np.full(len(found), np.nan), where=labelled > 0)

    @property
    def mean_class_accuracy(self) -> float:
        """Mean of `class_accuracy` over the classes that occur in the labels: mmsegmentation's mAcc."""
        present = self.class_accuracy[~np.isnan(self.class_accuracy)]
        return float(present.mean()) if present.size else float("nan")

    @property
    def pixel_accuracy(self) -> float:
        """Share of counted pixels with the right class; NaN before anything was counted."""
        total = self.counts.sum()
        return float(np.diag(self.counts).sum() / total) if total else float("nan")
