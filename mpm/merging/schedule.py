"""Insertion schedules: the encoder blocks before which tokens merge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mpm.errors import InputError, cut, shortened


@dataclass(frozen=True)
class Schedule:
    """A set of 0-based encoder block indices; the merge happens on the input of each of those blocks.

    Raises InputError for anything but whole numbers from 0 up.

    >>> import mpm
    >>> schedule = mpm.Schedule.parse("5, 2")
    >>> schedule.blocks, str(schedule)
    ((2, 5), '2,5')
    >>> 5 in schedule, len(schedule)
    (True, 2)
    >>> schedule.check(depth=4)
    Traceback (most recent call last):
    ...
    mpm.errors.InputError: ...
    """

    blocks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for block in self.blocks:
            if isinstance(block, bool) or not isinstance(block, int) or block < 0:
                raise InputError(f"A schedule holds block indices from 0 up, but got {block!r}")
        object.__setattr__(self, "blocks", tuple(sorted(set(self.blocks))))

    @classmethod
    def parse(cls, value: Schedule | str | int | Iterable[int] | None) -> Schedule:
        """Read "2,5", "none", (2, 5), [], 5 or a Schedule. Raises InputError for anything else.

        >>> import mpm
        >>> mpm.Schedule.parse("2,5") == mpm.Schedule.parse((5, 2))
        True
        >>> len(mpm.Schedule.parse("none"))
        0
        """
        if isinstance(value, Schedule):
            return value
        if value is None:
            return cls()
        if isinstance(value, str):
            return cls(_parse_text(value))
        blocks = value if isinstance(value, Iterable) else (value,)
        return cls(tuple(_as_index(block, value) for block in blocks))

    def check(self, depth: int) -> Schedule:
        """Return self. Raises InputError when a block lies outside an encoder of `depth` blocks."""
        outside = [str(block) for block in self.blocks if block >= depth]
        if outside:
            more = f" and {len(outside) - 3} more" if len(outside) > 3 else ""
            raise InputError(
                f'Schedule "{cut(str(self))}" asks for block {", ".join(outside[:3])}{more}, but this '
                f'encoder has blocks 0 to {depth - 1}; "none" merges nowhere'
            )
        return self

    def __str__(self) -> str:
        return ",".join(map(str, self.blocks)) or "none"

    def __len__(self) -> int:
        return len(self.blocks)

    def __contains__(self, block: int) -> bool:
        return block in self.blocks


def _parse_text(text: str) -> tuple[int, ...]:
    cleaned = text.strip().strip("{}[]()").strip()
    if cleaned.lower() in ("none", ""):
        return ()
    return tuple(_as_index(part.strip(), text) for part in cleaned.split(","))


def _as_index(part: object, whole: object) -> int:
    # operator.index would be right for tensors and numpy integers too, but not for "2": both are wanted here.
    try:
        number = int(part)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        number = -1
    is_digits = not isinstance(part, str) or (part.isascii() and part.isdigit())
    if number < 0 or not is_digits or isinstance(part, (bool, float)):
        raise InputError(
            f'Schedule {shortened(whole)} is not understood: give block indices such as "2,5", or "none"'
        )
    return number


PAPER = Schedule((2, 5))
"""The schedule of the paper (arXiv 2604.05718): blocks 2 and 5, at any depth of the encoder.

>>> import mpm
>>> str(mpm.PAPER)
'2,5'
"""

PRESETS = tuple(
    Schedule.parse(text) for text in ("none", "8", "5", "2", "2,5", "2,5,8", "2,4,6,8", "0,2,4,6,8")
)
"""The slider's stops, by growing strength: a tuple of schedules.

>>> import mpm
>>> [str(schedule) for schedule in mpm.PRESETS]
['none', '8', '5', '2', '2,5', '2,5,8', '2,4,6,8', '0,2,4,6,8']
"""
