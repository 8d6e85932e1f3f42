"""The measuring protocol, on made-up clocks: nothing here depends on the machine's speed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mpm.clock import Clock, PartClock
from mpm.measure.paired import Summary, alternate, ratio_interval


def test_alternate_takes_turns_and_hides_the_warm_up():
    calls = []

    def contender(name):
        return lambda: calls.append(name) or float(len(calls))

    timed = list(alternate({"a": contender("a"), "b": contender("b")}, runs=3, warmup=1))
    assert calls == ["a", "b", "a", "b", "b", "a", "a", "b"]
    assert [name for name, _ in timed] == calls[2:]
    assert [seconds for _, seconds in timed] == [3, 4, 5, 6, 7, 8]


def test_each_run_is_yielded_as_it_ends():
    runs = alternate({"a": lambda: 1.0}, runs=10**9, warmup=0)
    assert next(runs) == ("a", 1.0)
    runs.close()


def test_summary():
    summary = Summary.of([5.0, 1, 2, 3, 4])
    assert (summary.median, summary.runs) == (3, 5)
    assert 1 < summary.p10 < 2 < 4 < summary.p90 < 5
    with pytest.raises(ValueError, match="at least one"):
        Summary.of([])


def test_ratio_interval_covers_the_truth_and_knows_its_doubt():
    rng = np.random.default_rng(0)
    ratio, low, high = ratio_interval(rng.normal(2, 0.1, 40), rng.normal(1, 0.05, 40))
    assert low < 2 < high and low < ratio < high and high - low < 0.3
    _, low, high = ratio_interval(rng.normal(1, 0.2, 5), rng.normal(1, 0.2, 5))
    assert low < 1 < high
    with pytest.raises(ValueError):
        ratio_interval([], [1.0])


def test_part_clock_adds_up_what_has_the_same_name(monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(ticks)))
    clock = PartClock(torch.device("cpu"))
    for name in ("blocks", "merge", "blocks"):
        with clock.part(name):
            pass
    timing = clock.stop()
    assert timing.parts == {"blocks": 2, "merge": 1}
    assert timing.total == 7
    plain = Clock()
    with plain.part("blocks"):
        pass
    assert plain.stop().parts == {}
