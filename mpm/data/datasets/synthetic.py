"""The project's own synthetic streets as a data set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mpm.data.datasets.dataset import Sample
from mpm.data.labels import STREETS
from mpm.errors import InputError

# Synthetic streets below this seed are never trained on: they are the held-out set of `evaluate`.
FIRST_TRAINING_SEED = 10_000
SCENE_SIZE_PX = (480, 360)  # width, height: CamVid's own size, so that both sources mix in a batch


class SyntheticStreets:
    """Scenes of the project's generator, one per seed, drawn when asked for."""

    name = "streets"
    label_set = STREETS

    def __init__(
        self, seeds: Sequence[int], size_px: tuple[int, int] = SCENE_SIZE_PX, split: str = "held-out"
    ):
        self.split = split
        self._seeds = tuple(int(seed) for seed in seeds)
        self._size_px = size_px

    def __len__(self) -> int:
        return len(self._seeds)

    def __getitem__(self, index: int) -> Sample:
        return draw_scene(self._seeds[index], self._size_px)

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))


def held_out_streets(count: int) -> SyntheticStreets:
    """The scenes of seeds 0 .. count - 1, none of which training ever draws."""
    if not 1 <= count <= FIRST_TRAINING_SEED:
        raise InputError(f"The number of scenes must be 1 to {FIRST_TRAINING_SEED}, but got {count}")
    return SyntheticStreets(range(count))


def training_streets(count: int) -> SyntheticStreets:
    """Scenes of the first seeds that training draws from: to choose by, never to report."""
    if count < 1:
        raise InputError(f"The number of scenes must be at least 1, but got {count}")
    return SyntheticStreets(range(FIRST_TRAINING_SEED, FIRST_TRAINING_SEED + count), split="training")


def draw_scene(seed: int, size_px: tuple[int, int] = SCENE_SIZE_PX) -> Sample:
    """One synthetic street of `size_px` (width, height) as (image, labels)."""
    from mpm.streets import render_street

    street = render_street(seed, *size_px)
    return street.image, street.labels
