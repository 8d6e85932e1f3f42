"""Prints how the page feels, in headless Chromium: `python tests/checks/measure_page.py [--race-s 40]`.

First screen (what of it is visible at several sizes, layout shift, HTML over the wire), then times: a first
result and a custom recipe with and without another visitor's race, a mask to save, and how soon the old
picture is gone. Each is a median of some tries; the race is of a visitor in a browser context of their own.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

import httpx  # noqa: E402
from support.chromium import PATIENCE_MS, chromium  # noqa: E402
from support.page_process import PageProcess  # noqa: E402

SIZES = ((1440, 900), (1366, 768), (768, 1024), (390, 844), (320, 640))
PARTS = (
    '[data-role="headline"]', '[data-pane="merges"]', '[data-pane="baseline"]', '[data-pane="merged"]',
    '[data-role="stops"]', '[data-role="speed"]', '[data-role="strip"]', '[data-role="filmstrip"]',
)  # fmt: skip
STATE = "document.querySelector('#inspector .mpm').__inspector.state"
SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
"""
VISIBLE = """(selectors) => selectors.map((selector) => {
  const node = document.querySelector(selector);
  if (!node) return null;
  const { top, bottom, left, right, width, height } = node.getBoundingClientRect();
  return { top, bottom, left, right, whole: height > 0 && width > 0 && top >= 0
    && bottom <= innerHeight + 0.5 && left >= -0.5 && right <= innerWidth + 0.5 };
})"""


def visitor(browser, url: str, size: tuple[int, int] = (1440, 900)):
    """A page in a context of its own, once the first view is there."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(SHIFTS)
    page.goto(url)
    page.wait_for_function(f"document.querySelector('#inspector .mpm')?.__inspector && {STATE}.view")
    return page


def screens(browser, url: str) -> None:
    """What is wholly visible without scrolling, and how the page settles."""
    for size in SIZES:
        page = visitor(browser, url, size)
        page.wait_for_timeout(4000)  # a race begins meanwhile, whose numbers must not move anything
        parts = page.evaluate(VISIBLE, list(PARTS))
        told = [f"{name_of(selector)} {seen(part)}" for selector, part in zip(PARTS, parts, strict=True)]
        wide = page.evaluate("document.documentElement.scrollWidth")
        shift = page.evaluate("window.shift")
        print(f"{size[0]} x {size[1]}: width {wide}, layout shift {shift:.3f}; {', '.join(told)}")
        page.context.close()


def name_of(selector: str) -> str:
    return selector.split('"')[1]


def seen(part: dict | None) -> str:
    """Whether a part of the page is on the screen, or how far down it reaches."""
    if part is None:
        return "missing"
    return "whole" if part["whole"] else f"to {part['bottom']:.0f}"


def wire(url: str) -> None:
    """Bytes of the page's HTML as they travel."""
    for coding in ("gzip", "identity"):
        with httpx.stream("GET", url, headers={"Accept-Encoding": coding}) as answer:
            print(f"HTML, {coding}: {sum(map(len, answer.iter_raw())) / 1000:.0f} kB")


def timed(page, act: Callable[[], None], until: str, argument=None) -> float:
    """Seconds from an act until a JavaScript condition holds."""
    start = time.perf_counter()
    act()
    page.wait_for_function(until, arg=argument, polling=20)
    return time.perf_counter() - start


def open_example(page, number: int) -> float:
    before = page.evaluate(f"{STATE}.view")
    tile = page.locator('[data-role="filmstrip"] [data-example]').nth(number)
    until = f"before => {STATE}.view && {STATE}.view !== before && {STATE}.shown"
    return timed(page, tile.click, until, before)


def custom_recipe(page, block: int) -> float:
    """Press a block of the strip: a recipe that nobody has run yet."""
    press = page.locator('[data-role="strip"] button').nth(block)
    return timed(
        page, press.click, f"{STATE}.schedule === {STATE}.shown && {STATE}.schedule.includes('{block}')"
    )


def save_mask(page) -> float:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    start = time.perf_counter()
    with page.expect_download() as download:
        page.locator("button", has_text="Mask, PNG").first.click()
    _ = download.value.path()
    return time.perf_counter() - start


def gone_after(page, number: int) -> float:
    """Milliseconds until nothing of the old picture is on the screen, after another was picked."""
    return page.evaluate(
        f"""(number) => new Promise((done) => {{
          const state = () => {STATE};
          const tile = document.querySelectorAll('[data-role="filmstrip"] [data-example]')[number];
          const start = performance.now();
          tile.click();
          const look = () => state().pending || !state().view
            ? requestAnimationFrame(() => done(performance.now() - start)) : requestAnimationFrame(look);
          look();
        }})""",
        number,
    )


def race(page, seconds: int) -> None:
    """Start a race by hand that lasts so long."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for name, value in (("rounds", 200), ("seconds", seconds)):
        field = page.locator(f"#latency-{name} input")
        field.fill(str(value))
        field.blur()
    page.locator("#measure").click()
    latency = "document.querySelector('#latency-card .lat').__latency.state"
    page.wait_for_function(f"{latency}.state === 'running'")


def waits(browser, url: str, race_s: int, tries: int) -> None:
    """Times with nobody else, then with another visitor's race. Every try sees pictures and recipes anew."""
    me = visitor(browser, url)
    examples = me.locator('[data-role="filmstrip"] [data-example]').count()
    order = [number % examples for number in range(1, 2 * tries + 1)]
    me.wait_for_timeout(8000)  # the first race, and whatever fills in by itself
    alone = {
        "first result": [open_example(me, number) for number in order[:tries]],
        "custom recipe": [custom_recipe(me, block) for block in (1, 3, 7)],
        "mask to save": [save_mask(me)],
        "old picture gone": [gone_after(me, order[0]) / 1000],
    }
    me.wait_for_timeout(6000)
    racer = visitor(browser, url)
    racer.wait_for_timeout(6000)
    race(racer, race_s)
    beside = {
        "first result": [open_example(me, number) for number in order[tries:]],
        "custom recipe": [custom_recipe(me, block) for block in (9, 10, 11)],
        "mask to save": [save_mask(me)],
        "old picture gone": [gone_after(me, order[1]) / 1000],
    }
    still = racer.evaluate("document.querySelector('#latency-card .lat').__latency.state.state")
    print(f"the race meanwhile: {still}")
    for what, seconds in alone.items():
        other = beside[what]
        print(
            f"{what}: alone median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s; "
            f"beside a race median {statistics.median(other):.2f} s, longest {max(other):.2f} s"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--race-s", type=int, default=40, help="seconds of the other visitor's race")
    parser.add_argument("--tries", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, PageProcess(Path(scratch)) as page, chromium() as browser:
        page.wait_ready()
        wire(page.url)
        screens(browser, page.url)
        waits(browser, page.url, options.race_s, options.tries)


if __name__ == "__main__":
    main()
