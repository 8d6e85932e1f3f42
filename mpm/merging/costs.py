"""What a model's parts take on a device, by the number of tokens: measured once, looked up by recipes.

Kept apart from measuring, so that a rule can plan by it: see `mpm.segmenters.costs` for who measures.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mpm.errors import InputError

PARTS = ("block", "decode", "search", "restore", "rest")


@dataclass(frozen=True)
class Costs:
    """Seconds by the number of tokens: below the first size its own, between two sizes a straight line,
    beyond the last the last two's.

    tokens  sizes that were measured, growing
    block   one encoder block
    decode  final norm and decoder over so many tokens
    search  finding who merges, and merging, among so many
    restore bringing a grid of so many patches back, through the decoder where that decodes merged tokens
    rest    everything else of a run whose picture has so many patches: picture to embedding, scores to mask
    """

    tokens: tuple[int, ...]
    block: tuple[float, ...]
    decode: tuple[float, ...]
    search: tuple[float, ...]
    restore: tuple[float, ...]
    rest: tuple[float, ...]

    def __post_init__(self) -> None:
        sizes = len(self.tokens)
        if sizes < 2 or self.tokens[0] < 1 or list(self.tokens) != sorted(set(self.tokens)):
            raise InputError("Costs need two sizes or more, growing")
        for part in PARTS:
            seconds = getattr(self, part)
            if len(seconds) != sizes or not all(0 <= one < float("inf") for one in seconds):
                raise InputError(f"Costs need a time for every size, but {part} has other ones")
            if list(seconds) != sorted(seconds):
                raise InputError(f"Costs grow with the tokens, but those of {part} fall")

    def seconds(self, part: str, tokens: float) -> float:
        """Of one part, for so many tokens."""
        known, seconds = self.tokens, getattr(self, part)
        if tokens <= known[0]:
            return float(seconds[0])
        right = min(bisect_left(known, tokens), len(known) - 1)
        slope = (seconds[right] - seconds[right - 1]) / (known[right] - known[right - 1])
        return float(seconds[right - 1] + slope * (tokens - known[right - 1]))

    def run(
        self, blocks: Iterable[tuple[int, int]], patches: int, decoded: int, searched: Iterable[int]
    ) -> float:
        """Seconds of a whole run over so many patches.

        blocks: how many blocks run over how many tokens. decoded: tokens that the decoder runs on. searched:
        tokens among which each insertion looks for those that merge.
        """
        looks = list(searched)
        total = self.seconds("rest", patches) + self.seconds("decode", decoded)
        total += self.seconds("restore", patches) if looks else 0.0
        total += sum(number * self.seconds("block", count) for number, count in blocks)
        return total + sum(self.seconds("search", count) for count in looks)

    def to_json(self) -> dict[str, Any]:
        """Plain lists, for a file."""
        return {name: list(values) for name, values in asdict(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Costs:
        """What `to_json` wrote. Raises InputError for anything else."""
        try:
            parts = {part: tuple(float(one) for one in data[part]) for part in PARTS}
            return cls(tokens=tuple(int(one) for one in data["tokens"]), **parts)
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise InputError(f"These are no costs of a device: {error}") from error
