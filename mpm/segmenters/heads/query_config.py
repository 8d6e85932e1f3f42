"""What a checkpoint says about a head of queries."""

from __future__ import annotations

from dataclasses import dataclass

from mpm.errors import InputError

TASKS = ("semantic", "panoptic")


@dataclass(frozen=True)
class QueryDecoderConfig:
    """EoMT's head.

    queries, blocks  how many queries join the encoder's last so many blocks
    upscale_layers   each halves the stride: two make a patch of 16 px four cells wide
    task             one of TASKS: how the queries' answers become a mask
    things           panoptic: the classes from 0 up to this number can be counted; the rest are background
    """

    kind: str
    queries: int
    blocks: int
    upscale_layers: int = 2
    task: str = "semantic"
    things: int = 0

    def __post_init__(self) -> None:
        counts = (self.queries, self.blocks, self.upscale_layers, self.things)
        if not all(isinstance(count, int) and not isinstance(count, bool) for count in counts):
            raise InputError(f"a head of queries has whole numbers of its parts, but got {counts}")
        if min(self.queries, self.blocks) < 1 or min(self.upscale_layers, self.things) < 0:
            raise InputError(
                "a head of queries needs at least one query and one block, and no number below 0, but got "
                f"{self.queries} queries, {self.blocks} blocks, {self.upscale_layers} upscale layers and "
                f"{self.things} things"
            )
        if self.task not in TASKS:
            raise InputError(
                f"the task of a head of queries is one of {', '.join(TASKS)}, but got {self.task!r}"
            )
