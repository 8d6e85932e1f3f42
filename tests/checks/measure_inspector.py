"""Prints how long the inspector takes to repaint and to follow the pointer, in headless Chromium.

    python tests/checks/measure_inspector.py [--patches 64] [--side 1024] [--steps 60]

A repaint is one step of the schedule slider or of the stage: from the event to pixels that can be read back
(so it holds the browser's own rasterising too). A hover is one move of the pointer to another patch.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

from support.chromium import chromium  # noqa: E402
from support.inspector_data import SCHEDULES, made_up_image, made_up_runs, made_up_view  # noqa: E402
from support.inspector_page import HANDLE, STAND_IN, settle, stand_in  # noqa: E402

from app.inspector.payload import encode  # noqa: E402

RECORDER = """
window.times = [];
window.record = (kind, canvases) => addEventListener(kind, () => {
  const started = performance.now();
  requestAnimationFrame(() => {
    for (const name of canvases) {
      document.querySelector(`[data-ref=${name}]`).getContext('2d').getImageData(0, 0, 1, 1);
    }
    window.times.push(performance.now() - started);
  });
});
"""
"""Listens on the window, so after the component, whose drawing then comes first in the same frame."""


def main() -> None:
    """Measure and print."""
    options = read_options()
    image = made_up_image(options.side, options.side)
    message = encode(
        made_up_view(image), made_up_runs(image, options.patches, options.patches), selected="2,5"
    )
    print(f"{options.patches} x {options.patches} patches, {options.side} px, {len(SCHEDULES)} schedules")
    print(f"payload  {len(message) / 1e6:.2f} MB")
    with chromium() as browser:
        page = open_stand_in(browser, message)
        report("slider", steps(page, "[data-ref=range]", options.steps))
        report("stage", stage_steps(page, options.steps))
        page.reload()
        page.wait_for_function(f"{HANDLE}?.state.shown")
        report("hover", hovers(page, options.steps))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patches", type=int, default=64, help="patches a side")
    parser.add_argument("--side", type=int, default=1024, help="pixels a side")
    parser.add_argument("--steps", type=int, default=60, help="events of each kind")
    return parser.parse_args()


def open_stand_in(browser, message: str):
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    html = stand_in(message)
    page.route(STAND_IN, lambda route: route.fulfill(body=html, content_type="text/html"))
    page.add_init_script(RECORDER)
    page.goto(STAND_IN)
    page.wait_for_function(f"{HANDLE}?.state.shown")
    settle(page)
    return page


def steps(page, selector: str, number: int) -> list[float]:
    """Arrow keys on a range, to and fro over all its stops."""
    page.evaluate("() => record('input', ['mergeBase', 'maskBase'])")
    page.locator(selector).focus()
    for step in range(number):
        page.keyboard.press("ArrowRight" if (step // (len(SCHEDULES) - 1)) % 2 else "ArrowLeft")
        settle(page)
    return taken(page)


def stage_steps(page, number: int) -> list[float]:
    page.locator("[data-ref=range]").press("End")
    settle(page)
    taken(page)
    page.evaluate("() => record('click', ['mergeBase', 'maskBase'])")
    for step in range(number):
        page.locator(f"[data-ref=stages] [data-value='{step % len(SCHEDULES[-1].split(','))}']").click()
        settle(page)
    return taken(page)


def hovers(page, number: int) -> list[float]:
    page.evaluate("() => record('pointermove', ['mergeTop', 'maskTop'])")
    box = page.locator("[data-ref=mergeTop]").bounding_box()
    for step in range(number):
        x, y = (step * 37 % 97) / 97, (step * 61 % 89) / 89
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        settle(page)
    return taken(page)


def taken(page) -> list[float]:
    """The times so far, in milliseconds; the list starts anew."""
    return page.evaluate("() => window.times.splice(0)")


def report(name: str, times_ms: list[float]) -> None:
    middle, high = statistics.median(times_ms), sorted(times_ms)[int(len(times_ms) * 0.95)]
    print(f"{name:7}  median {middle:6.1f} ms   95 % below {high:6.1f} ms   n {len(times_ms)}")


if __name__ == "__main__":
    main()
