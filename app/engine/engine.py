"""One model on one device, loaded in the background. The only place in the page that runs a model.

torch and timm are imported in the loading thread, so that the page answers before they are there. Whoever
needs them asks for `Engine.segmenter` before importing anything that does: two threads that import
torchvision at once can lock each other out.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from cachetools import LRUCache

from app.engine import zerogpu
from app.server.log import watched_run
from mpm.errors import InputError
from mpm.measure.machine import core_count

if TYPE_CHECKING:
    from mpm.merging.recipe import Recipe
    from mpm.segmenters.segmenter import SegmentationRun, Segmenter

log = logging.getLogger("mpm.app")

Result = TypeVar("Result")

DISPLAY_PX = 1024
"""Longer side of masks as the browser gets them; full size is made on download."""
MAX_PATCHES, MAX_PATCHES_OF_LARGE = 3072, 2048
"""Only panoramas come near: at twice that, one schedule would take half a minute on a small computer."""
LARGE_PARAMETERS = 60_000_000
DEADLINE_S = 120.0
"""One person's sweep holds up the others no longer than this."""
CACHE_BYTES = 256 * 2**20
WARM_UP_PX = (384, 512)


class Engine:
    """One model on one device, loaded in the background.

    Every method that runs the model waits until it is loaded, holds the device's lock while it runs, and
    raises InputError when the model could not be loaded.
    """

    def __init__(
        self,
        model: str = "streets-vit-tiny",
        device: str = "auto",
        threads: int | None = None,
        lock: threading.Lock | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """lock: the device's, where several models share it. deadline_s: then no run of a sweep begins."""
        self.model = model
        self._deadline_s = deadline_s
        self._device = device
        self._threads = threads
        self._lock = lock or threading.Lock()
        self._loaded = threading.Event()
        self._failure: str | None = None
        self._segmenter: Segmenter | None = None
        self._features = LRUCache(CACHE_BYTES, getsizeof=lambda array: array.nbytes)

    def start(self) -> Engine:
        """Begin to load and warm the model in a thread; returns at once."""
        threading.Thread(target=self._load, name="load-model", daemon=True).start()
        return self

    def wait(self, timeout_s: float | None = None) -> bool:
        """True once the model is loaded (or failed to)."""
        return self._loaded.wait(timeout_s)

    @property
    def name(self) -> str:
        """The model without the folders before it: pages and logs tell no server path."""
        return Path(self.model).name

    @property
    def failed(self) -> bool:
        """Whether loading has ended without a model."""
        return self._failure is not None

    @property
    def max_patches(self) -> int:
        """Larger pictures are scaled down, so that nobody waits for minutes."""
        large = sum(weights.numel() for weights in self.segmenter.parameters()) > LARGE_PARAMETERS
        return MAX_PATCHES_OF_LARGE if large else MAX_PATCHES

    @property
    def segmenter(self) -> Segmenter:
        """The model, waited for. Raises InputError when it could not be loaded."""
        self._loaded.wait()
        if self._segmenter is None:
            raise InputError(self._failure or "the model could not be loaded")
        return self._segmenter

    def read_recipe(self, text: Any) -> Recipe:
        """A recipe of this model, names such as "fast" spelled out. Raises InputError for a bad one.

        Needs no lock: what the device takes is measured by the first run that asks for it, not here.
        """
        return self.segmenter.parse_recipe(text)

    @cached_property
    def named_recipes(self) -> list[dict[str, Any]]:
        """Recipes with names that this model can run, spelled out for it, as plain values."""
        segmenter = self.segmenter
        from mpm.segmenters.runnable import runnable_recipes

        with self._lock:
            return [one.describe(str(recipe)) for one, recipe in runnable_recipes(segmenter)]

    def sweep(self, rgb: np.ndarray, recipes: Sequence[str]) -> Iterator[SegmentationRun]:
        """Runs of many recipes, shared where they agree; masks at display size. Close it to stop."""
        runs, end = self._runs(rgb, recipes), time.monotonic() + self._deadline_s
        names = " ".join(recipes)
        with watched_run("sweep", self.name, names, _size(rgb)) as watched:
            while True:
                if time.monotonic() > end:
                    raise InputError(
                        f"this took longer than {self._deadline_s:.0f} s, so the other recipes were left "
                        "out: a smaller picture or model is faster"
                    )
                with self._lock:
                    run = next(runs, None)
                if run is None:
                    return
                watched.measured(run)
                yield run

    def segment(self, rgb: np.ndarray, recipe: str, profile: bool = False) -> SegmentationRun:
        """One run at the picture's own size."""
        segmenter = self.segmenter
        with watched_run("segment", self.name, recipe, _size(rgb)) as watched, self._lock:
            run = segmenter.segment(rgb, recipe, profile=profile, max_patches=self.max_patches)
            watched.measured(run)
        return run

    def similarity(self, rgb: np.ndarray, recipe: str, stage: int, patch: int) -> np.ndarray:
        """Cosine similarity of one patch to all others at a stage: (rows, cols) float32."""
        segmenter = self.segmenter
        from mpm.segmenters.features import similarity_to, stage_features

        key = (digest(rgb), recipe, stage)
        with self._lock:
            features = self._features.get(key)
            if features is None:
                features = stage_features(segmenter, rgb, recipe, stage, max_patches=self.max_patches)
                if features.nbytes <= CACHE_BYTES:
                    self._features[key] = features
        return similarity_to(features, patch)

    def _runs(self, rgb: np.ndarray, recipes: Sequence[str]) -> Iterator[SegmentationRun]:
        """On ZeroGPU all of them come at once, from a process that has a GPU."""
        segmenter = self.segmenter
        if zerogpu.on_zerogpu():
            job = zerogpu.Job(self.model, rgb, tuple(recipes), self.max_patches, DISPLAY_PX)
            return iter(zerogpu.run_job(job))
        from mpm.segmenters.sweep import sweep

        limits = {"max_patches": self.max_patches, "max_label_px": DISPLAY_PX}
        return sweep(segmenter, rgb, recipes, **limits)

    def _load(self) -> None:
        start = time.perf_counter()
        try:
            with self._lock:  # loading beside a measured run would spoil its time
                self._segmenter = self._loaded_and_warm()
            log.info("model %s ready after %.1f s", self.model, time.perf_counter() - start)
        except InputError as error:
            self._failure = str(error)
        except Exception as error:  # the page must say why it cannot work, whatever the reason
            log.exception("the model could not be loaded")
            self._failure = f"the model could not be loaded ({type(error).__name__})"
        finally:
            self._loaded.set()

    def _loaded_and_warm(self) -> Segmenter:
        import torch

        from mpm.devices import pick_device
        from mpm.zoo.checkpoints import load_segmenter

        torch.set_num_threads(self._threads or physical_cores())
        segmenter = load_segmenter(self.model, pick_device(self._device))
        blank = np.zeros((*WARM_UP_PX, 3), np.uint8)
        for schedule in ("none", "2"):
            segmenter.segment(blank, schedule, resolution=min(WARM_UP_PX))
        return segmenter

    def exclusively(self, work: Callable[[Segmenter], Result]) -> Result:
        """What `work` makes of the model, while nothing else runs on its device."""
        segmenter = self.segmenter
        with self._lock:
            return work(segmenter)


def _size(rgb: np.ndarray) -> tuple[int, int]:
    return rgb.shape[1], rgb.shape[0]


def digest(rgb: np.ndarray) -> str:
    """A name for a picture's pixels."""
    hasher = hashlib.blake2b(repr(rgb.shape).encode(), digest_size=12)
    hasher.update(np.ascontiguousarray(rgb))
    return hasher.hexdigest()


def physical_cores() -> int:
    """Physical cores this process may use: hyper-threads do not speed up matrix products."""
    import psutil

    allowed = core_count()
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))
