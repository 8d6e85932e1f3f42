"""The training loop: steps until the time is up or a signal comes, with saves and validations between."""

from __future__ import annotations

import copy
import signal
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import nn

from mpm.devices import has_fast_bfloat16
from mpm.segmenters.segmenter import Segmenter
from mpm.training.batches import Batch
from mpm.training.keep import save_model, save_state
from mpm.training.log import LogRow, TrainingLog
from mpm.training.optimise import StreetOptimiser, rate_factor, update_average

LOG_EVERY_STEPS = 10


class Learner:
    """A segmenter with everything that changes while it learns: average, optimiser, step, minutes spent."""

    def __init__(
        self,
        model: Segmenter,
        loss: nn.Module,
        device: torch.device,
        total_minutes: float | None = None,
        peak_rate: float = 1.0,
    ):
        self.model, self.loss, self.device = model.to(device).train(), loss.to(device), device
        self.average = copy.deepcopy(model).eval().requires_grad_(False)
        self.optimiser = StreetOptimiser(model)
        self.total_minutes, self.peak_rate = total_minutes, peak_rate
        self.step, self.minutes = 0, 0.0

    @property
    def rate(self) -> float:
        """The factor on the base learning rates at this moment."""
        return self.peak_rate * rate_factor(self.step, self.minutes, self.total_minutes)

    @property
    def finished(self) -> bool:
        """Whether the planned total is spent."""
        return self.total_minutes is not None and self.minutes >= self.total_minutes

    def learn(self, batch: Batch) -> float:
        """One step; returns its loss. FloatingPointError where it is not finite; nothing is updated then."""
        pixels = batch.pixels.to(self.device, non_blocking=True)
        labels = batch.labels.to(self.device, non_blocking=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=has_fast_bfloat16(self.device)):
            logits = self.model(pixels)
        loss = self.loss(logits, labels)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"The loss is {loss.item()} at step {self.step}")
        loss.backward()
        self.optimiser.step(self.rate)
        update_average(self.average, self.model, self.step)
        self.step += 1
        return loss.item()

    def state_dict(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "minutes": self.minutes,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step, self.minutes = state["step"], state["minutes"]
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])


@dataclass(frozen=True)
class Validation:
    """Measures the averaged model: `measure(model)` -> (CamVid mIoU or None, synthetic mIoU or None)."""

    measure: Callable[[Segmenter], tuple[float | None, float | None]]
    every_minutes: float = 8.0


@dataclass(frozen=True)
class RunPlan:
    """How long this run may take and how often it saves."""

    minutes: float
    output: Path
    save_every_minutes: float = 2.0


Handler = Callable[[int, FrameType | None], object] | int | signal.Handlers | None
"""What Python keeps for a signal."""


class StopSignal:
    """Context manager: SIGTERM and SIGINT set `asked` instead of ending the program."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> StopSignal:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, *_: object) -> None:
        self.asked = True


class TrainingLoop:
    """Runs a learner over batches; `report(row)` hears of every logged row, `tick(learner)` of every step."""

    def __init__(
        self,
        learner: Learner,
        plan: RunPlan,
        log: TrainingLog,
        validation: Validation | None = None,
        report: Callable[[LogRow], None] = lambda row: None,
        tick: Callable[[Learner], None] = lambda learner: None,
    ):
        self._learner, self._plan, self._log, self._validation = learner, plan, log, validation
        self._report, self._tick = report, tick
        self._losses: list[float] = []

    def run(self, batches: Iterable[Batch]) -> None:
        """Trains until the plan's minutes, the planned total or a signal; always saves at the end."""
        learner, start = self._learner, time.monotonic()
        began = saved = validated = learner.minutes
        validate_every = self._validation.every_minutes if self._validation else None
        with StopSignal() as stop:
            for batch in batches:
                self._losses.append(learner.learn(batch))
                learner.minutes = began + (time.monotonic() - start) / 60
                self._tick(learner)
                if stop.asked or self._time_is_up(began):
                    break
                if self._due(validated, validate_every):
                    validated = learner.minutes
                    self._add_row(measured=True)
                elif learner.step % LOG_EVERY_STEPS == 0:
                    self._add_row()
                if self._due(saved, self._plan.save_every_minutes):
                    saved = learner.minutes
                    self.save()
            self.save()
            if not stop.asked:
                self._add_row(measured=True)
        self._log.draw()

    def save(self) -> None:
        save_model(self._learner.average, self._plan.output)
        save_state(self._learner.state_dict(), self._plan.output)

    def _time_is_up(self, began: float) -> bool:
        return self._learner.minutes - began >= self._plan.minutes or self._learner.finished

    def _due(self, last: float, every: float | None) -> bool:
        return every is not None and self._learner.minutes - last >= every

    def _add_row(self, measured: bool = False) -> None:
        camvid = streets = None
        if measured and self._validation is not None:
            camvid, streets = self._validation.measure(self._learner.average)
        mean_loss = sum(self._losses) / max(1, len(self._losses))
        row = LogRow(
            self._learner.step, self._learner.minutes, mean_loss, self._learner.rate, camvid, streets
        )
        self._losses.clear()
        self._log.add(row)
        if measured:
            self._log.draw()
        self._report(row)
