"""The whole page in a browser: opening it, what it shows, and what a person does there."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from support.chromium import PATIENCE_MS

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 120
PUBLISHED = "seg-tiny-mask-ade20k"


def wait_until_served(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(address, timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the page did not answer within {START_LIMIT_S} s")


def open_page(context, url):
    visitor = context.new_page()
    visitor.set_default_timeout(PATIENCE_MS)
    visitor.complaints, visitor.foreign = [], []
    visitor.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    visitor.on("request", lambda request: visitor.foreign.append(request.url))
    visitor.goto(url)
    visitor.wait_for_function("document.querySelector('#inspector .mpm')?.__inspector?.state.view")
    # Gradio mounts these a moment later; until then it may miss what is clicked.
    visitor.locator("#inspector [data-example]").nth(5).wait_for()
    visitor.wait_for_function("document.querySelector('#latency-card .lat')?.__latency")
    return visitor


def state(page) -> dict:
    return page.evaluate("document.querySelector('#inspector .mpm').__inspector.state")


def wait_for_runs(page, view: str | None = None, runs: int = 8) -> dict:
    """Until all presets of another picture than `view` are there."""
    page.wait_for_function(
        "([view, runs]) => { const s = document.querySelector('#inspector .mpm').__inspector.state;"
        " return s.view !== view && s.runs.length >= runs; }",
        arg=[view, runs],
    )
    return state(page)


def shown_labels(page, schedule: str) -> np.ndarray:
    run = page.evaluate("name => document.querySelector('#inspector .mpm').__inspector.run(name)", schedule)
    return np.array(run["labels"], np.uint8)


def upload(page, path: Path) -> None:
    page.locator("#picture button[aria-label*='Remove'], #picture button[aria-label*='Clear']").first.click()
    page.locator("#picture input[type=file]").set_input_files(str(path))


def race_of(page) -> dict:
    return page.evaluate("document.querySelector('#latency-card .lat').__latency.state")


def wait_for_race(page, condition: str) -> dict:
    """Until a JavaScript condition holds of the live plot's state `s`."""
    page.wait_for_function(
        f"(() => {{ const s = document.querySelector('#latency-card .lat').__latency.state;"
        f" return {condition}; }})()"
    )
    return race_of(page)


def start_race(page, runs: int) -> None:
    field = page.locator("#latency-rounds input")
    field.fill(str(runs))
    field.blur()
    page.locator("#measure").click()
