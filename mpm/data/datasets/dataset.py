"""What a data set is to those that read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from mpm.data.labels import LabelSet

Sample = tuple[np.ndarray, np.ndarray]
"""image (H, W, 3) uint8 RGB and labels (H, W) uint8."""


class Samples(Protocol):
    """Samples by number, read or drawn when asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample: ...


class Dataset(Samples, Protocol):
    """Samples of known classes, with a name; also in order, `for image, labels in dataset`."""

    @property
    def name(self) -> str: ...

    @property
    def split(self) -> str: ...

    @property
    def label_set(self) -> LabelSet: ...

    def __iter__(self) -> Iterator[Sample]: ...
