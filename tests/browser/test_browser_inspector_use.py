"""The inspector in a real browser: keyboard, touch, links, zoom, downloads and small screens."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from support.inspector_browser import COLS, RUNS, centre, events, pick, state
from support.inspector_page import HANDLE, settle

pytestmark = pytest.mark.browser


def test_keyboard_reaches_pins_and_releases(open_page):
    page = open_page()
    page.locator("[data-ref=mergeTop]").focus()
    page.keyboard.press("ArrowRight")
    start = state(page)["cursor"]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert state(page)["cursor"] == start + COLS + 1
    page.keyboard.press("Enter")
    assert state(page)["pinned"] == start + COLS + 1
    page.keyboard.press("ArrowUp")
    assert state(page)["pinned"] == start + 1
    page.wait_for_function("() => document.querySelector('[data-ref=spoken]').textContent.startsWith('Row ')")
    page.keyboard.press("Escape")
    assert state(page)["pinned"] is None


def test_touch_pins(open_page):
    page = open_page(width=390, height=844, has_touch=True)
    page.touchscreen.tap(*centre(page, 50))
    assert state(page)["pinned"] == 50


def test_a_link_reopens_the_same_view(open_page):
    page = open_page(
        link="#schedule=none&stage=0&layers=picture:40,grid:100&patch=2.3&masks=truth&split=25&tab=x"
    )
    now = state(page)
    assert (now["schedule"], now["stage"], now["pinned"]) == ("none", 0, 2 * COLS + 3)
    assert (now["layers"], now["maskMode"], now["split"]) == (["picture", "grid"], "truth", 0.25)
    page.wait_for_function("() => window.events.some(([name]) => name === 'act')")
    assert [(asked["kind"], asked["recipe"]) for asked in events(page, "act")] == [("recipe", "none")]
    pick(page, "2,5")
    page.wait_for_function("() => location.hash.includes('recipe=2,5')")
    assert "tab=x" in page.evaluate("location.hash")
    again = open_page(page.evaluate("location.hash"))
    kept = ("schedule", "shown", "stage", "layers", "pinned", "maskMode", "split", "source", "groups")
    assert {key: state(again)[key] for key in kept} == {key: state(page)[key] for key in kept}


def test_a_link_to_a_schedule_of_one_s_own_asks_for_it(open_page):
    page = open_page("#schedule=7,3")
    assert [asked["recipe"] for asked in events(page, "custom")] == ["3,7"]
    now = state(page)
    assert (now["schedule"], now["shown"]) == ("3,7", "2,5")


def test_a_broken_link_is_ignored(open_page):
    page = open_page("#schedule=2,99&stage=x&layers=&patch=999.1&masks=nowhere&split=-3")
    now = state(page)
    assert (now["schedule"], now["stage"], now["pinned"], now["maskMode"]) == ("2,5", 2, None, "merged")


def test_classes_hide_and_come_back(open_page):
    page = open_page()
    button = page.locator(".class-button").first
    button.click()
    settle(page)
    assert button.get_attribute("aria-pressed") == "false"
    page.get_by_role("button", name="Show all").click()
    settle(page)
    assert button.get_attribute("aria-pressed") == "true"


def test_zoom_keeps_the_point_under_the_pointer(open_page):
    page = open_page()
    x, y = centre(page, 37)
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    page.wait_for_function(f"() => {HANDLE}.state.zoom > 1")
    page.mouse.move(x + 1, y)
    assert state(page)["hover"] == 37


def test_playing_walks_through_the_stages(open_page):
    page = open_page()
    page.get_by_role("button", name="Play the merges").click()
    page.wait_for_function(f"() => {HANDLE}.state.stage === 0")
    counter = page.locator("[data-ref=counter]")
    counter.wait_for()
    assert "tokens" in counter.inner_text()
    page.wait_for_function(f"() => {HANDLE}.state.stage === 1")
    page.get_by_role("button", name="Pause").click()
    assert state(page)["stage"] == 1 and not counter.is_visible()


def test_playing_without_motion_steps_through(open_page):
    page = open_page(reduced_motion="reduce")
    page.get_by_role("button", name="Play the merges").click()
    for stage in (0, 1, 2):
        page.wait_for_function(f"() => {HANDLE}.state.stage === {stage}")
        assert not page.locator("[data-ref=counter]").is_visible()


def test_the_tour_starts_once_and_whenever_asked(browser, open_page):
    page = open_page()
    tour = page.locator("[data-ref=tour]")
    for step in ("1 of 4: A patch", "2 of 4: Its nearest", "3 of 4: Mutual", "4 of 4: Merged"):
        assert step in tour.inner_text()
        tour.locator(".go").click()
        settle(page)
    assert not tour.is_visible()
    page.reload()
    page.wait_for_function(f"{HANDLE}?.state.shown")
    settle(page)
    assert not tour.is_visible()
    page.get_by_role("button", name="How it works").click()
    page.keyboard.press("Escape")
    settle(page)
    assert not tour.is_visible()


def test_downloads_hold_what_is_shown(open_page, tmp_path):
    page = open_page("#layers=picture:100,groups:85,outlines:75,links:100")
    files = {}
    for name in ("Overlay, PNG", "Overlay, SVG", "Run, JSON"):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=name).click()
        files[name] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(files[name])
    check_png(files["Overlay, PNG"])
    check_svg(files["Overlay, SVG"])
    record = json.loads(files["Run, JSON"].read_text())
    assert record["groups"] == [RUNS["2,5"].trace.groups(stage).ravel().tolist() for stage in range(3)]
    np.testing.assert_array_equal(
        np.float32(record["stages"][1]["similarity"]), RUNS["2,5"].trace.stages[1].similarity
    )


def check_png(path) -> None:
    from PIL import Image

    with Image.open(path) as picture:
        assert picture.size == (2048, round(2048 * 192 / 248))
        assert picture.convert("L").getextrema()[0] < picture.convert("L").getextrema()[1]


def check_svg(path) -> None:
    root = ElementTree.parse(path).getroot()
    tag = "{http://www.w3.org/2000/svg}"
    stage = RUNS["2,5"].trace.stages[1]
    sizes = np.bincount(RUNS["2,5"].trace.groups(2).ravel())
    assert len(root.findall(f".//{tag}line")) == len(stage.pairs())
    assert len(root.findall(f".//{tag}path[@data-group]")) == int((sizes > 1).sum())


CONTROLS = ".mpm :is(button, input:not([hidden]), select, summary, a, [role=slider], [role=button])"


def test_every_control_has_a_name(open_page):
    page = open_page()
    page.mouse.click(*centre(page, 37))
    settle(page)
    nameless = page.evaluate("""() => [...document.querySelectorAll('.mpm :is(button, input, [tabindex])')]
        .filter((node) => !node.textContent.trim() && !node.ariaLabel)
        .filter((node) => !node.hasAttribute('aria-labelledby'))
        .map((node) => node.outerHTML)""")
    assert nameless == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (720, "dark"), (1440, "dark")])
def test_nothing_sticks_out(open_page, gradio_url, width, scheme):
    page = open_page(f"?__theme={scheme}", width=width, url=gradio_url)
    page.mouse.click(*centre(page, 37))
    page.locator("[data-ref=range]").press("End")
    settle(page)
    outside = page.evaluate("""() => {
        const { right } = document.querySelector('#inspector .mpm').getBoundingClientRect();
        return [...document.querySelectorAll('#inspector .mpm *:not(.spoken)')]
            .filter((node) => node.checkVisibility({ visibilityProperty: true }))
            .filter((node) => !node.closest('.filmstrip > *, .scales, table')) // these scroll by themselves
            .filter((node) => node.getBoundingClientRect().right > right + 4.5)
            .map((node) => node.className?.baseVal ?? node.className);
    }""")
    assert outside == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1440, 1200, 1000])
def test_the_slider_s_names_do_not_touch_and_tokens_are_whole(open_page, width):
    page = open_page(width=width)
    for part, gap_px in ((".word", 3), ("small", 1)):
        edges = page.locator(f"#inspector .stop {part}").evaluate_all(
            "(names) => names.map((name) => name.getBoundingClientRect())"
            ".filter(({ width }) => width > 0).map(({ left, right }) => [left, right])"
        )
        assert edges and all(a[1] + gap_px <= b[0] for a, b in zip(edges, edges[1:], strict=False)), part
    cut = page.locator(".encoder-block .tokens").evaluate_all(
        "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText)"
    )
    assert cut == []
