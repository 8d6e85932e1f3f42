"""The latency section in a real browser, over the real engine and a tiny model."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
import torch
from support.chromium import PATIENCE_MS
from support.latency_page import latency_page
from support.patience import until

import mpm
from app.engine.engine import Engine
from app.latency import LatencyView
from app.latency.handlers import LatencyHandlers
from app.latency.payload import Heading, encode_race, encode_stopped
from app.latency.race import Race
from app.latency.settings import Plan
from mpm.measure.device_card import parse_card

pytestmark = pytest.mark.browser

HANDLE = "document.querySelector('#latency-card .lat').__latency.state"
RESOLUTION_PX = 320


@pytest.fixture(scope="module")
def engine(tiny_config, tmp_path_factory) -> Engine:
    """Twelve very narrow blocks, so that every preset fits, and patches enough that 200 runs take a while."""
    arguments = {**tiny_config.encoder.timm_args, "depth": 12}
    config = replace(
        tiny_config, encoder=replace(tiny_config.encoder, timm_args=arguments), resolution=RESOLUTION_PX
    )
    torch.manual_seed(0)
    folder = mpm.save_segmenter(mpm.Segmenter(config), tmp_path_factory.mktemp("model") / "tiny12")
    engine = Engine(str(folder), "cpu", threads=1).start()
    assert engine.wait(60)
    return engine


class Starts:
    """Counts the races that clicks on Start began on the server, and those that are over."""

    def __init__(self, plain) -> None:
        self.begun = self.over = 0

        @functools.wraps(plain)
        def counted(*arguments, **named):
            self.begun += 1
            try:
                yield from plain(*arguments, **named)
            finally:
                self.over += 1

        self.counted = counted

    def wait_over(self, many: int) -> None:
        """Until so many have begun, and nothing of them runs any more."""
        until(lambda: (self.begun, self.over) == (many, many))


@pytest.fixture(scope="module")
def every_start():
    tally = Starts(LatencyHandlers.start)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LatencyHandlers, "start", tally.counted)
        yield tally


@pytest.fixture
def starts(every_start):
    """Those of one test."""
    every_start.wait_over(every_start.begun)
    every_start.begun = every_start.over = 0
    return every_start


@pytest.fixture(scope="module")
def url(engine, smooth_image, every_start):
    page = latency_page(engine, smooth_image)
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield address
    page.close()


@pytest.fixture
def open_page(browser, url):
    contexts, troubles = [], []

    def open_one(width: int = 1280):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(url)
        page.wait_for_function("document.querySelector('#latency-card .lat')?.__latency && window.mpmWish")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert troubles == []


def state(page) -> dict:
    return page.evaluate(HANDLE)


def start(page, runs: int, seconds: int = 60) -> None:
    for name, value in (("rounds", runs), ("seconds", seconds)):
        field = page.locator(f"#latency-{name} input")
        field.fill(str(value))
        field.blur()
    page.locator("#measure").click()


def press(page, buttons: list[str], every_ms: int = 40) -> None:
    """Clicks as fast as fingers get, without waiting for the page to answer."""
    page.evaluate(
        "async ([names, ms]) => { for (const name of names) {"
        " document.getElementById(name).click(); await new Promise((go) => setTimeout(go, ms)); } }",
        [buttons, every_ms],
    )


def wait_for(page, expected: str) -> None:
    page.wait_for_function(f"{HANDLE}.state === '{expected}'")


def ink(page) -> int:
    """Pixels drawn on the plot."""
    return page.evaluate(
        "(() => { const c = document.querySelector('#latency-card canvas');"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " return d.filter((value, place) => place % 4 === 3 && value > 0).length; })()"
    )


def test_a_race_is_drawn_and_explained(open_page):
    page = open_page()
    page.get_by_label("{5}", exact=True).check()
    start(page, 7)
    wait_for(page, "done")
    assert state(page)["runs"] == {"none": 7, "2,5": 7, "5": 7} and ink(page) > 500
    card = page.locator("#latency-card")
    assert card.locator("tr[data-schedule]").count() == 3
    assert "95 % interval" in card.locator("[data-ref=verdict]").inner_text()
    assert "picture to mask" in card.locator("[data-ref=scope]").inner_text()
    assert card.locator("tr[data-part=match] td").nth(0).inner_text() == "–", "the baseline matches nothing"
    assert card.locator(".lat-blocks rect.part-match").count() == 2
    card.get_by_role("radio", name="{5}").click()
    page.wait_for_function(
        "document.querySelectorAll('#latency-card .lat-blocks rect.part-match').length === 1"
    )
    assert "PyTorch" in card.locator("[data-ref=facts]").inner_text()
    with page.expect_download() as waiting:
        card.get_by_role("button", name="Save as a device card").click()
    saved = parse_card(Path(waiting.value.path()).read_text(encoding="utf-8"))
    assert [one.runs for one in saved.results] == [7, 7, 7]


def test_model_only_is_named(open_page):
    page = open_page()
    page.get_by_label("model only").check()
    start(page, 2)
    wait_for(page, "done")
    assert page.locator("#latency-card [data-ref=scope]").inner_text() == "model only"
    assert "Model only" in page.locator("#latency-card [data-ref=plotCaption]").inner_text()


def test_a_race_that_the_page_began_gives_way_to_start(open_page, starts):
    page = open_page()
    page.evaluate("window.askForRace()")
    page.wait_for_function(f"{HANDLE}.byHand === false && {HANDLE}.state === 'done'")
    assert 7 <= state(page)["runs"]["none"] <= 21
    start(page, 2)
    page.wait_for_function(f"{HANDLE}.byHand && {HANDLE}.state === 'done'")
    assert state(page)["runs"] == {"none": 2, "2,5": 2}


def test_stop_keeps_what_is_drawn_and_ends_the_work(open_page, starts):
    page = open_page()
    start(page, 200)
    page.wait_for_function(f"Object.values({HANDLE}.runs).some((runs) => runs > 2)")
    page.locator("#latency-stop").click()
    wait_for(page, "stopped")
    starts.wait_over(1)
    last = state(page)
    assert last["runs"]["none"] < 200 and ink(page) > 100
    again = {"race": last["race"], "state": "stopped", "runs": last["runs"]}
    page.locator("#latency-stop").click()  # a round trip: nothing was still on its way
    page.wait_for_function(f"{HANDLE}.received > {last['received']}")
    assert {name: state(page)[name] for name in again} == again


def test_start_counts_right_after_stop(open_page, starts):
    page = open_page()
    start(page, 200)
    wait_for(page, "running")
    for _ in range(3):
        before = state(page)["race"]
        page.locator("#latency-stop").click()
        page.locator("#measure").click()
        page.wait_for_function(f"{HANDLE}.race !== '{before}' && {HANDLE}.state === 'running'")
    page.locator("#latency-stop").click()
    wait_for(page, "stopped")
    starts.wait_over(4)


def test_stop_right_after_start_leaves_nothing_running(open_page, starts):
    page = open_page()
    start(page, 200)
    wait_for(page, "running")
    press(page, ["measure", "latency-stop"] * 3)  # Gradio cannot cancel what the server has not confirmed
    wait_for(page, "stopped")
    starts.wait_over(4)
    assert state(page)["state"] == "stopped"


def test_starts_in_a_row_leave_one_race(open_page, starts):
    page = open_page()
    start(page, 200)
    wait_for(page, "running")
    first = state(page)
    press(page, ["measure"] * 3)
    last = first["generation"] + 3
    page.wait_for_function(f"{HANDLE}.generation === {last} && {HANDLE}.state === 'running'")
    last = state(page)["race"]
    until(lambda: (starts.begun, starts.over) == (4, 3))
    page.locator("#latency-stop").click()
    wait_for(page, "stopped")
    starts.wait_over(4)
    assert state(page)["race"] == last


def test_messages_may_overtake_each_other(browser):
    def race(name: str, generation: float) -> str:
        made = Race.of(Plan(("none", "2,5")))
        made.state = "running"
        return encode_race(made, Heading(name, generation))

    steps = [
        (race("a", 10), ("a", "running")),
        (encode_stopped(20), ("a", "stopped")),
        (race("a", 10), ("a", "stopped")),
        (race("b", 30), ("b", "running")),
        (race("a", 10), ("b", "running")),
        (encode_stopped(20), ("b", "running")),
        (encode_stopped(40), ("b", "stopped")),
        (race("c", 35), ("c", "stopped")),
    ]
    with gr.Blocks() as blocks:
        view, place = LatencyView(), gr.State(0)
        gr.Button("next", elem_id="next").click(lambda at: (steps[at][0], at + 1), place, [view, place])
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    page = browser.new_page()
    try:
        page.goto(address)
        for number, (message, (name, shown)) in enumerate(steps, 1):
            page.locator("#next").click()
            page.wait_for_function(
                f"document.querySelector('#latency-card .lat')?.__latency.state.received === {number}"
            )
            assert (state(page)["race"], state(page)["state"]) == (name, shown), message
    finally:
        page.close()
        blocks.close()


def test_a_closed_tab_ends_the_work(open_page, starts):
    page = open_page()
    start(page, 200)
    page.wait_for_function(f"Object.values({HANDLE}.runs).some((runs) => runs > 2)")
    page.context.close()
    starts.wait_over(1)


def test_a_narrow_page_has_no_sideways_scroll(open_page):
    page = open_page(390)
    start(page, 3)
    wait_for(page, "done")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    for part in ("#latency-card table", "#latency-card .lat-blocks svg", "#latency-card canvas"):
        assert page.evaluate(f"document.querySelector('{part}').getBoundingClientRect().right") <= 390
