"""Prints how live the camera is, in headless Chromium with its fake camera: `measure_camera.py`.

Frames a second (shown, and of the model alone, unmerged and merged) and the delay from frame to drawing, as
the page tells them (running medians of its latest 30 frames), alone and beside another visitor's race. The
browser runs on the same cores here, which a visitor's does not; the server's processor time a frame is told
beside it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

import psutil  # noqa: E402
from measure_page import race, visitor  # noqa: E402
from support.camera_page import frames_beyond, press_camera, until  # noqa: E402
from support.chromium import FAKE_CAMERA, chromium  # noqa: E402
from support.inspector_page import HANDLE  # noqa: E402
from support.page_process import PageProcess  # noqa: E402


def choose(page, recipe: str) -> None:
    """A recipe by its name in the menu, or by its text."""
    page.evaluate("document.querySelector('#inspector [data-ref=recipePop]').open = true")
    menu = page.locator("[data-ref=named]")
    names = menu.locator("option").evaluate_all("(all) => all.map((one) => [one.textContent, one.value])")
    text = next((value for title, value in names if title.lower() == recipe), recipe)
    menu.select_option(text)
    page.evaluate("document.querySelector('#inspector [data-ref=recipePop]').open = false")
    until(page, f"s.schedule === {text!r}")


def cpu_s(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def live(page, server: psutil.Process, frames: int) -> str:
    """One line about so many frames of a camera that runs."""
    start = page.evaluate(f"{HANDLE}.state.live.frames")
    spent = cpu_s(server)
    since = page.evaluate("performance.now()")
    frames_beyond(page, start + frames)
    seconds = (page.evaluate("performance.now()") - since) / 1000
    told = page.evaluate(f"{HANDLE}.state.live.rates")
    return (
        f"shown {frames / seconds:.1f} / s (page: {told['shown']:.1f}), unmerged {told['unmerged']:.1f} / s, "
        f"merged {told['merged']:.1f} / s, frame to drawing {told['delayMs']:.0f} ms, "
        f"server {1000 * (cpu_s(server) - spent) / frames:.0f} ms of processor a frame"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--race-s", type=int, default=60, help="seconds of the other visitor's race")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as scratch,
        PageProcess(Path(scratch)) as process,
        chromium(FAKE_CAMERA) as browser,
    ):
        process.wait_ready()
        server = psutil.Process(process.process.pid)
        me = visitor(browser, process.url)
        choose(me, options.recipe)
        press_camera(me)
        frames_beyond(me, 10)
        print(f"load {psutil.getloadavg()[0]:.1f}")
        print("alone:", live(me, server, options.frames))
        racer = visitor(browser, process.url)
        racer.locator("#measure").wait_for(state="attached")
        racer.wait_for_timeout(6000)  # its first race, which a Start follows
        race(racer, options.race_s)
        print("beside a race:", live(me, server, options.frames))
        state = racer.evaluate("document.querySelector('#latency-card .lat').__latency.state.state")
        print(f"the race meanwhile: {state}; load {psutil.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
