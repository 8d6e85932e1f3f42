"""The latency section in a real browser, over the real engine and a tiny model."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import gradio as gr
import pytest
import torch
from support.chromium import PATIENCE_MS

import mpm
from app.engine.engine import Engine
from app.engine.models import Models
from app.latency import LatencyView
from app.latency.payload import encode_race, encode_stopped
from app.latency.race import Race
from app.latency.section import latency_section
from app.latency.settings import Plan
from mpm.measure.device_card import CardResult, DeviceCard

pytestmark = pytest.mark.browser

HANDLE = "document.querySelector('#latency-card .lat').__latency.state"
MODEL = {"concurrency_id": "model", "concurrency_limit": 1}


@pytest.fixture(scope="module")
def engine(tiny_config, tmp_path_factory) -> Engine:
    """Twelve very narrow blocks, so that every preset fits."""
    arguments = {**tiny_config.encoder.timm_args, "depth": 12}
    config = replace(tiny_config, encoder=replace(tiny_config.encoder, timm_args=arguments))
    torch.manual_seed(0)
    folder = mpm.save_segmenter(mpm.Segmenter(config), tmp_path_factory.mktemp("model") / "tiny12")
    engine = Engine(str(folder), "cpu", threads=1).start()
    assert engine.wait(60)
    return engine


@pytest.fixture(scope="module")
def url(engine, smooth_image):
    with gr.Blocks() as page:
        picture = gr.Image(smooth_image, format="png")
        latency_section(Models.of(engine), picture, gr.State("2,5"), gr.State(engine.name), MODEL)
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
        page.wait_for_function("document.querySelector('#latency-card .lat')?.__latency")
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
    start(page, 6)
    wait_for(page, "done")
    assert state(page)["runs"] == {"none": 6, "2,5": 6, "5": 6} and ink(page) > 500
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


def test_model_only_is_named(open_page):
    page = open_page()
    page.get_by_label("model only").check()
    start(page, 2)
    wait_for(page, "done")
    assert page.locator("#latency-card [data-ref=scope]").inner_text() == "model only"
    assert "Model only" in page.locator("#latency-card [data-ref=plotCaption]").inner_text()


def test_stop_keeps_what_is_drawn_and_ends_the_work(open_page, engine):
    page = open_page()
    start(page, 200)
    page.wait_for_function(f"Object.values({HANDLE}.runs).some((runs) => runs > 2)")
    page.locator("#latency-stop").click()
    wait_for(page, "stopped")
    runs = state(page)["runs"]
    page.wait_for_timeout(600)
    assert state(page)["runs"] == runs and runs["none"] < 200 and ink(page) > 100
    assert idle(engine)


def test_start_counts_right_after_stop(open_page):
    page = open_page()
    start(page, 200)
    page.wait_for_function(f"{HANDLE}.state === 'running'")
    for _ in range(3):
        before = state(page)["race"]
        page.locator("#latency-stop").click()
        page.locator("#measure").click()
        page.wait_for_function(f"{HANDLE}.race !== '{before}' && {HANDLE}.state === 'running'")
    page.locator("#latency-stop").click()
    wait_for(page, "stopped")


def test_stop_right_after_start_leaves_nothing_running(open_page, engine):
    page = open_page()
    start(page, 200)
    page.wait_for_function(f"{HANDLE}.state === 'running'")
    press(page, ["measure", "latency-stop"] * 3)  # Gradio cannot cancel what the server has not confirmed
    wait_for(page, "stopped")
    page.wait_for_timeout(600)
    assert state(page)["state"] == "stopped" and idle(engine)


def test_starts_in_a_row_leave_one_race(open_page, engine):
    page = open_page()
    start(page, 200)
    page.wait_for_function(f"{HANDLE}.state === 'running'")
    first = state(page)["race"]
    press(page, ["measure"] * 3)
    page.wait_for_function(f"{HANDLE}.race !== '{first}' && {HANDLE}.state === 'running'")
    page.wait_for_timeout(600)
    last = state(page)["race"]
    page.locator("#latency-stop").click()
    wait_for(page, "stopped")
    page.wait_for_timeout(600)
    assert state(page)["race"] == last and idle(engine)


def test_messages_may_overtake_each_other(browser):
    def race(name: str, pressed: float) -> str:
        made = Race.of(Plan(("none", "2,5")))
        made.state = "running"
        return encode_race(made, name, pressed=pressed)

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


def test_a_closed_tab_ends_the_work(open_page, engine):
    page = open_page()
    start(page, 200)
    page.wait_for_function(f"Object.values({HANDLE}.runs).some((runs) => runs > 2)")
    page.context.close()
    threading.Event().wait(1.5)
    assert idle(engine)


def idle(engine: Engine) -> bool:
    """Whether nobody runs the model for a while."""
    calls, plain = [], engine.exclusively
    engine.exclusively = lambda work: (calls.append(1), plain(work))[1]
    try:
        threading.Event().wait(0.6)
    finally:
        del engine.exclusively
    return not calls


def test_a_narrow_page_has_no_sideways_scroll(open_page):
    page = open_page(390)
    start(page, 3)
    wait_for(page, "done")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    for part in ("#latency-card table", "#latency-card .lat-blocks svg", "#latency-card canvas"):
        assert page.evaluate(f"document.querySelector('{part}').getBoundingClientRect().right") <= 390


def made_up_card() -> DeviceCard:
    machine = {"processor": "P", "device": "cpu: <b>Raspberry</b>", "cores": 4, "torch": "2.9"}
    settings = {
        "model": "m", "weights": "trained", "patches": 660, "batch": 1, "dtype": "float32", "threads": 4,
        "image_wh_px": [480, 360],
    }  # fmt: skip
    results = (
        CardResult("none", (660,), 0.9, 0.8, 1.0, 20, (1.0, 0.9, 1.1)),
        CardResult("2,5", (660, 500, 400), 0.6, 0.5, 0.7, 20, (1.5, 1.4, 1.6)),
    )
    return DeviceCard("2026-05-01", machine, settings, results)


def test_device_cards_open_together_and_bad_ones_are_named(open_page, tmp_path):
    good = made_up_card()
    good.write(tmp_path / "pi.json")
    replace(good, machine={**good.machine, "device": "cuda: H200"}).write(tmp_path / "gpu.json")
    newer = {**good.to_json(), "mpm_card": 2}
    (tmp_path / "newer.json").write_text(json.dumps(newer))
    (tmp_path / "large.json").write_text(" " * 70_000)
    page = open_page()
    page.get_by_role("button", name="Compare devices").click()
    chooser = page.locator("#latency-cards input[type=file]")
    chooser.set_input_files([tmp_path / f"{name}.json" for name in ("pi", "gpu", "newer", "large")])
    cards = page.locator("#latency-cards .lat-card")
    cards.nth(1).wait_for()
    assert "<b>Raspberry</b>" in cards.nth(0).inner_text() and "H200" in cards.nth(1).inner_text()
    assert "900 ms" in cards.nth(0).inner_text() and "1.50×" in cards.nth(0).inner_text()
    refused = page.locator("#latency-cards [data-ref=refused]").inner_text()
    assert "newer version" in refused and "at most 64 kB" in refused
    paper = page.locator("#latency-cards [data-ref=paper]").inner_text()
    assert "1.61×" in paper and "ms" not in paper.lower().split()
    cards.nth(0).get_by_role("button").click()
    page.wait_for_function("document.querySelectorAll('#latency-cards .lat-card').length === 1")
