"""The live camera on the real page, with Chromium's fake camera: a moving test picture."""

from __future__ import annotations

import json

import pytest
from support.camera_page import (
    FRAMES,
    frames_beyond,
    open_camera_page,
    panes,
    press_camera,
    start_camera,
    until,
)
from support.chromium import FAKE_CAMERA, NO_CAMERA, beside, chromium
from support.whole_page import PUBLISHED, state

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with chromium(FAKE_CAMERA) as running:
        yield running


@pytest.fixture
def page(browser, url):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    visitor = open_camera_page(context, url)
    yield visitor
    assert visitor.complaints == []
    context.close()


def headline(page) -> str:
    return page.locator("[data-role=headline]").inner_text()


def tokens_line(page) -> str:
    return page.locator("[data-part=tokens]").inner_text()


def notice(page) -> str:
    line = page.locator("[data-role=notice]")
    line.wait_for()
    return line.inner_text()


def tracks(page) -> list[str]:
    return page.evaluate("window.tracks.map((track) => track.readyState)")


def test_frames_come_all_panes_follow_and_the_picture_comes_back(page):
    before, line = panes(page), tokens_line(page)
    start_camera(page)
    live = state(page)["live"]
    assert headline(page).startswith(f"live: {live['tokens'][0]} patches became")
    seen = panes(page)
    frames_beyond(page, live["frames"] + 3)
    assert all(new != old for new, old in zip(panes(page), seen, strict=True))
    tile = page.locator("[aria-label='Live camera']")
    assert tile.get_attribute("aria-pressed") == "true"
    assert page.locator("[data-role=headline]").get_attribute("aria-live") == "off"
    assert "The camera is live" in page.locator("[data-role=camera-status]").inner_text()
    assert "not kept" in page.locator("[data-role=speed-note]").inner_text()
    assert not page.locator("[data-ref=readout]").is_visible(), "nothing of the picture before"
    tile.click()
    until(page, "!s.live")
    assert tracks(page) == ["ended"]
    assert (tile.get_attribute("aria-pressed"), tokens_line(page)) == ("false", line)
    assert panes(page) == before
    assert "camera" not in page.url


def test_another_recipe_takes_effect_with_the_next_frame_and_stays(page):
    start_camera(page)
    page.locator("[data-role=strip] button").nth(9).click()
    until(page, "s.live?.counts?.length === 4")
    assert page.locator("[data-role=strip] button[aria-pressed=true]").count() == 3
    page.locator(".stop[data-schedule=none]").click()
    until(page, "s.live?.tokens && s.live.tokens[0] === s.live.tokens[1]")
    assert "none merged" in headline(page)
    page.keyboard.press("Escape")
    until(page, "!s.live && s.shown === 'none'")
    assert "live" not in headline(page)


def test_what_the_recipe_was_put_against_and_the_mode_come_back(page):
    page.locator("[data-ref=modes] [data-value=changes]").click()
    page.locator("[data-ref=against]").select_option(index=1)
    until(page, "s.against && s.maskMode === 'changes'")
    title = page.locator("#mpm-baseline-title").inner_text()
    start_camera(page)
    assert page.locator("#mpm-baseline-title").inner_text() == "Mask, unmerged" != title
    page.keyboard.press("Escape")
    until(page, "!s.live && s.against && s.maskMode === 'changes'")
    assert page.locator("#mpm-baseline-title").inner_text() == title


def test_a_picture_that_is_picked_ends_it(page):
    start_camera(page)
    page.locator("[data-example]").nth(3).click()
    until(page, "!s.live")
    assert tracks(page) == ["ended"]
    until(page, "s.view && !s.pending")
    assert not headline(page).startswith("live")


def test_another_model_goes_on_live(page):
    start_camera(page)
    page.locator("[data-ref=model]").select_option(PUBLISHED)
    until(page, f"s.live && s.model === '{PUBLISHED}' && !s.pending")
    frames_beyond(page, state(page)["live"]["frames"] + 2)
    assert tracks(page) == ["live"]


def test_a_hidden_tab_ends_it_until_the_person_presses_again(page):
    start_camera(page)
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    until(page, "!s.live")
    assert tracks(page) == ["ended"]
    assert "nobody saw this tab" in notice(page)
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(300)
    assert tracks(page) == ["ended"]
    start_camera(page)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("NotAllowedError", "The camera was refused"),
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "used by another program"),
        ("OddError", "could not be opened (OddError)"),
    ],
)
def test_what_the_browser_refuses_is_one_sentence(page, name, sentence):
    page.evaluate(
        "(name) => { const no = () => Promise.reject(new DOMException('', name));"
        " navigator.mediaDevices.getUserMedia = no; }",
        name,
    )
    press_camera(page)
    assert sentence in notice(page)
    seen = state(page)
    assert (seen["live"], seen["cameraText"]) == (None, "")
    assert page.locator("[aria-label='Live camera']").get_attribute("aria-pressed") == "false"


def test_a_real_refusal_is_said(browser, url):
    with beside(browser, NO_CAMERA) as careful:
        page = open_camera_page(careful.new_context(), url)
        press_camera(page)
        assert "The camera was refused" in notice(page)


def test_plain_http_says_how_to_reach_the_page(page):
    page.evaluate(
        "Object.defineProperty(navigator, 'mediaDevices', { get: () => undefined });"
        "Object.defineProperty(window, 'isSecureContext', { get: () => false })"
    )
    press_camera(page)
    said = notice(page)
    assert "only to https pages and to localhost" in said and "ssh -L" in said


def test_a_failed_frame_is_said_and_the_next_one_tried(page):
    failed = {"number": 1, "failed": "This frame did not fit."}
    page.route(FRAMES, lambda route: route.fulfill(body=json.dumps(failed)))
    press_camera(page)
    until(page, "s.cameraText === 'This frame did not fit.'")
    assert page.locator("[data-ref=waiting]").inner_text() == "This frame did not fit."
    page.unroute(FRAMES)
    frames_beyond(page, 2)
    assert state(page)["cameraText"] == ""


def test_a_slow_answer_is_said_and_ignored_after_the_end(page):
    given = []
    page.route(FRAMES, lambda route: given.append(route))
    press_camera(page)
    until(page, "s.cameraText === 'Waiting for the device…'")
    page.locator("[data-role=camera-off]").click()
    until(page, "!s.live && s.cameraText === ''")
    assert len(given) == 1, "never a queue"
    given[0].continue_()
    page.wait_for_timeout(1500)
    assert state(page)["live"] is None


def test_without_a_server_it_ends_with_one_sentence(page):
    start_camera(page)
    for pattern in (FRAMES, "**/health*"):
        page.route(pattern, lambda route: route.abort())
    until(page, "!s.live")
    assert notice(page).startswith("The server did not answer, so the camera was stopped")
    assert tracks(page) == ["ended"]
