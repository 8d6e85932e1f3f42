"""What a checkpoint says about a head of queries."""

from __future__ import annotations

from dataclasses import dataclass

from mpm.errors import InputError, shortened

TASKS = ("semantic", "panoptic")


@dataclass(frozen=True)
class QueryDecoderConfig:
    """EoMT's head.

    queries, blocks  how many queries join the encoder's last so many blocks
    upscale_layers   each halves the stride: two make a patch of 16 px four cells wide
    task             one of TASKS: how the queries' answers become a mask
    things           panoptic: the classes that can be counted; the rest are background
    """

    kind: str
    queries: int
    blocks: int
    upscale_layers: int = 2
    task: str = "semantic"
    things: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "things", tuple(self.things))  # JSON has lists
        counts = (self.queries, self.blocks, self.upscale_layers, *self.things)
        if not all(isinstance(count, int) and not isinstance(count, bool) for count in counts):
            raise InputError(f"A head of queries has whole numbers of its parts, but got {shortened(counts)}")
        if min(self.queries, self.blocks) < 1 or min(self.upscale_layers, *self.things, 0) < 0:
            raise InputError(
                "A head of queries needs at least one query and one block, and no number below 0, but got "
                f"{shortened(counts)}"
            )
        if self.task not in TASKS:
            raise InputError(
                f"The task of a head of queries is one of {', '.join(TASKS)}, but got {self.task!r}"
            )
