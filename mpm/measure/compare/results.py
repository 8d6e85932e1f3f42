"""What a comparison found, as a value that grows picture by picture, and its JSON form.

JSON, schema 1 (times in seconds, shares 0 to 1; null: not known):

    schema, created   1; ISO 8601, UTC
    settings, machine what must be the same for a run to go on
    done              pictures so far, of settings.pictures
    warnings          sentences about what spoiled the times
    recipes, equal    the rows of both tables, see `Row` and `EqualRow`
    tallies           what a run goes on with: a confusion matrix of integers, and counts of each picture, for
                      every contender, then for every recipe at equal counts
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mpm.measure.compare.frontier import frontier
from mpm.measure.compare.plan import Contender, Plan
from mpm.measure.compare.tally import Seen, Tally
from mpm.measure.paired import Summary, paired_ratio
from mpm.merging.recipe import Recipe

SCHEMA = 1


@dataclass(frozen=True)
class Row:
    """A recipe as it is used, search and restore inside its time.

    tokens_kept  patch tokens at the end as a share of the unmerged run's at the start: mean over pictures
    mean_iou     against the labels; without labels against the unmerged mask
    loss         share of the unmerged mIoU that is lost; without labels 1 - agreement
    agreement    share of pixels labelled as the unmerged run labels them
    seconds      over pictures, each the median of its rounds
    speedup      median over pictures of unmerged / own seconds, with its 95 % interval
    on_frontier  nobody is as fast and loses as little, and is better in one
    """

    name: str
    recipe: str
    kind: str
    tokens_kept: float
    mean_iou: float | None
    loss: float | None
    agreement: float
    seconds: Summary
    speedup: float
    speedup_low: float | None
    speedup_high: float | None
    on_frontier: bool = False

    @property
    def label(self) -> str:
        """The name, and what it stands for where that is something else."""
        return self.recipe if self.name == self.recipe else f"{self.name} = {self.recipe}"


@dataclass(frozen=True)
class EqualRow:
    """A rule that removed what the paper's removed, on every picture and insertion. It has no time.

    missing_pictures, missing_tokens  where it removed less, extra_pictures, extra_tokens  or more than that
    """

    rule: str
    blocks: str
    options: str
    tokens_kept: float
    mean_iou: float | None
    loss: float | None
    agreement: float
    missing_pictures: int
    missing_tokens: int
    extra_pictures: int
    extra_tokens: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """A comparison so far. tallies: of the plan's contenders, then of its recipes at equal counts."""

    plan: Plan
    settings: dict[str, Any]
    machine: dict[str, Any]
    created: str
    tallies: tuple[Tally, ...]
    warnings: tuple[str, ...] = ()

    @property
    def done(self) -> int:
        """Pictures so far."""
        return len(self.tallies[0].seen)

    @property
    def has_labels(self) -> bool:
        return bool(self.settings["has_labels"])

    def after(self, counts: Sequence[tuple[Seen, np.ndarray]]) -> Comparison:
        """One picture later."""
        grown = (tally.after(*one) for tally, one in zip(self.tallies, counts, strict=True))
        return replace(self, tallies=tuple(grown))

    @property
    def rows(self) -> list[Row]:
        """Recipes as they are used, the unmerged run first; none before the first picture."""
        if not self.done:
            return []
        listed = [self._row(*one) for one in zip(self.plan.contenders, self.tallies, strict=False)]
        known = [row for row in listed if row.loss is not None]
        best = frontier([(row.seconds.median, row.loss or 0.0) for row in known])
        chosen = {row.recipe for row, on in zip(known, best, strict=True) if on}
        return [replace(row, on_frontier=row.recipe in chosen) for row in listed]

    @property
    def equal_rows(self) -> list[EqualRow]:
        """Rules at equal counts, group by group, the paper's rule first; none before the first picture."""
        tallies = self.tallies[len(self.plan.contenders) :]
        pairs = zip(self.plan.equal_recipes, tallies, strict=True)
        return [self._equal_row(*one) for one in pairs] if self.done else []

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "created": self.created,
            "settings": self.settings,
            "machine": self.machine,
            "done": self.done,
            "warnings": list(self.warnings),
            "recipes": [asdict(row) for row in self.rows],
            "equal": [asdict(row) for row in self.equal_rows],
            "tallies": [tally.to_json() for tally in self.tallies],
        }

    def _loss(self, tally: Tally) -> float | None:
        if not self.has_labels:
            return 1 - tally.agreement
        own, unmerged = tally.mean_iou, self.tallies[0].mean_iou
        return None if own is None or not unmerged else 1 - own / unmerged

    def _row(self, contender: Contender, tally: Tally) -> Row:
        unmerged = self.tallies[0]
        return Row(
            contender.name,
            str(contender.recipe),
            contender.kind,
            tally.kept_of(unmerged),
            tally.mean_iou,
            self._loss(tally),
            tally.agreement,
            Summary.of(tally.seconds),
            *paired_ratio(unmerged.seconds, tally.seconds),
        )

    def _equal_row(self, recipe: Recipe, tally: Tally) -> EqualRow:
        missing = [one.missing for one in tally.seen if one.missing]
        extra = [one.extra for one in tally.seen if one.extra]
        return EqualRow(
            str(recipe.insertions[0][1]),
            str(recipe.schedule),
            str(recipe).partition("|")[2] or "copy",
            tally.kept_of(self.tallies[0]),
            tally.mean_iou,
            self._loss(tally),
            tally.agreement,
            len(missing),
            sum(missing),
            len(extra),
            sum(extra),
        )
