"""The whole page in a browser: opening it, what it shows, and what a person does there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from support.chromium import PATIENCE_MS

PUBLISHED = "seg-tiny-mask-ade20k"

HANDLE = "document.querySelector('#inspector .mpm').__inspector"
LATENCY = "document.querySelector('#latency-card .lat').__latency.state"
WITHOUT_TOUR = "localStorage.setItem('mpm-tour-seen', '1')"
"""For who was here before: no tour stands on the picture."""
OPEN_JS = """() => {
  document.querySelectorAll('.mpm details').forEach((one) => { one.open = true; });
  const closed = document.querySelectorAll('.gr-accordion > .label-wrap:not(.open)');
  closed.forEach((button) => button.click());
  return closed.length === 0;
}"""
"""Opens all accordions, and those inside others with the next call; whether none was left."""


def new_visitor(context, url: str, link: str = ""):
    """A tab of the page that records its complaints and requests, once the first view is there."""
    visitor = context.new_page()
    visitor.set_default_timeout(PATIENCE_MS)
    visitor.complaints, visitor.foreign = [], []
    visitor.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    visitor.on(
        "console", lambda line: visitor.complaints.append(line.text) if "inspector:" in line.text else None
    )
    visitor.on("request", lambda request: visitor.foreign.append(request.url))
    visitor.goto(url + link)
    wait_for_view(visitor)
    return visitor


def wait_for_view(visitor) -> None:
    mounted = "document.querySelector('#inspector .mpm')?.__inspector"
    visitor.wait_for_function(f"{mounted} && {HANDLE}.state.view")


def open_page(context, url: str, link: str = ""):
    """The same, once the live plot below is mounted too: Gradio draws the rest of the page later."""
    visitor = new_visitor(context, url, link)
    visitor.wait_for_function("document.querySelector('#latency-card .lat')?.__latency")
    return visitor


def state(page) -> dict:
    return page.evaluate(f"{HANDLE}.state")


def wait_for(page, condition: str, argument=None) -> dict:
    """Until a JavaScript condition holds of the explorer's state `s`; `given` is the argument."""
    page.wait_for_function(f"(given) => {{ const s = {HANDLE}.state; return {condition}; }}", arg=argument)
    return state(page)


def wait_for_runs(page, view: str | None = None) -> dict:
    """Until all stops of another picture than `view` are there."""
    return wait_for(page, "!s.pending && s.view !== given && s.runs.length >= 8 && !s.exploring", view)


def wait_until_shown(page, recipe: str) -> dict:
    return wait_for(page, "s.shown === given", recipe)


def record(page, recipe: str) -> dict:
    """A run as the browser has it."""
    return page.evaluate(f"name => {HANDLE}.run(name)", recipe)


def shown_labels(page, recipe: str) -> np.ndarray:
    return np.array(record(page, recipe)["labels"], np.uint8)


def pick_example(page, name: str) -> None:
    page.locator(f"[data-role=filmstrip] [data-example={name}]").click()


def choose_model(page, name: str) -> None:
    page.locator("#inspector [data-ref=model]").select_option(name)


def upload(page, path: Path) -> None:
    page.locator("[data-role=file]").set_input_files(str(path))


def press_block(page, block: int) -> None:
    page.locator("[data-role=strip] button").nth(block).click()


def notice(page):
    """The one line in which something is said that went wrong."""
    return page.locator("[data-role=notice]")


def race_of(page) -> dict:
    return page.evaluate(LATENCY)


def wait_for_race(page, condition: str) -> dict:
    """Until a JavaScript condition holds of the live plot's state `s`."""
    page.wait_for_function(f"(() => {{ const s = {LATENCY}; return {condition}; }})()")
    return race_of(page)


def start_race(page, runs: int, seconds: int = 30) -> None:
    """A race by hand."""
    for name, value in (("rounds", runs), ("seconds", seconds)):
        field = page.locator(f"#latency-{name} input")
        field.fill(str(value))
        field.blur()
    page.locator("#measure").click()
