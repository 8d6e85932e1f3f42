"""Parts and copies of a data set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mpm.data.datasets.dataset import Dataset, Sample
from mpm.errors import InputError


class FirstOf:
    """The first `count` samples of another data set, spread evenly over it."""

    def __init__(self, dataset: Dataset, count: int):
        if count < 1:
            raise InputError(f"The number of images must be at least 1, but got {count}")
        self.name, self.split, self.label_set = dataset.name, dataset.split, dataset.label_set
        self._dataset = dataset
        total = len(dataset)
        self._indices = np.linspace(0, total - 1, min(count, total)).round().astype(int).tolist()

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Sample:
        return self._dataset[self._indices[index]]

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))


class InMemory:
    """All samples of another data set, decoded once (CamVid train: 250 MB)."""

    def __init__(self, dataset: Dataset):
        self.name, self.split, self.label_set = dataset.name, dataset.split, dataset.label_set
        self._samples = list(dataset)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Sample:
        return self._samples[index]

    def __iter__(self) -> Iterator[Sample]:
        return iter(self._samples)
