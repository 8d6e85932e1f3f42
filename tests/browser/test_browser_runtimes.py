"""A race in another runtime, in a real browser: half-precision PyTorch, which every machine has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.chromium import PATIENCE_MS
from support.latency_page import latency_page
from support.stub_engine import StubEngine

from app.latency.handlers import LatencyHandlers
from mpm.measure.device_card import parse_card
from mpm.runtimes import RuntimeChoice

pytestmark = pytest.mark.browser

HALF = RuntimeChoice("torch", "bfloat16")
HANDLE = "document.querySelector('#latency-card .lat').__latency.state"


@contextmanager
def page_of(browser, tiny, rgb, width: int = 1280) -> Iterator:
    blocks = latency_page(StubEngine(tiny), rgb, recipe="1")
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    troubles: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    try:
        page.goto(address)
        page.wait_for_function("document.querySelector('#latency-card .lat')?.__latency && window.mpmWish")
        yield page
        assert troubles == []
    finally:
        page.close()
        blocks.close()


@pytest.fixture
def offering(monkeypatch):
    def offer(found: list[tuple[str, str]]) -> None:
        monkeypatch.delenv("SPACE_ID", raising=False)
        monkeypatch.setattr(LatencyHandlers, "runtimes", lambda _self: found)

    return offer


@pytest.mark.parametrize("width", [1280, 390])
def test_the_same_recipes_race_in_another_runtime(browser, tiny, smooth_image, offering, width):
    offering([(HALF.title, HALF.text)])
    with page_of(browser, tiny, smooth_image, width) as page:
        page.locator("#latency-runtime").get_by_label(HALF.title, exact=True).check()
        page.locator("#latency-rounds input").fill("7")
        page.locator("#latency-rounds input").blur()
        page.locator("#measure").click()
        page.wait_for_function(f"{HANDLE}.state === 'done'")
        assert page.evaluate(HANDLE)["runs"] == dict.fromkeys(
            ("none", "1", "torch bfloat16 none", "torch bfloat16 1"), 7
        )
        card = page.locator("#latency-card")
        assert card.locator("tr.runtime").all_inner_texts() == ["PyTorch", "PyTorch bfloat16"]
        there = card.locator("tr.hollow[data-schedule='1']").inner_text()
        assert "on top" in there and "the same" in there
        verdict = card.locator("[data-ref=verdict] .first").all_inner_texts()
        assert len(verdict) == 2 and verdict[1].startswith("Does merging still pay in PyTorch bfloat16? ")
        caption = card.locator("[data-ref=plotCaption]").inner_text()
        assert "PyTorch float32" in caption and "Hollow and dashed: PyTorch bfloat16" in caption
        card.get_by_role("radio", name="{1} in PyTorch bfloat16").click()
        page.wait_for_function(f"{HANDLE}.focus === 'torch bfloat16 1'")
        page.wait_for_function(
            "document.querySelectorAll('#latency-card .lat-verdict .first').length === 1"
            " && document.querySelectorAll('#latency-card .lat-blocks rect.part-match').length === 1"
        )
        with page.expect_download() as waiting:
            card.get_by_role("button", name="Save as a device card").click()
        saved = parse_card(Path(waiting.value.path()).read_text(encoding="utf-8"))
        assert [one.runtime for one in saved.results] == ["torch", "torch", HALF.text, HALF.text]
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_where_none_is_installed_it_says_how_to_get_one(browser, tiny, smooth_image, offering):
    offering([])
    with page_of(browser, tiny, smooth_image) as page:
        page.get_by_text("pip install 'mpm-explorer[onnx]'").wait_for()
        assert page.locator("#latency-runtime").count() == 0
