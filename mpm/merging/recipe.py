"""Recipes: what merges, where, how, and at what input size, as one value with one text.

    none                        the unmerged baseline
    2,5                         mutual pairs on the input of blocks 2 and 5 (the paper)
    random@2,5                  another rule there
    mutual(window=4)@2,5        a rule with a parameter
    bipartite(0.2)@0+2,5        several, each with its own blocks
    2,5|sizes                   options behind a bar, several with commas
    none|432px                  no merging, a smaller picture

`str(Recipe.parse(text))` is the canonical text: the key of runs, caches, messages, links and files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mpm.errors import InputError, shortened
from mpm.merging.parameters import Value
from mpm.merging.rule import PAPER_RULE, Rule, find_rule
from mpm.merging.schedule import Schedule

if TYPE_CHECKING:
    from torch import Tensor

    from mpm.merging.grid import Grid
    from mpm.merging.merge_map import MergeMap

Merger = Callable[["Tensor", "Tensor | None", "Grid | None"], "MergeMap"]
"""tokens (B, N, C), counts (B,) or None, grid -> MergeMap: a rule without a name, for one call."""

OPTIONS = ("decode-merged", "sizes", "weighted")
MAX_CHARACTERS = 400
MAX_RESOLUTION_PX = 1 << 16


@dataclass(frozen=True)
class RuleCall:
    """A rule with its arguments: those that differ from the defaults, in the rule's order.

    merger: a function of the caller's own in the rule's place. Its text cannot be read back.
    """

    name: str = PAPER_RULE
    arguments: tuple[tuple[str, Value], ...] = ()
    merger: Merger | None = field(default=None, hash=False)

    @classmethod
    def of(cls, rule: Rule, arguments: Mapping[str, object]) -> RuleCall:
        """Raises InputError for arguments that the rule does not take."""
        given = rule.check(arguments)
        kept = ((one.name, given[one.name]) for one in rule.parameters if one.name in given)
        defaults = {one.name: one.default for one in rule.parameters}
        return cls(rule.name, tuple((name, value) for name, value in kept if value != defaults[name]))

    def __str__(self) -> str:
        if not self.arguments:
            return self.name
        known = {one.name: (place, one) for place, one in enumerate(find_rule(self.name).parameters)}
        words: list[str] = []
        for name, value in self.arguments:
            place, parameter = known[name]
            # Only while none before it is left out does a value stand for its own place.
            is_bare = not parameter.is_named and place == len(words)
            words.append(parameter.write(value) if is_bare else f"{name}={parameter.write(value)}")
        return f"{self.name}({','.join(words)})"


@dataclass(frozen=True)
class Recipe:
    """What merges, where, how the run goes on, and at what input size.

    insertions     (block, rule) by block: the rule merges on the input of that block
    weighted       means are weighted by how many patches each token stands for
    sizes          the same, and log(size) is added to each key's attention logits (ToMe's
                   proportional attention, Bolya et al., ICLR 2023)
    decode_merged  the decoder runs on merged tokens, and its scores are restored to the grid
    resolution_px  short side of the picture at the model's input; None: whatever else is said
    """

    insertions: tuple[tuple[int, RuleCall], ...] = ()
    weighted: bool = False
    sizes: bool = False
    decode_merged: bool = False
    resolution_px: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "insertions", tuple(sorted(self.insertions, key=lambda one: one[0])))
        Schedule(self.blocks)
        twice = {block for block in self.blocks if self.blocks.count(block) > 1}
        if twice:
            raise InputError(f"a block has one rule at most, but block {min(twice)} has two")
        if self.resolution_px is not None and not 1 <= self.resolution_px <= MAX_RESOLUTION_PX:
            raise InputError(f"an input size is 1 to {MAX_RESOLUTION_PX} px, but got {self.resolution_px}px")
        # Whoever merges nothing does none of this; sizes weigh the means as well.
        merges = bool(self.insertions)
        object.__setattr__(self, "sizes", self.sizes and merges)
        object.__setattr__(self, "weighted", (self.weighted or self.sizes) and merges)
        object.__setattr__(self, "decode_merged", self.decode_merged and merges)

    @classmethod
    def parse(cls, value: Recipe | Schedule | str | int | Iterable[int] | None) -> Recipe:
        """Read a recipe's text, a schedule or blocks such as (2, 5). Raises InputError for anything else.

        >>> str(Recipe.parse("5,2|sizes"))
        '2,5|sizes'
        """
        if isinstance(value, Recipe):
            return value
        if isinstance(value, str):
            return _read(value)
        return cls.of_schedule(Schedule.parse(value))

    @classmethod
    def of_schedule(cls, schedule: Schedule, call: RuleCall | None = None) -> Recipe:
        """One rule on the input of each block of a schedule: the paper's, unless another is given."""
        call = call or RuleCall()
        return cls(tuple((block, call) for block in schedule.blocks))

    @property
    def blocks(self) -> tuple[int, ...]:
        """Blocks on whose input tokens merge, in order."""
        return tuple(block for block, _ in self.insertions)

    @property
    def schedule(self) -> Schedule:
        """Where tokens merge, whatever the rule."""
        return Schedule(self.blocks)

    def __len__(self) -> int:
        """Number of insertions."""
        return len(self.insertions)

    def at(self, block: int) -> RuleCall | None:
        """The rule that merges on the input of a block, None for none."""
        return next((call for own, call in self.insertions if own == block), None)

    def check(self, depth: int) -> Recipe:
        """Return self. Raises InputError when a block lies outside an encoder of `depth` blocks."""
        self.schedule.check(depth)
        return self

    def with_merger(self, merger: Merger | None) -> Recipe:
        """The same with a function of the caller's own wherever the paper's rule stood."""
        call = _call_of(merger)
        if call == RuleCall():
            return self
        changed = ((block, call if own == RuleCall() else own) for block, own in self.insertions)
        return replace(self, insertions=tuple(changed))

    def with_rule(self, call: RuleCall) -> Recipe:
        """The same blocks and options with another rule everywhere."""
        return replace(self, insertions=tuple((block, call) for block in self.blocks))

    def __str__(self) -> str:
        stages: dict[str, list[str]] = {}
        for block, call in self.insertions:
            stages.setdefault(str(call), []).append(str(block))
        merges = "+".join(
            ",".join(blocks) if name == PAPER_RULE else f"{name}@{','.join(blocks)}"
            for name, blocks in stages.items()
        )
        options = [name for name in OPTIONS if self._has(name)]
        if self.resolution_px is not None:
            options.append(f"{self.resolution_px}px")
        return (merges or "none") + ("|" + ",".join(options) if options else "")

    @property
    def slug(self) -> str:
        """The text as a part of a file's name."""
        return re.sub(r"[^A-Za-z0-9.]+", "-", str(self)).strip("-")

    def _has(self, option: str) -> bool:
        if option == "weighted":
            return self.weighted and not self.sizes
        return bool(getattr(self, option.replace("-", "_")))


def _call_of(merger: Merger | None) -> RuleCall:
    """The rule that a function stands for: those of the box are known by their names."""
    named = {"mutual_pairs": PAPER_RULE, "random_pairs": "random"}
    name = getattr(merger, "__name__", type(merger).__name__)
    if merger is None:
        return RuleCall()
    if getattr(merger, "__module__", "").startswith("mpm.merging.") and name in named:
        return RuleCall(named[name])
    radius = getattr(merger, "radius", None)
    if name == "WindowedPairs" and isinstance(radius, int):
        return RuleCall(PAPER_RULE, (("window", radius),))
    return RuleCall(f"<{name}>", merger=merger)


_STAGE = re.compile(r"(?P<rule>[^@()]+)(?:\((?P<arguments>[^()]*)\))?@(?P<blocks>[^@]*)")
_NEXT_STAGE = re.compile(r"\+(?![^(]*\))")


def _read(text: str) -> Recipe:
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"a recipe has at most {MAX_CHARACTERS} characters, but this one has {len(text)}")
    merges, bar, options = text.partition("|")
    chosen = _read_options(text, options) if bar else {}
    if merges.strip().lower() in ("", "none"):
        return Recipe(**chosen)
    stages = [_read_stage(text, stage) for stage in _NEXT_STAGE.split(merges)]
    insertions = {(block, call) for blocks, call in stages for block in blocks}
    return Recipe(tuple(insertions), **chosen)


def _read_stage(text: str, stage: str) -> tuple[tuple[int, ...], RuleCall]:
    if "@" not in stage and "(" not in stage.strip().lstrip("("):
        return Schedule.parse(stage).blocks, RuleCall()
    found = _STAGE.fullmatch(stage.strip())
    if found is None:
        raise _unclear(text)
    rule = find_rule(found["rule"].strip().lower())
    blocks = Schedule.parse(found["blocks"]).blocks
    if not blocks:
        raise InputError(f"rule {rule.name} needs blocks to merge before, such as {rule.name}@2,5")
    return blocks, RuleCall.of(rule, _read_arguments(rule, found["arguments"] or ""))


def _read_arguments(rule: Rule, text: str) -> dict[str, Value]:
    known = {one.name: one for one in rule.parameters}
    bare = [one.name for one in rule.parameters if not one.is_named]
    found: dict[str, Value] = {}
    for place, word in enumerate(text.split(",") if text.strip() else ()):
        name, has_name, value = (part.strip() for part in word.partition("="))
        if not has_name:
            name, value = (bare[place] if place < len(bare) else name), name
        if name not in known:
            rule.check({name: value})
        if name in found:
            raise InputError(f"rule {rule.name} has {name} twice")
        try:
            found[name] = known[name].read(value)
        except InputError as error:
            raise InputError(f"rule {rule.name}: {error}") from error
    return found


def _read_options(text: str, options: str) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for option in (word.strip().lower() for word in options.split(",")):
        size = re.fullmatch(r"([0-9]{1,9})px", option)
        if size:
            chosen["resolution_px"] = int(size[1])
        elif option in OPTIONS:
            chosen[option.replace("-", "_")] = True
        else:
            allowed = f"{', '.join(OPTIONS)} or a size such as 432px"
            raise InputError(f"recipe {shortened(text)} has no option {shortened(option)}: give {allowed}")
    return chosen


def _unclear(text: str) -> InputError:
    return InputError(
        f'recipe {shortened(text)} is not understood: give blocks such as "2,5", a rule and blocks such as '
        '"random@2,5", or "none"'
    )
