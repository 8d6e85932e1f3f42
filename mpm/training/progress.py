"""What a person sees of a running training: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys

from tqdm import tqdm

from mpm.training.log import LogRow
from mpm.training.loop import Learner


class Progress:
    """Context manager; `tick` hears of every step, `report` of every logged row.

    photos: what the photographs that are validated on are called.
    """

    def __init__(self, minutes: float, spent_before: float, photos: str = "CamVid val"):
        self._photos = photos
        self._spent_before, self._minutes = spent_before, minutes
        # Without a terminal a bar would fill a log file with half-overwritten lines.
        self._bar = tqdm(
            total=round(minutes, 1),
            bar_format="{l_bar}{bar}| {n:.1f} of {total} min{postfix}",
            disable=not sys.stderr.isatty(),
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def tick(self, learner: Learner) -> None:
        self._bar.n = min(learner.minutes - self._spent_before, self._minutes)
        self._bar.set_postfix_str(f"step {learner.step}", refresh=True)

    def report(self, row: LogRow) -> None:
        measured = ((self._photos, row.camvid_miou), ("streets", row.streets_miou))
        scores = "".join(f"  mIoU {name} {value:.3f}" for name, value in measured if value is not None)
        text = f"step {row.step:5d}  {row.minutes:6.1f} min  loss {row.loss:.3f}"
        text += f"  rate {row.learning_rate_factor:.2f}"
        if self._bar.disable:
            print(text + scores, flush=True)
        elif scores:
            self._bar.write(text + scores)
