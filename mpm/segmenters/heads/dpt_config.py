"""What a DPT head must say about itself; `mpm.segmenters.heads.dpt` builds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mpm.errors import InputError, shortened

READOUTS = ("project", "add", "ignore")
"""What becomes of the class token: projected together with each patch, added to each, or left out."""

MAX_FACTOR = 16
MAX_WIDTH = 1 << 14
"""Far beyond any published head; what is more is a mistake, and would fill the memory."""


@dataclass(frozen=True)
class DptDecoderConfig:
    """The decoder of a Dense Prediction Transformer (Ranftl et al., ICCV 2021, arXiv 2103.13413).

    taps           blocks whose output it reads, rising; the other tuples have one entry for each
    readout        one of READOUTS
    factors        scale of each tap's map: 4 has four cells a patch along a side, 0.5 one for two patches
    neck_widths    channels of each tap's map before all become `fusion_width` wide
    batch_norm     whether the residual units normalise
    residual_bias  whether their convolutions have one

    Raises InputError for a head that cannot be.
    """

    kind: str
    taps: tuple[int, ...]
    neck_widths: tuple[int, ...]
    fusion_width: int = 256
    readout: str = "project"
    factors: tuple[float, ...] = (4, 2, 1, 0.5)
    batch_norm: bool = False
    residual_bias: bool = True

    def __post_init__(self) -> None:
        for field in ("taps", "neck_widths", "factors"):  # JSON knows lists only
            object.__setattr__(self, field, _as_tuple(getattr(self, field)))
        if self.readout not in READOUTS:
            raise InputError(
                f"A DPT head's readout is one of {', '.join(READOUTS)}, but got {shortened(self.readout)}"
            )
        self._check_taps()
        self._check_sizes()

    def _check_taps(self) -> None:
        rising = all(_is_whole(tap, 0) for tap in self.taps) and list(self.taps) == sorted(set(self.taps))
        lengths = {len(self.taps), len(self.neck_widths), len(self.factors)}
        if not self.taps or not rising or len(lengths) > 1:
            raise InputError(
                "A DPT head needs taps that are rising block numbers, with a neck width and a factor for "
                f"each, but got {shortened(self.taps)}, {shortened(self.neck_widths)} and "
                f"{shortened(self.factors)}"
            )

    def _check_sizes(self) -> None:
        widths = (*self.neck_widths, self.fusion_width)
        if not all(_is_whole(width, 1) and width <= MAX_WIDTH for width in widths):
            raise InputError(
                f"A DPT head's widths are 1 to {MAX_WIDTH} channels, but got {shortened(widths)}"
            )
        if not all(map(_is_factor, self.factors)):
            raise InputError(
                f"A DPT head's factors are whole numbers up to {MAX_FACTOR} or one over such a number, but "
                f"got {shortened(self.factors)}"
            )


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_factor(value: Any) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    if not 1 / MAX_FACTOR <= value <= MAX_FACTOR:
        return False
    return float(value if value >= 1 else 1 / value).is_integer()
