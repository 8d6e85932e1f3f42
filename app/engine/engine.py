"""One model on one device, loaded in the background. The only place in the page that runs a model.

torch and timm are imported in the loading thread, so that the page answers before they are there. Whoever
needs them asks for `Engine.segmenter` before importing anything that does: two threads that import
torchvision at once can lock each other out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from app.engine import zerogpu
from app.engine.pace import Paces
from app.engine.pictures import Picture
from app.engine.runs import OwnRuns, Runs
from app.engine.scheduler import ANYBODY, Claim, Scheduler, Urgency
from app.engine.stage_features import StageFeatures
from app.engine.steps import Waiting, timed
from app.engine.twins import Twins
from app.engine.warm_up import physical_cores, warm_up
from app.server.log import watched_run
from mpm.errors import InputError

if TYPE_CHECKING:
    from mpm.merging.recipe import Recipe
    from mpm.segmenters.feature_colours import FeatureColours
    from mpm.segmenters.segmentation_run import SegmentationRun
    from mpm.segmenters.segmenter import Segmenter

log = logging.getLogger("mpm.app")

Result = TypeVar("Result")

DISPLAY_PX = 1024
"""Longer side of masks as the browser gets them; full size is made on download."""
MAX_PATCHES, MAX_PATCHES_OF_LARGE = 3072, 2048
"""Only panoramas come near: at twice that, one schedule would take half a minute on a small computer."""
LARGE_PARAMETERS = 60_000_000
DEADLINE_S = 120.0
"""One person's sweep takes the device no longer than this."""
SAY_EVERY_S = 0.4
"""How often somebody who waits hears of it."""


class Engine:
    """One model on one device, loaded in the background.

    Every method that runs the model waits until it is loaded and until its turn comes, and raises InputError
    when the model could not be loaded, Overtaken when its claim is not wanted any more.
    """

    def __init__(
        self,
        model: str = "streets-vit-tiny",
        device: str = "auto",
        threads: int | None = None,
        scheduler: Scheduler | None = None,
        runs: Runs | None = None,
        paces: Paces | None = None,
        deadline_s: float = DEADLINE_S,
        runtime: tuple[str, str | None] = ("torch", None),
        twins: Twins | None = None,
    ) -> None:
        """scheduler: the device's, runs: those at hand, paces: their times, where several models share them.
        twins: models in other runtimes, likewise.

        deadline_s: after so much time on the device no run of a sweep begins.
        """
        self.model = model
        self.scheduler = scheduler or Scheduler()
        self._runs = Runs() if runs is None else runs
        self.paces = paces or Paces()
        self.twins = twins or Twins()
        self._deadline_s = deadline_s
        self._device, self._runtime, self._threads = device, runtime, threads
        self._loaded = threading.Event()
        self._failure: str | None = None
        self._segmenter: Segmenter | None = None
        self._features = StageFeatures()

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
        return MAX_PATCHES_OF_LARGE if self.parameters > LARGE_PARAMETERS else MAX_PATCHES

    @property
    def parameters(self) -> int:
        """How many weights the model has."""
        return sum(weights.numel() for weights in self.segmenter.parameters())

    @property
    def segmenter(self) -> Segmenter:
        """The model, waited for. Raises InputError when it could not be loaded."""
        self._loaded.wait()
        if self._segmenter is None:
            raise InputError(self._failure or "the model could not be loaded")
        return self._segmenter

    def switch(self, twin: Segmenter) -> None:
        """Run on a twin of the model whatever begins from now on; call it in a turn."""
        self._segmenter = twin
        self._features.clear()

    def read_recipe(self, text: Any) -> Recipe:
        """A recipe of this model, names such as "fast" spelled out. Raises InputError for a bad one.

        Needs no turn: what the device takes is measured by the first run that asks for it, not here.
        """
        return self.segmenter.parse_recipe(text)

    @cached_property
    def named_recipes(self) -> list[dict[str, Any]]:
        """Recipes with names that this model can run, spelled out for it, as plain values."""
        segmenter = self.segmenter
        from mpm.segmenters.runnable import runnable_recipes

        found = self.scheduler.do(ANYBODY, lambda: runnable_recipes(segmenter))
        return [one.describe(str(recipe)) for one, recipe in found]

    def at_hand(self, picture: Picture, recipes: Sequence[str]) -> dict[str, SegmentationRun]:
        """Those of the recipes, in their own spelling, that were run before."""
        return self._own_runs(self._segmenter, picture).among(recipes)

    def sweep(
        self,
        picture: Picture,
        recipes: Sequence[str],
        claim: Claim = ANYBODY,
        asked: int | None = None,
    ) -> Iterator[SegmentationRun | Waiting]:
        """Runs of many recipes, shared where they agree; masks at display size. Close it to stop.

        Those at hand come first. In between it says how the waiting goes. asked: after so many runs nobody
        waits for the rest. Raises InputError for a bad recipe, and when the deadline is over.
        """
        names = list(dict.fromkeys(str(self.read_recipe(text)) for text in recipes))
        segmenter = self.segmenter
        own = self._own_runs(segmenter, picture)
        yield from (kept := own.among(names)).values()
        missing = [name for name in names if name not in kept]
        if not missing:
            return
        with watched_run("sweep", self.name, " ".join(missing), picture.wh_px) as watched:
            wanted = len(names) if asked is None else asked
            for step in self._swept(segmenter, picture, missing, claim, wanted):
                if not isinstance(step, Waiting):
                    watched.measured(step)
                    self._note_pace(step)
                    own.keep(step)
                yield step

    def segment(
        self,
        picture: Picture,
        recipe: str,
        claim: Claim = ANYBODY,
        profile: bool = False,
    ) -> SegmentationRun:
        """One run at the picture's own size."""
        segmenter = self.segmenter
        kept = self._own_runs(segmenter, picture).find(recipe)
        if kept is not None and not profile and kept.labels.shape == picture.rgb.shape[:2]:
            return kept
        limit = self.max_patches
        with watched_run("segment", self.name, recipe, picture.wh_px) as watched:
            run = self.scheduler.do(
                claim, lambda: segmenter.segment(picture.rgb, recipe, profile=profile, max_patches=limit)
            )
            watched.measured(run)
        self._note_pace(run)
        return run

    def at_once(
        self, rgb: np.ndarray, recipes: Sequence[str], resolution_px: int, claim: Claim = ANYBODY
    ) -> list[SegmentationRun]:
        """One run of each recipe in one turn, each timed by itself; for live frames: nothing is kept."""
        segmenter, limit = self.segmenter, self.max_patches
        size: dict[str, Any] = {"resolution": resolution_px, "max_patches": limit}
        return self.scheduler.do(claim, lambda: [segmenter.segment(rgb, one, **size) for one in recipes])

    def similarity(
        self,
        picture: Picture,
        recipe: str,
        stage: int,
        patch: int,
        claim: Claim = ANYBODY,
    ) -> np.ndarray:
        """Cosine similarity of one patch to all others at a stage: (rows, cols) float32."""
        segmenter = self.segmenter
        from mpm.segmenters.features import similarity_to

        wanted = segmenter, picture, recipe, stage, self.max_patches
        return similarity_to(self.scheduler.do(claim, lambda: self._features.of(*wanted)), patch)

    def feature_colours(self, picture: Picture, recipe: str, claim: Claim = ANYBODY) -> FeatureColours:
        """Final tokens of the unmerged run and of a recipe, as colours on one scale."""
        segmenter, limit = self.segmenter, self.max_patches
        from mpm.segmenters.feature_colours import feature_colours
        from mpm.segmenters.features import final_tokens

        def both() -> list[np.ndarray]:
            return [final_tokens(segmenter, picture.rgb, one, max_patches=limit) for one in ("none", recipe)]

        grid = segmenter.plan(picture.wh_px, max_patches=limit).grid
        baseline, merged = self.scheduler.do(claim, both)
        return feature_colours(baseline, merged, inside=grid.inside())

    def in_turn(self, claim: Claim, work: Callable[[], Result]) -> Generator[Waiting, None, Result]:
        """Run `work` when its turn comes, and say every now and then how the waiting goes."""
        with self.scheduler.enter(claim) as ticket:
            while not ticket.wait(SAY_EVERY_S):
                ahead = ticket.ahead
                yield Waiting(ahead, ahead * self.scheduler.turn_seconds)
            return self.scheduler.run(work)

    def _own_runs(self, segmenter: Segmenter | None, picture: Picture) -> OwnRuns:
        """Runtimes differ in a few pixels, so runs of two are never held against each other."""
        return self._runs.of(picture.digest, f"{self.model} in {segmenter.runtime if segmenter else None}")

    def _note_pace(self, run: SegmentationRun) -> None:
        if str(run.recipe) == "none":
            self.paces.note(self.name, run.timing.total, run.grid.size)

    def _swept(
        self, segmenter: Segmenter, picture: Picture, recipes: Sequence[str], claim: Claim, asked: int
    ) -> Iterator[SegmentationRun | Waiting]:
        """Every run in a turn of its own."""
        job = zerogpu.Job(self.model, picture.rgb, tuple(recipes), self.max_patches, DISPLAY_PX)
        runs, spent = zerogpu.runs_of(segmenter, job), 0.0
        for done in range(len(recipes)):
            if spent > self._deadline_s:
                raise InputError(
                    f"This took longer than {self._deadline_s:.0f} s, so the other recipes were left "
                    "out: a smaller picture or model is faster"
                )
            own = claim if done < asked else replace(claim, urgency=max(claim.urgency, Urgency.AHEAD))
            run, seconds = yield from self.in_turn(own, lambda: timed(lambda: next(runs)))
            spent += seconds
            yield run

    def _load(self) -> None:
        start = time.perf_counter()
        try:
            with self.scheduler.turn(ANYBODY):  # loading beside a measured run would spoil its time
                segmenter = self._loaded_model()
                self.scheduler.run(lambda: warm_up(segmenter))
                self._segmenter = segmenter
            seconds = time.perf_counter() - start
            log.info("model %s ready after %.1f s, in %s", self.model, seconds, segmenter.runtime)
        except InputError as error:
            self._failure = str(error)
        except Exception as error:  # the page must say why it cannot work, whatever the reason
            log.exception("the model could not be loaded")
            self._failure = f"the model could not be loaded ({type(error).__name__})"
        finally:
            self._loaded.set()

    def _loaded_model(self) -> Segmenter:
        import torch

        from mpm.devices import pick_device
        from mpm.zoo.checkpoints import load_segmenter

        torch.set_num_threads(self._threads or physical_cores())
        return load_segmenter(self.model, pick_device(self._device), None, None, *self._runtime)
