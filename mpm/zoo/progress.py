"""A progress bar for downloads on the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from mpm.zoo.download import Progress


@contextmanager
def download_bar(name: str) -> Iterator[Progress]:
    """A progress bar on stderr, which appears with the first bytes: none where nothing is fetched."""
    bars: list[tqdm] = []

    def show(done_bytes: int, total_bytes: int | None) -> None:
        if not bars:
            bars.append(tqdm(desc=name, unit="B", unit_scale=True, file=sys.stderr))
        bars[0].total = total_bytes
        bars[0].update(done_bytes - bars[0].n)

    try:
        yield show
    finally:
        for bar in bars:
            bar.close()
