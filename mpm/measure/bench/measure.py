"""From contenders to rows: alternating runs, parts, memory, agreement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from mpm.clock import Clock, PartClock, Timing
from mpm.measure.bench.memory import peak_bytes
from mpm.measure.bench.pipelines import Outcome, Pipeline, ideal, library, reference, what_happened
from mpm.measure.bench.results import BenchRow, Ratio
from mpm.measure.bench.workload import Workload
from mpm.measure.flops import count_flops
from mpm.measure.paired import Summary, alternate, ratio_interval
from mpm.merging.recipe import Recipe
from mpm.segmenters.segmenter import Segmenter

MERGING = ("match", "merge", "reconstruct")


@dataclass(frozen=True, eq=False)
class Contender:
    """A pipeline with its name, and the row whose labels it should give."""

    name: str
    kind: str
    recipe: Recipe
    pipeline: Pipeline
    like: str
    runtime: str = "torch"


@dataclass(frozen=True)
class Extras:
    """Rows beside the plain runs: for each, whether it is wanted."""

    ideal: bool = True
    reference: bool = True
    decode_merged: bool = True


def contenders(
    work: Workload, recipes: Sequence[Recipe], extras: Extras, others: Sequence[Segmenter] = ()
) -> list[Contender]:
    """The unmerged run first, then every recipe with its variants, then all recipes in other runtimes.

    others: the same model in other runtimes or number formats.
    """
    listed = list(dict.fromkeys([Recipe(), *recipes]))
    found = []
    for recipe in listed:
        paper = Recipe.of_schedule(recipe.schedule)
        like = paper if paper in listed else recipe
        found.append(Contender(str(recipe), "run", recipe, library(work, recipe), str(like)))
        found += _variants(work, recipe, extras, listed)
    if extras.reference and not work.encoder_only and not work.segmenter.needs_grid:
        for recipe in (Recipe(), Recipe.parse("2,5")):
            if recipe in listed:
                name = f"reference pipeline {recipe}"
                found.append(Contender(name, "reference", recipe, reference(work, recipe), str(recipe)))
    return found + [_elsewhere(work, other, recipe) for other in others for recipe in listed]


def _elsewhere(work: Workload, other: Segmenter, recipe: Recipe) -> Contender:
    """A recipe in another runtime: its labels should be those of torch."""
    pipeline = library(replace(work, segmenter=other), other.read_recipe(recipe))
    name = f"{other.runtime} {recipe}"
    return Contender(name, "runtime", recipe, pipeline, str(recipe), other.runtime)


def _variants(work: Workload, recipe: Recipe, extras: Extras, listed: Sequence[Recipe]) -> list[Contender]:
    name, found = str(recipe), []
    if extras.ideal and len(recipe):
        free = ideal(work, recipe, what_happened(work, recipe))
        found.append(Contender(f"{name} ideal", "ideal", recipe, free, name))
    merged = replace(recipe, decode_merged=True)
    wanted = extras.decode_merged and not work.encoder_only and not work.segmenter.needs_grid
    if wanted and merged not in listed:
        found.append(Contender(str(merged), "decode merged", merged, library(work, merged), name))
    return found


@dataclass(eq=False)
class _Turns:
    """A contender at work: each call takes the next batch of pictures."""

    work: Workload
    contender: Contender
    next: int = 0
    parts: list[dict[str, float]] = field(default_factory=list)

    def timed(self) -> float:
        return self._run(Clock)[1].total

    def profile(self) -> None:
        self.parts.append(self._run(PartClock)[1].parts)

    def _run(self, make_clock: Callable[[torch.device], Clock]) -> tuple[Outcome, Timing]:
        pictures = self.work.batches[self.next % len(self.work.batches)]
        self.next += 1
        clock = make_clock(self.work.segmenter.device)
        outcome = self.contender.pipeline(pictures, clock)
        return outcome, clock.stop()


def measure(
    work: Workload,
    listed: Sequence[Contender],
    runs: int,
    warmup: int,
    progress: Callable[[str], None] = lambda text: None,
) -> list[BenchRow]:
    """Rows in the contenders' order. Raises whatever the pipelines raise."""
    turns = {contender.name: _Turns(work, contender) for contender in listed}
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    plain = {name: own.timed for name, own in turns.items()}
    for done, (name, taken) in enumerate(alternate(plain, runs, warmup), 1):
        seconds[name].append(taken)
        progress(f"{done} of {runs * len(turns)}: {name}")
    for _ in range(max(len(work.batches), min(runs, 5))):
        for own in turns.values():
            own.profile()
    outcomes = {name: _outcomes(work, own.contender) for name, own in turns.items()}
    rows = [_row(work, own, seconds, outcomes) for own in turns.values()]
    return [_against_ideal(row, rows) for row in rows]


def _outcomes(work: Workload, contender: Contender) -> list[Outcome]:
    clock = Clock(work.segmenter.device)
    return [contender.pipeline(pictures, clock) for pictures in work.batches]


def _row(
    work: Workload, own: _Turns, seconds: dict[str, list[float]], outcomes: dict[str, list[Outcome]]
) -> BenchRow:
    contender, summary = own.contender, Summary.of(seconds[own.contender.name])
    parts = {
        name: float(np.median([one.get(name, 0.0) for one in own.parts]))
        for name in dict.fromkeys(name for one in own.parts for name in one)
    }
    pictures = work.batches[0]
    device = work.segmenter.device
    same = outcomes[contender.name]
    return BenchRow(
        name=contender.name,
        kind=contender.kind,
        schedule=str(contender.recipe),
        token_counts=_mean_counts(same),
        seconds=summary,
        images_per_s=work.batch / summary.median,
        speedup=Ratio(*ratio_interval(seconds["none"], seconds[contender.name])),
        runtime=contender.runtime,
        speedup_own=_speedup_own(contender, seconds),
        parts=parts,
        merge_share=_merge_share(contender, parts),
        peak_bytes=peak_bytes(lambda: contender.pipeline(pictures, Clock(device)), device),
        agreement=_agreement(same, outcomes[contender.like]),
        agreement_unmerged=_agreement(same, outcomes["none"]),
        gflops=_gflops(work, contender),
    )


def _speedup_own(contender: Contender, seconds: dict[str, list[float]]) -> Ratio | None:
    """Against the unmerged run of the same runtime, where that is not torch."""
    if contender.kind != "runtime":
        return None
    return Ratio(*ratio_interval(seconds[f"{contender.runtime} none"], seconds[contender.name]))


def _gflops(work: Workload, contender: Contender) -> float:
    """Of the first picture alone, whatever the batch: only equal lengths are counted whole."""
    pictures = work.batches[0][:1]
    alone, recipe = replace(work, batches=(pictures,)), contender.recipe
    if contender.kind == "ideal":
        pipeline = ideal(alone, recipe, what_happened(alone, recipe))
    else:
        pipeline = (reference if contender.kind == "reference" else library)(alone, recipe)
    return count_flops(lambda: pipeline(pictures, Clock(work.segmenter.device))) / 1e9


def _against_ideal(row: BenchRow, rows: Sequence[BenchRow]) -> BenchRow:
    for other in rows:
        if other.kind == "ideal" and other.schedule == row.schedule and row.kind == "run":
            return replace(row, of_ideal=row.speedup.value / other.speedup.value)
    return row


def _merge_share(contender: Contender, parts: dict[str, float]) -> float | None:
    if contender.kind not in ("run", "decode merged", "runtime") or not len(contender.recipe):
        return None
    return sum(parts.get(name, 0.0) for name in MERGING) / sum(parts.values())


def _mean_counts(outcomes: Sequence[Outcome]) -> tuple[float, ...]:
    counts = [image for outcome in outcomes for image in outcome.token_counts]
    return tuple(np.mean(counts, 0).tolist()) if counts else ()


def _agreement(first: Sequence[Outcome], second: Sequence[Outcome]) -> float | None:
    own = [labels for outcome in first for labels in outcome.labels]
    others = [labels for outcome in second for labels in outcome.labels]
    shares = [np.mean(one == other) for one, other in zip(own, others, strict=True)]
    return float(np.mean(shares)) if shares else None
