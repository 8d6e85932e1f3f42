"""Take the pictures of README and docs anew: `python tests/checks/record_tour.py [NAME ...]`.

A headless Chromium opens the real page. Each picture waits until what it shows is finished; the film stops
the page's clock and moves it on by hand, so that a slow computer records the same frames as a fast one.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

from PIL import Image
from support.chromium import chromium
from support.page_process import ROOT, PageProcess
from support.whole_page import (
    HANDLE,
    OPEN_JS,
    WITHOUT_TOUR,
    open_page,
    pick_example,
    race_of,
    start_race,
    wait_for,
    wait_for_race,
)

PICTURES = ROOT / "docs" / "pictures"
WINDOW_PX = {"width": 1360, "height": 700}
FILM_WIDTH_PX = 960
FRAME_MS = 160
QUALITY = {"still": 82, "film": 48}
LIMIT_BYTES = {"still": 300_000, "film": 1_500_000}
TRIES = 4
RACE_RUNS, LONGEST_RACE_S = 25, 110
MARGIN_PX = (16, 6)


def shot(page, selector: str | None = None) -> Image.Image:
    taken = page.locator(selector).screenshot() if selector else page.screenshot()
    return Image.open(io.BytesIO(taken)).convert("RGB")


class Busy(Exception):
    """The race of the recipe ended before there were enough runs for a figure."""


def known(page) -> None:
    """Until the speed of what is shown is known, and all else that fills in by itself is there."""
    if over(page)["speed"]["kind"] != "known":
        long_race(page)  # the page's own is short: a busy computer needs more
        if over(page)["speed"]["kind"] != "known":
            raise Busy
    page.evaluate("scrollTo(0, 0)")


def over(page) -> dict:
    """Wait for the end of a race, and all else that fills in by itself."""
    return wait_for(
        page, "['known', 'few'].includes(s.speed.kind) && !s.speed.isLive && s.curves && !s.exploring"
    )


def long_race(page) -> None:
    before = race_of(page)["race"]
    start_race(page, RACE_RUNS, LONGEST_RACE_S)
    wait_for_race(page, f"s.byHand && s.race !== {before!r} && (s.state === 'done' || s.state === 'stopped')")


def point_at(page, pane: str, across: float, down: float) -> None:
    """Move the pointer over a pane of the trio, in shares of its size."""
    box = page.locator(f"[data-ref={pane}Top]").bounding_box()
    page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])


def around(page, selector: str) -> Image.Image:
    """A part of the page with a margin."""
    place = page.locator(selector)
    place.scroll_into_view_if_needed()
    page.evaluate("document.body.style.paddingBottom = '40px'")
    box = place.evaluate(
        """(one) => {
            const { x, y, width, height } = one.getBoundingClientRect();
            return [x + scrollX, y + scrollY, width, height];
        }"""
    )
    x, y, width, height = (round(value) for value in box)
    beside, above = MARGIN_PX
    whole = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    return whole.crop((x - beside, y - above, x + width + beside, y + height + above))


def mode(page, text: str) -> None:
    page.locator("[data-ref=modes]").get_by_text(text, exact=True).click()


class Film:
    """Frames of a page whose clock stands still between them."""

    def __init__(self, page) -> None:
        self.page, self.frames, self.lengths = page, [], []
        page.clock.install()
        page.clock.pause_at(datetime.now() + timedelta(seconds=1))

    def take(self, milliseconds: int, step: int = FRAME_MS) -> None:
        """Move the clock on, a frame each `step`. Equal frames become one that lasts longer."""
        for _ in range(0, milliseconds, step):
            self.page.clock.run_for(step)
            frame = shot(self.page).crop((0, 0, WINDOW_PX["width"], self.bottom()))
            if self.frames and self.frames[-1].tobytes() == frame.tobytes():
                self.lengths[-1] += step
                continue
            self.frames.append(frame)
            self.lengths.append(step)

    def bottom(self) -> int:
        box = self.page.locator("[data-ref=filmstrip]").bounding_box()
        return round(box["y"] + box["height"] + 16)

    def save(self, path: Path) -> None:
        size = (FILM_WIDTH_PX, round(self.frames[0].height * FILM_WIDTH_PX / self.frames[0].width))
        first, *others = (frame.resize(size, Image.Resampling.LANCZOS) for frame in self.frames)
        settings = {"quality": QUALITY["film"], "method": 6, "minimize_size": True}
        first.save(path, save_all=True, append_images=others, duration=self.lengths, loop=0, **settings)


def film(page) -> Film:
    """A film of the merges, one patch, what changed in the mask, and both masks under one slider."""
    known(page)
    page.mouse.move(5, 5)
    recorded = Film(page)
    recorded.take(960)
    page.get_by_role("button", name="Play the merges").click()
    page.mouse.move(5, 5)
    recorded.take(8800)
    point_at(page, "merge", 0.62, 0.62)
    recorded.take(1920)
    for name in ("Changes", "Compare", "Mask"):
        mode(page, name)
        page.mouse.move(5, 5)
        recorded.take(1920)
    return recorded


def inspector(page) -> Image.Image:
    known(page)
    point_at(page, "merge", 0.62, 0.3)
    page.wait_for_function(f"{HANDLE}.state.hover !== null")
    page.wait_for_timeout(500)
    return shot(page)


def race(page) -> Image.Image:
    over(page)
    while not page.evaluate(OPEN_JS):
        page.wait_for_timeout(200)
    long_race(page)
    page.wait_for_timeout(500)
    return around(page, "#latency-card")


def methods(page) -> Image.Image:
    wait_for(page, "s.curves && !s.exploring")
    page.wait_for_function("document.querySelector('[data-ref=curvesProgress]').hidden")
    return shot(page, ".below .card:has([data-ref=tradeoff])")


def patch(page) -> Image.Image:
    wait_for(page, "!s.exploring")
    point_at(page, "merge", 0.62, 0.62)
    page.mouse.down()
    page.mouse.up()
    page.mouse.move(5, 5)
    page.wait_for_timeout(500)
    return shot(page, ".below .card:has([data-ref=readout])")


def features(page) -> Image.Image:
    """The panes alone: what is shown there needs no speed."""
    pick_example(page, "cat")
    wait_for(page, "!s.pending && !s.exploring && s.source.example === 'cat' && s.features.length")
    page.mouse.move(5, 5)
    page.wait_for_timeout(500)
    return around(page, "#inspector [data-ref=panes]")


TAKEN: dict[str, Callable] = {one.__name__: one for one in (film, inspector, race, methods, patch, features)}


def visited(name: str, browser, url: str) -> Image.Image | Film:
    """What a new visitor's page shows. A clock is stopped for all pages of a context, so each has its own."""
    for _ in range(TRIES):
        context = browser.new_context(viewport=WINDOW_PX, color_scheme="light")
        context.add_init_script(WITHOUT_TOUR)
        try:
            return TAKEN[name](open_page(context, url))
        except Busy:
            continue
        finally:
            context.close()
    sys.exit("this computer is too busy to measure a speed: try again")


def take(name: str, browser, url: str) -> None:
    taken = visited(name, browser, url)
    kind, path = ("film" if name == "film" else "still"), PICTURES / f"{name}.webp"
    if isinstance(taken, Film):
        taken.save(path)
    else:
        taken.save(path, quality=QUALITY["still"], method=6)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size / 1000:.0f} kB", flush=True)
    if size > LIMIT_BYTES[kind]:
        sys.exit(f"{name} is larger than {LIMIT_BYTES[kind] / 1000:.0f} kB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TAKEN)} (default: all)")
    names = parser.parse_args().names or list(TAKEN)
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, PageProcess(Path(scratch)) as process:
        process.wait_ready()
        with chromium() as browser:
            for name in names:
                take(name, browser, process.url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
