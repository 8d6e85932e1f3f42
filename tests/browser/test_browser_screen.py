"""The first screen at several sizes: what is in view, how the page settles, how the old picture goes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from support.inspector_page import settle
from support.whole_page import (
    HANDLE,
    OPEN_JS,
    WITHOUT_TOUR,
    new_visitor,
    open_page,
    pick_example,
    state,
    upload,
    wait_for,
    wait_for_race,
    wait_for_runs,
)

pytestmark = pytest.mark.browser

PARTS = [
    "[data-role=headline]", "[data-pane=merges] .stage", "[data-pane=baseline] .stage",
    "[data-pane=merged] .stage", "[data-pane=merged] .modes", "[data-role=stops]", "[data-ref=range]",
    "[data-side=unmerged]", "[data-side=merged]", "[data-role=speed-note]", "[data-role=strip]",
    "[data-role=filmstrip]",
]  # fmt: skip
STAGES = ("merge", "baseline", "mask")
HIDDEN_JS = """(selectors) => selectors.filter((selector) => {
  const { top, bottom, left, right, width } = document.querySelector(selector).getBoundingClientRect();
  const isWhole = width > 0 && top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth;
  return !isWhole;
})"""
"""Parts that are not wholly within the window."""
SHIFT_JS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
"""
WIDER_JS = """() => [...document.querySelectorAll('body *')]
  .filter((node) => node.checkVisibility({ visibilityProperty: true }))
  .filter((node) => !node.closest('[data-role=filmstrip] > *, .classes > *, svg *, .spoken'))
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
  .map((node) => node.tagName + '.' + (node.className?.baseVal ?? node.className))"""


@pytest.fixture
def visit(browser, url):
    """Opens the page in a window of a size."""
    contexts, visitors = [], []

    def open_one(width: int, height: int, opened=open_page, scripts=(), **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        for script in scripts:
            contexts[-1].add_init_script(script)
        visitors.append(opened(contexts[-1], url))
        return visitors[-1]

    yield open_one
    for context in contexts:
        context.close()
    assert [visitor.complaints for visitor in visitors if visitor.complaints] == []


def hidden(page) -> list[str]:
    return page.evaluate(HIDDEN_JS, PARTS)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1366, 768)])
def test_the_first_screen_holds_all_that_matters_and_does_not_jump(visit, width, height):
    page = visit(width, height, scripts=[SHIFT_JS])
    assert hidden(page) == []
    boxes = [page.locator(f"[data-ref={name}Stage]").bounding_box() for name in STAGES]
    assert len({(round(box["y"]), round(box["height"])) for box in boxes}) == 1, "three panes in one line"
    wait_for_race(page, "['done', 'stopped'].includes(s.state)")
    assert hidden(page) == [], "figures take no room from the pictures"
    assert page.evaluate("window.shift") < 0.05
    page.locator("[data-ref=range]").press("End")
    wait_for(page, "s.shown === '0,2,4,6,8'")
    assert hidden(page) == []


def test_on_a_phone_the_mask_and_the_slider_stay_together(visit):
    page = visit(390, 844, has_touch=True, is_mobile=True, scripts=[WITHOUT_TOUR])
    panes = page.locator("[data-ref=panes]").bounding_box()
    reach = page.evaluate(
        "scrollY + document.querySelector('[data-ref=panes]').getBoundingClientRect().bottom"
    )
    kept = ["[data-pane=merged] .stage", "[data-role=stops]", "[data-ref=range]"]
    for top in np.linspace(panes["y"], reach - 844, 6):
        page.evaluate("top => window.scrollTo({ top, behavior: 'instant' })", float(top))
        assert page.evaluate(HIDDEN_JS, kept) == [], f"scrolled to {top:.0f}"
    page.touchscreen.tap(*middle(page, "[data-ref=maskTop]"))
    assert wait_for(page, "s.pinned !== null")["hover"] is None


def middle(page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_nothing_is_wider_than_a_narrow_screen_and_nothing_jumps(visit):
    page = visit(390, 844, scripts=[SHIFT_JS])
    wait_for_race(page, "['done', 'stopped'].includes(s.state)")
    assert page.evaluate("window.shift") < 0.05
    page.locator("[data-ref=mergeTop]").click()
    wait_for(page, "s.pinned !== null")
    page.wait_for_function(OPEN_JS)
    for width in (390, 320, 768):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_function("width => innerWidth === width", arg=width)
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(WIDER_JS) == []


GONE_JS = f"""async (name) => {{
  document.querySelector(`[data-example=${{name}}]`).click();
  const {{ pending }} = {HANDLE}.state;
  await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
  const text = (selector) => document.querySelector(selector).innerText.trim();
  const figures = '.trio .caption, .agrees, .below, .stages, .encoder-block .tokens';
  const shown = [...document.querySelectorAll(figures)]
    .filter((node) => node.checkVisibility({{ visibilityProperty: true }})).map((node) => node.className);
  return {{
    pending, shown, still: Boolean({HANDLE}.state.pending), headline: text('[data-role=headline]'),
    speed: [...document.querySelectorAll('.speed :is(.value, .speed-note)')].map((one) => one.innerText),
    ticks: document.querySelectorAll('[data-role=speed] .tick').length,
  }};
}}"""


def test_a_new_picture_takes_the_screen_at_once(visit):
    page = visit(1440, 900)
    wait_for_race(page, "s.state === 'done'")
    before = state(page)
    assert page.locator("[data-role=headline]").inner_text() and page.locator(".speed .tick").count() > 0
    seen = page.evaluate(GONE_JS, "coffee")
    assert seen["pending"]["title"] == "Coffee" and seen["still"]
    assert (seen["headline"], seen["shown"], seen["ticks"]) == ("", [], 0)
    assert "".join(seen["speed"]).strip() == ""
    after = wait_for_runs(page, before["view"])
    assert "patches became" in page.locator("[data-role=headline]").inner_text()
    assert after["shown"] == "2,5"


@pytest.mark.parametrize("size", [(960, 320), (300, 600)])
def test_panoramas_and_tall_pictures_fit(visit, tmp_path, size):
    page = visit(1440, 900)
    path = tmp_path / "shape.png"
    pixels = np.random.default_rng(1).integers(0, 255, (size[1] // 20, size[0] // 20, 3), np.uint8)
    Image.fromarray(pixels).resize(size).save(path)
    before = state(page)
    upload(page, path)
    wait_for_runs(page, before["view"])
    assert hidden(page) == []
    page.set_viewport_size({"width": 1366, "height": 768})
    page.wait_for_function("innerWidth === 1366")
    assert hidden(page) == []
    for name in STAGES:
        rect = page.evaluate(f"name => {HANDLE}.rect(name)", name)
        stage = page.locator(f"[data-ref={name}Stage]").bounding_box()
        assert rect["w"] / rect["h"] == pytest.approx(size[0] / size[1], rel=0.02)
        assert rect["x"] >= -1 and rect["x"] + rect["w"] <= stage["width"] + 1
        assert rect["y"] >= -1 and rect["y"] + rect["h"] <= stage["height"] + 1


def test_the_explorer_is_of_use_before_the_rest_of_the_page_is_drawn(visit):
    page = visit(390, 844, opened=new_visitor)
    first = state(page)["view"]
    pick_example(page, "cat")
    assert wait_for_runs(page, first)["source"] == {"example": "cat"}
