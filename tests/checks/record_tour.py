"""Take the pictures of README and docs anew: `python tests/checks/record_tour.py [NAME ...]`.

A headless Chromium opens the real page. Each picture waits until what it shows is finished; the film stops the
page's clock and moves it on by hand, so that a slow computer records the same frames as a fast one.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
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
    wait_until_shown,
)

PICTURES = ROOT / "docs" / "pictures"
WINDOW_PX = {"width": 1360, "height": 700}
FILM_WIDTH_PX = 960
FRAME_MS = 160
QUALITY = {"still": 82, "film": 48}
LIMIT_BYTES = {"still": 300_000, "film": 1_500_000}
PAPER, STRONG = "2,5", "0,2,4,6,8"
RACE_RUNS, LONGEST_RACE_S = 15, 60


def shot(page, selector: str | None = None, clip: dict | None = None) -> Image.Image:
    taken = page.locator(selector).screenshot() if selector else page.screenshot(clip=clip)
    return Image.open(io.BytesIO(taken)).convert("RGB")


def known(page, recipe: str | None = None) -> None:
    """Until a speed is known, after choosing a recipe where one is named."""
    if recipe is not None:
        page.locator(f"[data-role=stops] [data-schedule='{recipe}']").click()
        wait_until_shown(page, recipe)
    if over(page)["speed"]["kind"] == "few":
        start_race(
            page, RACE_RUNS, LONGEST_RACE_S
        )  # the page's own race is short: a busy computer needs more
        if over(page)["speed"]["kind"] != "known":
            sys.exit("this computer is too busy to measure a speed: try again")
    page.evaluate("scrollTo(0, 0)")


def over(page) -> dict:
    """Wait for the end of a race, and all else that fills in by itself."""
    return wait_for(
        page, "['known', 'few'].includes(s.speed.kind) && !s.speed.isLive && s.curves && !s.exploring"
    )


def long_race(page) -> None:
    before = race_of(page)["race"]
    start_race(page, RACE_RUNS, LONGEST_RACE_S)
    wait_for_race(page, f"s.race !== {before!r} && (s.state === 'done' || s.state === 'stopped')")


def point_at(page, pane: str, across: float, down: float) -> None:
    """Move the pointer over a pane of the trio, in shares of its size."""
    box = page.locator(f"[data-ref={pane}Top]").bounding_box()
    page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])


def mode(page, text: str) -> None:
    page.locator("[data-ref=modes]").get_by_text(text, exact=True).click()


class Film:
    """Frames of a page whose clock stands still between them."""

    def __init__(self, page) -> None:
        self.page, self.frames, self.lengths = page, [], []
        page.clock.install()

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
        return round(box["y"] + box["height"] + 10)

    def save(self, path: Path) -> None:
        size = (FILM_WIDTH_PX, round(self.frames[0].height * FILM_WIDTH_PX / self.frames[0].width))
        first, *others = (frame.resize(size, Image.Resampling.LANCZOS) for frame in self.frames)
        settings = {"quality": QUALITY["film"], "method": 6, "minimize_size": True}
        first.save(path, save_all=True, append_images=others, duration=self.lengths, loop=0, **settings)


def film(page) -> Film:
    """A film of the merges, what changed in the mask, one patch, and the strongest stop."""
    known(page, STRONG)
    known(page, PAPER)
    page.mouse.move(5, 5)
    recorded = Film(page)
    recorded.take(960)
    page.get_by_role("button", name="Play the merges").click()
    page.mouse.move(5, 5)
    recorded.take(8800)
    point_at(page, "merge", 0.62, 0.62)
    recorded.take(1920)
    page.mouse.move(5, 5)
    page.locator(f"[data-role=stops] [data-schedule='{STRONG}']").click()
    page.mouse.move(5, 5)
    recorded.take(1920)
    mode(page, "Changes")
    page.mouse.move(5, 5)
    recorded.take(2240)
    return recorded


def inspector(page) -> Image.Image:
    known(page, PAPER)
    point_at(page, "merge", 0.62, 0.3)
    page.wait_for_function(f"{HANDLE}.state.hover !== null")
    page.wait_for_timeout(500)
    return shot(page)


def race(page) -> Image.Image:
    known(page)
    while not page.evaluate(OPEN_JS):
        page.wait_for_timeout(200)
    long_race(page)
    page.wait_for_timeout(500)
    return shot(page, "#latency-card")


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
    pick_example(page, "cat")
    wait_for(page, "!s.pending && s.source.example === 'cat' && s.features.length")
    known(page)
    page.mouse.move(5, 5)
    page.wait_for_timeout(500)
    return shot(page, clip={"x": 0, "y": 0, "width": WINDOW_PX["width"], "height": WINDOW_PX["height"]})


TAKEN: dict[str, Callable] = {one.__name__: one for one in (film, inspector, race, methods, patch, features)}


def take(name: str, context, url: str) -> None:
    page = open_page(context, url)
    taken = TAKEN[name](page)
    kind, path = ("film" if name == "film" else "still"), PICTURES / f"{name}.webp"
    if isinstance(taken, Film):
        taken.save(path)
    else:
        taken.save(path, quality=QUALITY["still"], method=6)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size / 1000:.0f} kB", flush=True)
    if size > LIMIT_BYTES[kind]:
        sys.exit(f"{name} is larger than {LIMIT_BYTES[kind] / 1000:.0f} kB")
    page.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TAKEN)} (default: all)")
    names = parser.parse_args().names or list(TAKEN)
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, PageProcess(Path(scratch)) as process:
        process.wait_ready()
        with chromium() as browser:
            context = browser.new_context(viewport=WINDOW_PX, color_scheme="light")
            context.add_init_script(WITHOUT_TOUR)
            for name in names:
                take(name, context, process.url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
