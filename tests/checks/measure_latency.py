"""Prints what the live plot itself costs, and how soon its first point is there, in headless Chromium.

    python tests/checks/measure_latency.py [--seconds 30] [--run-ms 150]

The page runs a tiny model and then sleeps, as long as a real run takes: what remains is drawing and sending.
CPU is that of all Chromium's processes and of the server less its model runs, in percent of one core. Gradio
and its page cost some without any race, too: that is measured and taken off.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

import numpy as np  # noqa: E402
import psutil  # noqa: E402
from support.chromium import chromium  # noqa: E402
from support.latency_page import latency_page  # noqa: E402

import mpm  # noqa: E402
from app.engine.engine import Engine  # noqa: E402

HANDLE = "document.querySelector('#latency-card .lat').__latency.state"
SETTLE_MS = 3000
ROUNDS = 4


class SleepyEngine(Engine):
    """A tiny model whose runs are filled up with sleep. `busy_s`: CPU seconds of its real work."""

    run_s = 0.15
    busy_s = 0.0

    def in_turn(self, claim, work):
        return (yield from super().in_turn(claim, lambda: self._filled_up(work)))

    def _filled_up(self, work):
        began, cpu = time.perf_counter(), time.thread_time()
        result = work()
        self.busy_s += time.thread_time() - cpu
        time.sleep(max(0.0, self.run_s - (time.perf_counter() - began)))
        return self.run_s if isinstance(result, float) else result


def main() -> None:
    """Measure and print."""
    options = read_options()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        engine = tiny_engine(Path(folder), options.run_ms / 1000)
        address = serve(engine)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(address)
        page.wait_for_function("document.querySelector('#latency-card .lat')?.__latency")
        page.wait_for_timeout(SETTLE_MS)
        first = [first_point(page) for _ in range(options.starts)]
        print(f"first point after Start: {ms(first)}, of which {3 * options.run_ms} ms in runs")
        cost(page, engine, options.seconds)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=30, help="length of each race that is watched")
    parser.add_argument("--run-ms", type=int, default=150, help="time of one run")
    parser.add_argument("--starts", type=int, default=5, help="starts whose first point is timed")
    return parser.parse_args()


def tiny_engine(folder: Path, run_s: float) -> SleepyEngine:
    config = mpm.streets_config()
    narrow = {**config.encoder.timm_args, "embed_dim": 24, "num_heads": 2}
    config = replace(config, encoder=replace(config.encoder, timm_args=narrow), resolution=64)
    checkpoint = mpm.save_segmenter(mpm.Segmenter(config), folder / "tiny")
    engine = SleepyEngine(str(checkpoint), "cpu", threads=1)
    engine.run_s = run_s
    engine.start().wait()
    return engine


def serve(engine: Engine) -> str:
    page = latency_page(engine, np.zeros((96, 96, 3), np.uint8))
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    return address


def first_point(page) -> float:
    """Seconds from the click on Start to a point on the plot; the race is stopped then."""
    before = page.evaluate(f"{HANDLE}.race")
    began = time.perf_counter()
    page.locator("#measure").click()
    page.wait_for_function(
        f"() => {{ const s = {HANDLE}; return s.race !== {before!r} && Object.values(s.runs)[0] > 0; }}"
        if before
        else f"Object.values({HANDLE}.runs)[0] > 0",
        polling=10,
    )
    passed = time.perf_counter() - began
    page.locator("#latency-stop").click()
    page.wait_for_function(f"{HANDLE}.state === 'stopped'")
    return passed


def cost(page, engine: SleepyEngine, seconds: int) -> None:
    for name, value in (("rounds", 200), ("seconds", seconds + 10)):
        page.locator(f"#latency-{name} input").fill(str(value))
        page.locator(f"#latency-{name} input").blur()
    shares: dict[str, list[tuple[float, float]]] = {"idle": [], "racing": []}
    for _ in range(ROUNDS):
        shares["idle"].append(cpu_shares(engine, seconds))
        page.locator("#measure").click()
        page.wait_for_function(f"{HANDLE}.state === 'running'")
        shares["racing"].append(cpu_shares(engine, seconds))
        page.locator("#latency-stop").click()
        page.wait_for_function(f"{HANDLE}.state === 'stopped'")
        time.sleep(1)
    print(f"{ROUNDS} x {seconds} s without and with a race in turn, runs of {1000 * engine.run_s:.0f} ms")
    for place, name in enumerate(("browser", "server")):
        idle, racing = (statistics.median(pair[place] for pair in shares[kind]) for kind in shares)
        print(f"{name:8} {racing:.1f} % of a core, {idle:.1f} % without: {racing - idle:.1f} % for the plot")


def cpu_shares(engine: SleepyEngine, seconds: float) -> tuple[float, float]:
    """Percent of a core that the browser and the server, less its model runs, take while `seconds` pass."""
    engine.busy_s, before = 0.0, server_cpu_s()
    browser = browser_cpu_s(seconds)
    return 100 * browser / seconds, 100 * (server_cpu_s() - before - engine.busy_s) / seconds


def browser_cpu_s(seconds: float) -> float:
    """CPU seconds of all of this program's browser processes while `seconds` pass."""
    processes = [one for one in psutil.Process().children(recursive=True) if "chrom" in one.name()]
    before = [sum(one.cpu_times()[:2]) for one in processes]
    time.sleep(seconds)
    return sum(sum(one.cpu_times()[:2]) for one in processes) - sum(before)


def server_cpu_s() -> float:
    """CPU seconds so far of all of this program's threads but the main one, which drives the browser."""
    main = threading.main_thread().native_id
    return sum(one.user_time + one.system_time for one in psutil.Process().threads() if one.id != main)


def ms(seconds: list[float]) -> str:
    return f"median {1000 * statistics.median(seconds):.0f} ms, slowest {1000 * max(seconds):.0f} ms"


if __name__ == "__main__":
    main()
