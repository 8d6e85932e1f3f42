"""Devices that nobody owns: what a model takes there, by a formula instead of a clock."""

from __future__ import annotations

from mpm.merging.costs import PARTS, Costs

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def linear(search: float = 0.0, rest: float = 0.0) -> Costs:
    """A millisecond a token in each block and in the decoder. search, rest: the same, of those parts."""
    slopes = {"block": 1.0, "decode": 1.0, "search": search, "restore": 0.0, "rest": rest}
    return Costs(
        SIZES, **{part: tuple(slope * size / 1000 for size in SIZES) for part, slope in slopes.items()}
    )


def quadratic() -> Costs:
    """Blocks that take a microsecond for every two tokens, everything else for every token."""
    sizes = tuple(range(1, 257))
    parts = {part: tuple(size / 1e6 for size in sizes) for part in PARTS}
    return Costs(sizes, **{**parts, "block": tuple(size * size / 1e6 for size in sizes)})
