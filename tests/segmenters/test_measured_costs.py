"""What a segmenter's parts take: measured once, before any clock runs, and without a trace on the model."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from support.small_segmenter import small_config

import mpm
from mpm.merging.costs import PARTS
from mpm.segmenters import costs as module
from mpm.segmenters import segmenter as owner
from mpm.segmenters.config import DecoderConfig
from mpm.segmenters.features import stage_features

SIDES = ((2, 2), (4, 4), (4, 8))


@pytest.fixture(autouse=True)
def small_grids(monkeypatch):
    monkeypatch.setattr(module, "SIDES", SIDES)
    monkeypatch.setattr(module, "REPEATS", 2)


@pytest.fixture
def fresh(tiny):
    """The tiny segmenter with nothing measured yet."""
    return copy.deepcopy(tiny)


@pytest.fixture
def measured(monkeypatch) -> list[str]:
    """What happened in order: "costs" for each measuring, "clock" for each whole run's clock."""
    events: list[str] = []

    def measure(segmenter):
        events.append("costs")
        return module.measure_costs(segmenter)

    def clock(device):
        events.append("clock")
        return mpm.clock.Clock(device)

    monkeypatch.setattr(owner, "measure_costs", measure)
    monkeypatch.setattr(owner, "Clock", clock)
    return events


@pytest.mark.parametrize("kind", ["linear", "batchnorm_linear", "mask_transformer"])
def test_positive_and_growing(kind):
    decoder = DecoderConfig(kind, layers=1, heads=3, width=192) if kind[0] == "m" else DecoderConfig(kind)
    costs = module.measure_costs(mpm.Segmenter(small_config(decoder=decoder)).eval())
    assert costs.tokens == tuple(math.prod(sides) for sides in SIDES)
    for part in PARTS:
        seconds = getattr(costs, part)
        assert list(seconds) == sorted(seconds) and (part == "restore" or seconds[0] > 0)


def test_what_seemed_to_fall_was_disturbed():
    assert module._growing((3.0, 1.0, 2.0, 5.0, 4.0)) == (1.0, 1.0, 2.0, 4.0, 4.0)
    assert module._growing((-1.0, 1.0)) == (0.0, 1.0)


def test_measured_once_for_each_number_of_threads(fresh, measured, monkeypatch):
    first = fresh.costs()
    assert fresh.costs() is first and fresh.runner.costs() is first and measured == ["costs"]
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    assert fresh.costs() is not first and measured == ["costs", "costs"]
    fresh.double()
    fresh.costs()
    assert measured == ["costs"] * 3


def test_measured_before_the_clock_starts(fresh, smooth_image, measured):
    fresh.segment(smooth_image, "budget(1)@1")
    assert measured == ["costs", "clock"]
    fresh.segment(smooth_image, "adaptive(1)")
    assert measured == ["costs", "clock", "clock"]


@pytest.mark.parametrize("recipe", ["2,3", "budget@1", "budget(threshold=0.9)@1|residual"])
def test_who_wishes_for_no_time_measures_nothing(fresh, smooth_image, measured, recipe):
    fresh.segment(smooth_image, recipe)
    assert measured == ["clock"]


def test_measuring_leaves_no_trace_on_a_model_in_training():
    torch.manual_seed(0)
    segmenter = mpm.Segmenter(small_config(decoder=DecoderConfig("batchnorm_linear"))).train()
    segmenter.encoder.blocks[1].eval()
    modes = [one.training for one in segmenter.modules()]
    before, numbers = copy.deepcopy(segmenter.state_dict()), torch.get_rng_state()
    segmenter.costs()
    assert [one.training for one in segmenter.modules()] == modes
    assert torch.equal(torch.get_rng_state(), numbers)
    assert all(torch.equal(value, before[name]) for name, value in segmenter.state_dict().items())


def test_stages_are_those_of_the_run(fresh, smooth_image):
    run = fresh.segment(smooth_image, "budget@1,2|sizes")
    for stage, count in enumerate(run.trace.token_counts):
        features = stage_features(fresh, smooth_image, "budget@1,2|sizes", stage)
        assert len(np.unique(features.reshape(-1, features.shape[2]), axis=0)) <= count
