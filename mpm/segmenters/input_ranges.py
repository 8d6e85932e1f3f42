"""What comes into the layers of a model: the range of the numbers, seen on pictures without labels."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import partial
from typing import Any

from torch import Tensor, nn

from mpm.runtimes.int8 import Ranges
from mpm.streets import render_street

STREETS = 4
"""Pictures that are drawn where nobody gives any: of day and night, by their seeds."""


def input_ranges(segmenter: Any, pictures: Iterable[Any] | None = None) -> Ranges:
    """Least and greatest number that comes into each linear layer of a `Segmenter` while it runs unmerged.

    pictures: as for `segment`; None: synthetic streets. Merging averages tokens on the input of a block, so
    it leads out of no range there. Raises InputError for a bad picture.
    """
    twin = copy.deepcopy(segmenter)  # what watches its layers must not be in the way of other runs
    seen: dict[str, tuple[float, float]] = {}
    for name, module in twin.named_modules():
        if isinstance(module, nn.Linear):
            module.register_forward_pre_hook(partial(_note, seen, name))
    shown = [render_street(seed).image for seed in range(STREETS)] if pictures is None else pictures
    for picture in shown:
        twin.segment(picture, "none")
    layers = dict(segmenter.named_modules())
    return {layers[name]: ends for name, ends in seen.items()}


def _note(seen: dict[str, tuple[float, float]], name: str, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    least, greatest = seen.get(name, (0.0, 0.0))
    low, high = inputs[0].aminmax()
    seen[name] = min(least, low.item()), max(greatest, high.item())
