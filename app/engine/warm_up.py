"""What a model does before it serves anybody, and with how many threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpm.measure.machine import core_count

if TYPE_CHECKING:
    from mpm.segmenters.segmenter import Segmenter

WARM_UP_PX = (384, 512)


def warm_up(segmenter: Segmenter) -> None:
    """First runs are slow, in every thread anew: so in the device's own."""
    blank = np.zeros((*WARM_UP_PX, 3), np.uint8)
    for schedule in ("none", "2"):
        segmenter.segment(blank, schedule, resolution=min(WARM_UP_PX))


def physical_cores() -> int:
    """Physical cores this process may use: hyper-threads do not speed up matrix products."""
    import psutil

    allowed = core_count()
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))
