"""Runs that were made, kept by picture, model and recipe."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cachetools import LRUCache

if TYPE_CHECKING:
    from mpm.segmenters.segmentation_run import SegmentationRun

CACHE_BYTES = 384 * 2**20
LARGE_LOGITS_BYTES = 2 * 2**20

RunKey = tuple[str, str, str]
"""Digest of the picture, model and its runtime, text of the recipe."""


class Runs:
    """Runs of late, as many as there is room for. Safe for several threads; nobody may write into a run."""

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        self._lock = threading.Lock()
        self._kept: LRUCache = LRUCache(cache_bytes, getsizeof=run_bytes)

    def find(self, key: RunKey) -> SegmentationRun | None:
        with self._lock:
            return self._kept.get(key)

    def keep(self, key: RunKey, run: SegmentationRun) -> None:
        """Keep a run, without large logits: nobody on the page asks for them, and DPT-L's are 46 MB."""
        if run.logits.nbytes > LARGE_LOGITS_BYTES:
            run = replace(run, logits=run.logits[:, :0, :0].copy())
        if run_bytes(run) <= self._kept.maxsize:
            with self._lock:
                self._kept[key] = run

    def of(self, digest: str, model: str) -> OwnRuns:
        """Those of one picture and one model."""
        return OwnRuns(self, digest, model)


@dataclass(frozen=True)
class OwnRuns:
    """The runs of one picture by one model; see `Runs`."""

    runs: Runs
    digest: str
    model: str

    def find(self, recipe: str) -> SegmentationRun | None:
        return self.runs.find((self.digest, self.model, recipe))

    def keep(self, run: SegmentationRun) -> None:
        self.runs.keep((self.digest, self.model, str(run.recipe)), run)

    def among(self, recipes: Iterable[str]) -> dict[str, SegmentationRun]:
        """Those that are there, by recipe."""
        found = {recipe: self.find(recipe) for recipe in recipes}
        return {recipe: run for recipe, run in found.items() if run is not None}


def run_bytes(run: SegmentationRun) -> int:
    """What a run's arrays take."""
    stages = sum(
        getattr(stage, name).nbytes
        for stage in run.trace.stages
        for name in ("index", "nearest", "partner", "similarity", "position")
    )
    segments = run.segments.ids.nbytes if run.segments else 0
    return run.labels.nbytes + run.logits.nbytes + segments + stages
