"""Many runs in one process: `python tests/checks/soak_page.py [--runs 500]`. Does memory grow?

Runs the page's engine on pictures of many sizes and schedules, as sweeps, single runs and similarity maps in
turn. Resident memory after the last run may be 50 MB above that after the first 50. Exit status 1 otherwise.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from pathlib import Path

import numpy as np
import psutil

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

from app.engine.engine import Engine  # noqa: E402
from app.engine.pictures import Picture  # noqa: E402
from mpm.streets import render_street  # noqa: E402

FIRST, MAX_GROWTH_BYTES = 50, 50_000_000
SIZES_PX = ((96, 64), (160, 120), (200, 200), (320, 180), (200, 280), (384, 288))
SCHEDULES = ("none", "8", "5", "2,5", "2,5,8", "0,2,4,6,8")


def resident_bytes() -> int:
    gc.collect()
    return psutil.Process().memory_info().rss


def run_once(engine: Engine, shown: list[np.ndarray], number: int) -> None:
    """One piece of work, as the page's visitors give it, mostly with a picture never seen before."""
    # Features are kept for who comes back to a picture: the same few, or that cache would look like a leak.
    rgb = np.roll(shown[number % len(shown)], number % 40 if number % 10 == 2 else number, axis=1)
    schedule = SCHEDULES[number % 5 + 1]
    picture = Picture.of(rgb)
    if number % 10 == 0:
        list(engine.sweep(picture, SCHEDULES))
    elif number % 10 == 1:
        next(left_early := engine.sweep(picture, SCHEDULES))
        left_early.close()
    elif number % 10 == 2:
        engine.similarity(picture, schedule, 0, patch=3)
    elif number % 10 == 3:
        engine.feature_colours(picture, schedule)
    else:
        engine.segment(picture, schedule, profile=number % 2 == 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--model", default="streets-vit-tiny")
    arguments = parser.parse_args()
    if arguments.runs <= FIRST:
        parser.error(f"--runs must be above {FIRST}")
    shown = [render_street(seed, *size).image for seed, size in enumerate(SIZES_PX)]
    engine, early, start = Engine(arguments.model, "cpu").start(), 0, time.perf_counter()
    for number in range(1, arguments.runs + 1):
        run_once(engine, shown, number)
        if number == FIRST:
            early = resident_bytes()
        if number % 50 == 0:
            print(f"{number:5} runs  {resident_bytes() / 1e6:7.0f} MB", flush=True)
    growth = resident_bytes() - early
    seconds = time.perf_counter() - start
    print(f"{arguments.runs} runs in {seconds:.0f} s: {growth / 1e6:+.0f} MB since run {FIRST}")
    return int(growth > MAX_GROWTH_BYTES)


if __name__ == "__main__":
    sys.exit(main())
