"""Prints how long one sweep over all presets takes against eight separate runs.

Run by hand: python tests/checks/measure_sweep.py [--runs 7] [--model streets-vit-tiny]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

import mpm
from mpm.measure.paired import Summary, alternate, ratio_interval
from mpm.segmenters.sweep import sweep
from mpm.streets import render_street


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--model", default="streets-vit-tiny")
    args = parser.parse_args()
    segmenter = mpm.load_segmenter(args.model)
    picture = render_street(3, 512, 512).image

    def timed(work):
        def run() -> float:
            start = time.perf_counter()
            work()
            return time.perf_counter() - start

        return run

    contenders = {
        "separate runs": timed(lambda: [segmenter.segment(picture, preset) for preset in mpm.PRESETS]),
        "one sweep": timed(lambda: list(sweep(segmenter, picture, mpm.PRESETS))),
    }
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for name, seconds in alternate(contenders, args.runs):
        samples[name].append(seconds)
    for name, own in samples.items():
        summary = Summary.of(own)
        print(f"{name:14} {summary.median:.3f} s (p10 {summary.p10:.3f}, p90 {summary.p90:.3f})")
    ratio, low, high = ratio_interval(samples["separate runs"], samples["one sweep"])
    print(f"the sweep takes {1 / ratio:.0%} of the time ({ratio:.2f} times as fast, {low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
