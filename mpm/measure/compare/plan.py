"""Who is compared: recipes on the clock, and rules at equal counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mpm.errors import InputError
from mpm.merging.recipe import Recipe
from mpm.merging.rule import PAPER_RULE, rules
from mpm.merging.rule_call import RuleCall
from mpm.merging.schedule import Schedule
from mpm.segmenters.segmenter import Segmenter

PURE_CHOICES = ("bipartite", "windows", "energy", "graph", "regions", "rounds", "pool", "random")
"""Rules of the box that only choose who merges: at equal counts nothing else differs."""
EQUAL_AT = ("2,5",)
EQUAL_OPTIONS = ("copy", "residual", "residual,sizes")
SMALLER_PX = (432, 360)


@dataclass(frozen=True)
class Contender:
    """A recipe on the clock, with the name under which it was asked for.

    kind: "unmerged", "smaller" (nothing merges, the picture is made smaller) or "recipe".
    """

    name: str
    recipe: Recipe
    kind: str = "recipe"

    @property
    def label(self) -> str:
        """The name, and what it stands for where that is something else."""
        text = str(self.recipe)
        return text if self.name == text else f"{self.name} = {text}"


@dataclass(frozen=True)
class EqualGroup:
    """Rules that remove as many tokens as the paper's does in `paper`: same blocks, same options."""

    paper: Recipe
    calls: tuple[RuleCall, ...]

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The paper's first."""
        return (self.paper, *map(self.paper.with_rule, self.calls))


@dataclass(frozen=True)
class Plan:
    """Everything that runs on each picture; the unmerged baseline comes first."""

    contenders: tuple[Contender, ...]
    groups: tuple[EqualGroup, ...] = ()

    @property
    def equal_recipes(self) -> tuple[Recipe, ...]:
        return tuple(recipe for group in self.groups for recipe in group.recipes)

    def __len__(self) -> int:
        """Runs of a picture."""
        return len(self.contenders) + len(self.equal_recipes)


def contenders_of(
    segmenter: Segmenter, recipes: Sequence[Any], smaller: Sequence[int] | None
) -> tuple[Contender, ...]:
    """The unmerged run, the recipes and the smaller pictures, each once. Raises InputError for a bad one."""
    own = segmenter.config.resolution
    if smaller is None:
        smaller = [side for side in SMALLER_PX if side < own]
    for side in smaller:
        if side >= own:
            raise InputError(f"A smaller picture has fewer than the model's {own} px, but got {side}")
    found = [Contender("none", Recipe(), "unmerged")]
    found += [_contender(segmenter, recipe, own) for recipe in recipes]
    found += [_contender(segmenter, f"none|{side}px", own) for side in smaller]
    first = {one.recipe: one for one in reversed(found)}
    return tuple(one for one in found if first[one.recipe] is one)


def _contender(segmenter: Segmenter, value: Any, own_px: int) -> Contender:
    recipe = segmenter.read_recipe(value)
    name = value.strip() if isinstance(value, str) else str(recipe)
    is_smaller = not len(recipe) and (recipe.resolution_px or own_px) < own_px
    return Contender(name, recipe, "smaller" if is_smaller else "recipe")


def equal_groups(
    segmenter: Segmenter,
    contenders: Sequence[Contender],
    names: Sequence[str] | None,
    at: Sequence[str] | None,
    options: Sequence[str],
) -> tuple[EqualGroup, ...]:
    """A group for each choice of blocks and options.

    names: of rules; None: those in the box that only choose, and those of the recipes. at: None: blocks 2 and
    5, where the encoder has them.
    """
    calls = _known_choices(contenders) if names is None else [RuleCall.parse(name) for name in names]
    calls = [call for call in dict.fromkeys(calls) if call != RuleCall()]
    schedules = _schedules(at, segmenter.depth)
    if not calls:
        return ()
    groups = [_with_option(schedule, option) for schedule in schedules for option in options]
    return tuple(EqualGroup(paper.check(segmenter.depth), tuple(calls)) for paper in dict.fromkeys(groups))


def _schedules(at: Sequence[str] | None, depth: int) -> list[Schedule]:
    found = [Schedule.parse(text) for text in (EQUAL_AT if at is None else at)]
    return [one for one in found if one.blocks and (at is not None or max(one.blocks) < depth)]


def _with_option(schedule: Schedule, option: str) -> Recipe:
    text = str(Recipe.of_schedule(schedule))
    return Recipe.parse(text if option == "copy" else f"{text}|{option}")


def _known_choices(contenders: Sequence[Contender]) -> list[RuleCall]:
    there = {rule.name for rule in rules()}
    used = [call for one in contenders for _, call in one.recipe.insertions if call.merger is None]
    names = [name for name in PURE_CHOICES if name in there] + [call.name for call in used]
    return [RuleCall(name) for name in dict.fromkeys(names) if name != PAPER_RULE]
