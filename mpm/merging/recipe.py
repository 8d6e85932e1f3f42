"""Recipes: what merges, where, how, and at what input size, as one value with one text.

    none                        the unmerged baseline
    2,5                         mutual pairs on the input of blocks 2 and 5 (the paper)
    random@2,5                  another rule there
    mutual(window=4)@2,5        a rule with a parameter
    bipartite(0.2)@0+2,5        several, each with its own blocks
    2,5|residual,sizes          options behind a bar, several with commas
    2,5|round32                 every insertion leaves a multiple of 32 tokens
    none|432px                  no merging, a smaller picture

`str(Recipe.parse(text))` is the canonical text: the key of runs, caches, messages, links and files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from mpm.errors import InputError, shortened
from mpm.merging.named import ModelShape, expand, name_in
from mpm.merging.rule import PAPER_RULE
from mpm.merging.rule_call import Merger, RuleCall
from mpm.merging.schedule import Schedule

OPTIONS = ("after-attention", "decode-merged", "residual", "sizes", "weighted")
MAX_CHARACTERS = 400
MAX_RESOLUTION_PX = 1 << 16
MOST_MULTIPLE = 8192


@dataclass(frozen=True)
class Recipe:
    """What merges, where, how the run goes on, and at what input size.

    insertions     (block, rule) by block: the rule merges on the input of that block
    after_attention  the rule merges inside of that block, between attention and MLP, as ToMe and ALGM do
    residual       each patch gets its group's token plus what it had apart from its group's mean; else its
                   group's token as it is
    weighted       means are weighted by how many patches each token stands for
    sizes          the same, and log(size) is added to each key's attention logits (ToMe's
                   proportional attention, Bolya et al., ICLR 2023)
    decode_merged  the decoder runs on merged tokens, and its scores are restored to the grid
    round_to       every insertion leaves a multiple of so many patch tokens, its least similar members left
                   apart; 1: as many as the rule leaves. See `mpm.merging.rounding` for why prefix tokens are
                   not counted
    resolution_px  short side of the picture at the model's input; None: whatever else is said

    >>> import mpm
    >>> recipe = mpm.Recipe.parse("random@2,5|sizes")
    >>> recipe.blocks, recipe.sizes
    ((2, 5), True)
    >>> recipe == mpm.Recipe.parse(" random@5,2 | SIZES")
    True
    """

    insertions: tuple[tuple[int, RuleCall], ...] = ()
    weighted: bool = False
    sizes: bool = False
    residual: bool = False
    after_attention: bool = False
    decode_merged: bool = False
    round_to: int = 1
    resolution_px: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "insertions", tuple(sorted(self.insertions, key=lambda one: one[0])))
        Schedule(self.blocks)
        twice = {block for block in self.blocks if self.blocks.count(block) > 1}
        if twice:
            raise InputError(f"A block has one rule at most, but block {min(twice)} has two")
        if self.resolution_px is not None and not 1 <= self.resolution_px <= MAX_RESOLUTION_PX:
            raise InputError(f"An input size is 1 to {MAX_RESOLUTION_PX} px, but got {self.resolution_px}px")
        if not 1 <= self.round_to <= MOST_MULTIPLE:
            raise _no_multiple(f"round{self.round_to}")
        # Whoever merges nothing does none of this; sizes weigh the means as well.
        merges = bool(self.insertions)
        object.__setattr__(self, "weighted", self.weighted or self.sizes)
        for name in ("sizes", "weighted", "residual", "after_attention", "decode_merged"):
            object.__setattr__(self, name, getattr(self, name) and merges)
        object.__setattr__(self, "round_to", self.round_to if merges else 1)

    @classmethod
    def parse(
        cls, value: Recipe | Schedule | str | int | Iterable[int] | None, shape: ModelShape | None = None
    ) -> Recipe:
        """Read a recipe's text, a schedule or blocks such as (2, 5). Raises InputError for anything else.

        shape: of the model, for names such as "tome(16)" whose text depends on it.

        >>> import mpm
        >>> str(mpm.Recipe.parse("5,2|sizes"))
        '2,5|sizes'
        """
        if isinstance(value, Recipe):
            return value
        if isinstance(value, str):
            return _read(value if shape is None else expand(value, shape))
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

    @property
    def looks_ahead(self) -> bool:
        """Whether a rule asks what is still to come, and what the device takes."""
        return any(call.looks_ahead for _, call in self.insertions)

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
        return self.in_place_of_paper(RuleCall.of_merger(merger))

    def in_place_of_paper(self, call: RuleCall) -> Recipe:
        """The same with another rule wherever the paper's stood."""
        paper = RuleCall()
        if call == paper:
            return self
        changed = ((block, call if own == paper else own) for block, own in self.insertions)
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
        if self.round_to > 1:
            options.append(f"round{self.round_to}")
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


_NEXT_STAGE = re.compile(r"\+(?![^(]*\))")


def _read(text: str) -> Recipe:
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"A recipe has at most {MAX_CHARACTERS} characters, but this one has {len(text)}")
    merges, bar, options = text.partition("|")
    chosen = _read_options(text, options) if bar else {}
    if merges.strip().lower() in ("", "none"):
        return Recipe(**chosen)
    stages = [_read_stage(text, stage) for stage in _NEXT_STAGE.split(merges)]
    insertions = {(block, call) for blocks, call in stages for block in blocks}
    return Recipe(tuple(insertions), **chosen)


def _read_stage(text: str, stage: str) -> tuple[tuple[int, ...], RuleCall]:
    rule, at, where = stage.rpartition("@")
    name = name_in(stage)
    if not at and name is not None:
        raise InputError(
            f"Recipe {name} stands alone, and is read where a model is known: its blocks are the model's"
        )
    if not at and stage.strip()[:1].isalpha():
        raise _unclear(text)
    blocks = Schedule.parse(where).blocks
    if not at:
        return blocks, RuleCall()
    call = RuleCall.parse(rule)
    if not blocks:
        raise InputError(f"Rule {call} needs blocks to merge before, such as {call}@2,5")
    return blocks, call


def _read_options(text: str, options: str) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    words = [word.strip().lower() for word in options.split(",")]
    if "copy" in words and "residual" in words:
        raise InputError(f"Recipe {shortened(text)} restores by copy or residual, not by both")
    for option in words:
        size = re.fullmatch(r"([0-9]{1,9})px", option)
        if size:
            chosen["resolution_px"] = int(size[1])
        elif option.startswith("round"):
            chosen["round_to"] = _read_multiple(option)
        elif option == "copy":  # how every recipe without `residual` restores
            continue
        elif option in OPTIONS:
            chosen[option.replace("-", "_")] = True
        else:
            allowed = f"{', '.join(OPTIONS)}, round32 or a size such as 432px"
            raise InputError(f"Recipe {shortened(text)} has no option {shortened(option)}: give {allowed}")
    return chosen


def _read_multiple(option: str) -> int:
    number = re.fullmatch(r"round([0-9]{1,9})", option)
    if not number:
        raise _no_multiple(shortened(option))
    return int(number[1])


def _no_multiple(got: str) -> InputError:
    return InputError(f"An option such as round32 names a number of 1 to {MOST_MULTIPLE}, but got {got}")


def _unclear(text: str) -> InputError:
    return InputError(
        f'Recipe {shortened(text)} is not understood: give blocks such as "2,5", a rule and blocks such as '
        '"random@2,5", or "none"'
    )
