"""This device's card from the page's own race."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from support.stub_engine import StubEngine

import mpm
from app.latency.own_card import insertion_counts, own_card
from app.latency.race import Race, run_race
from app.latency.settings import BASELINE, SCOPES, Contender, Plan
from mpm.measure.device_card import parse_card
from mpm.measure.machine import compute_threads, machine_record
from mpm.measure.paired import ratio_interval

RECIPES = (BASELINE, "1,3", "0,2", "1,3|after-attention", "random@0|40px")


@pytest.fixture(scope="module")
def race(tiny, smooth_image) -> Race:
    *_, race = run_race(StubEngine(tiny), smooth_image, Plan(RECIPES, rounds=3, deadline_s=60))
    return race


def test_the_card_is_what_was_measured(race, tiny):
    text = own_card(race, tiny, "2026-05-01T12:00:00+00:00")
    card = parse_card(text)
    assert card.created == "2026-05-01" and [one.schedule for one in card.results] == list(RECIPES)
    machine = machine_record(tiny.device)
    assert card.machine == {name: machine[name] for name in ("processor", "device", "cores", "torch")}
    assert card.settings["model"] == "tiny" and card.settings["weights"] == "trained"
    assert card.settings["image_wh_px"] == [90, 60] and card.settings["patches"] == 54
    assert (card.settings["batch"], card.settings["dtype"]) == (1, "float32")
    assert card.settings["threads"] == compute_threads()
    for one in card.results:
        own = race.seconds[one.schedule]
        assert one.median == np.median(own) and one.runs == 3 and one.p10 <= one.median <= one.p90
        assert one.speedup == ratio_interval(race.seconds[BASELINE], own)
        assert one.parts == race.parts(one.schedule) and one.parts["blocks"] > 0
    assert set(json.loads(text)) == {"mpm_card", "created", "machine", "settings", "results"}


def test_tokens_are_those_of_the_trace(race, tiny, smooth_image):
    for name in RECIPES:
        counts = tiny.segment(smooth_image, name).trace.token_counts
        told = insertion_counts(race, Contender(name), tiny)
        # What merges within the last of four blocks enters no block any more.
        assert list(told) == (counts[:-1] if name == "1,3|after-attention" else counts)


def test_random_weights_are_said(race, tiny, monkeypatch):
    config = replace(tiny.config, name="timm:vit_tiny_patch16_224+random")
    monkeypatch.setattr(tiny, "config", config)
    assert parse_card(own_card(race, tiny)).settings["weights"] == "random"


def test_what_is_no_card(race, tiny):
    plan = Plan((BASELINE, "1"))
    unfinished = replace(race, state="running")
    partly = replace(race, seconds={**race.seconds, "1,3": []})
    half = replace(race, plan=replace(race.plan, scope=SCOPES[1]))
    for one, words in (
        (Race.of(plan), "ended"),
        (unfinished, "ended"),
        (partly, "ended"),
        (half, "whole runs"),
    ):
        with pytest.raises(mpm.InputError, match=words):
            own_card(one, tiny)
