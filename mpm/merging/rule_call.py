"""A rule with its arguments, as a recipe names it: "random", "bipartite(0.2)", "mutual(window=4)"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mpm.errors import InputError, shortened
from mpm.merging.arguments import read_arguments, split_call
from mpm.merging.parameters import Value
from mpm.merging.rule import PAPER_RULE, Rule, find_rule

if TYPE_CHECKING:
    from torch import Tensor

    from mpm.merging.grid import Grid
    from mpm.merging.merge_map import MergeMap

Merger = Callable[["Tensor", "Tensor | None", "Grid | None"], "MergeMap"]
"""Type of a rule without a name, for one call: (tokens (B, N, C), counts (B,) or None, grid) -> MergeMap.

Every `merger=` argument takes one. A rule that recipes can name is registered by `mpm.rule` instead.

>>> import torch
>>> import mpm
>>> def halves(tokens, counts, grid):
...     order = torch.arange(tokens.shape[1], device=tokens.device).expand(tokens.shape[:2])
...     return mpm.MergeMap.from_groups(order // 2, counts)
>>> segmenter = mpm.load_segmenter("streets-vit-tiny")
>>> scores = segmenter.logits(torch.rand(1, 3, 64, 64), "2", merger=halves)
>>> scores.shape
torch.Size([1, 11, 4, 4])
"""


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

    @classmethod
    def parse(cls, text: str) -> RuleCall:
        """Read "random" or "bipartite(0.2)". Raises InputError naming what is allowed."""
        name, inside = split_call(text)
        rule = find_rule(name)
        if inside is None:
            raise InputError(f"Rule {rule.name} needs its closing bracket, but got {shortened(text)}")
        return cls.of(rule, read_arguments(f"Rule {rule.name}", rule.parameters, inside))

    @classmethod
    def of_merger(cls, merger: Merger | None) -> RuleCall:
        """The rule that a function stands for: those of the box are known by their names."""
        named = {"mutual_pairs": PAPER_RULE, "random_pairs": "random"}
        name = getattr(merger, "__name__", type(merger).__name__)
        if merger is None:
            return cls()
        if getattr(merger, "__module__", "").startswith("mpm.merging.") and name in named:
            return cls(named[name])
        radius = getattr(merger, "radius", None)
        if name == "WindowedPairs" and isinstance(radius, int):
            return cls(PAPER_RULE, (("window", radius),))
        return cls(f"<{name}>", merger=merger)

    @property
    def looks_ahead(self) -> bool:
        """Whether it asks what is still to come, and what the device takes."""
        if self.merger is not None:
            return False
        when = find_rule(self.name).looks_ahead
        return when if isinstance(when, bool) else any(name in when for name, _ in self.arguments)

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
