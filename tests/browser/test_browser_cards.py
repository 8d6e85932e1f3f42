"""Device cards on the whole page: those of other computers beside this one's."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mpm.measure.device_card import CardResult, DeviceCard

pytestmark = pytest.mark.browser


def made_up_card() -> DeviceCard:
    machine = {"processor": "P", "device": "cpu: <b>Raspberry</b>", "cores": 4, "torch": "2.9"}
    settings = {
        "model": "m", "weights": "trained", "patches": 660, "batch": 1, "dtype": "float32", "threads": 4,
        "image_wh_px": [480, 360],
    }  # fmt: skip
    results = (
        CardResult("none", (660,), 0.9, 0.8, 1.0, 20, (1.0, 0.9, 1.1)),
        CardResult("2,5", (660, 500, 400), 0.6, 0.5, 0.7, 20, (1.5, 1.4, 1.6)),
    )
    return DeviceCard("2026-05-01", machine, settings, results)


def test_device_cards_open_together_and_bad_ones_are_named(page, tmp_path):
    good = made_up_card()
    good.write(tmp_path / "pi.json")
    replace(good, machine={**good.machine, "device": "cuda: H200"}).write(tmp_path / "gpu.json")
    newer = {**good.to_json(), "mpm_card": 3}
    (tmp_path / "newer.json").write_text(json.dumps(newer))
    (tmp_path / "large.json").write_text(" " * 70_000)
    page.get_by_role("button", name="Compare devices").click()
    chooser = page.locator("#latency-cards input[type=file]")
    chooser.set_input_files([tmp_path / f"{name}.json" for name in ("pi", "gpu", "newer", "large")])
    cards = page.locator("#latency-cards .lat-card")
    cards.nth(1).wait_for()
    assert "<b>Raspberry</b>" in cards.nth(0).inner_text() and "H200" in cards.nth(1).inner_text()
    assert "900 ms" in cards.nth(0).inner_text() and "1.50×" in cards.nth(0).inner_text()
    refused = page.locator("#latency-cards [data-ref=refused]").inner_text()
    assert "newer version" in refused and "at most 64 kB" in refused
    paper = page.locator("#latency-cards [data-ref=paper]").inner_text()
    assert "1.61×" in paper and "ms" not in paper.lower().split()
    cards.nth(0).get_by_role("button").click()
    page.wait_for_function("document.querySelectorAll('#latency-cards .lat-card').length === 1")
