"""The inspector in a real browser: what it gets from Python, and what it asks of Python."""

from __future__ import annotations

import pytest
from support.inspector_browser import (
    RUNS,
    centre,
    events,
    open_panel,
    pick,
    send,
    send_rest,
    state,
)
from support.inspector_page import HANDLE, settle

from app.inspector.payload import encode_file

pytestmark = pytest.mark.browser


def test_nothing_is_asked_of_the_server_while_looking(open_page, gradio_url):
    page = open_page(url=gradio_url)
    page.get_by_role("button", name="send rest").click()
    page.wait_for_function(f"() => {HANDLE}.state.runs.length === 8")
    page.wait_for_load_state("networkidle")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("[data-ref=range]").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End"):
        page.keyboard.press(key)
    page.locator("[data-ref=stages] [data-value='1']").click()
    open_panel(page, "Layers")
    page.locator("[data-layer=size]").click()
    page.mouse.move(*centre(page, 40))
    page.get_by_role("radio", name="Changes").click()
    for key in ("ArrowRight", "Enter"):
        page.locator("[data-ref=mergeTop]").press(key)
    # The address and the spoken line follow last of all.
    page.wait_for_function("() => ['masks=changes', 'patch='].every((part) => location.hash.includes(part))")
    page.wait_for_function("() => document.querySelector('[data-ref=spoken]').textContent")
    assert state(page)["shown"] == "0,2,4,6,8"
    assert [address for address in asked if not address.startswith(("data:", "blob:"))] == []


def test_more_runs_leave_the_view_as_it_is(open_page):
    page = open_page()
    page.mouse.click(*centre(page, 37))
    open_panel(page, "Layers")
    page.locator("[data-layer=grid]").click()
    page.locator("[data-ref=stages] [data-value='1']").click()
    page.locator("[data-ref=mergeTop]").focus()
    page.keyboard.press("+")
    before = state(page)
    send_rest(page)
    after = state(page)
    for key in ("schedule", "shown", "stage", "layers", "pinned", "zoom", "groups"):
        assert after[key] == before[key], key
    assert (before["pinned"], before["stage"]) == (37, 1)
    assert before["zoom"] > 1


def test_another_picture_starts_afresh(open_page):
    page = open_page()
    page.mouse.click(*centre(page, 37))
    send(page, "other", "s.view === 'other'")
    now = state(page)
    assert (now["schedule"], now["pinned"], now["zoom"]) == ("2,5", None, 1)
    # It was explored with {5}: what the person chose is newer, so Python is told again.
    page.wait_for_function(
        "() => window.events.some(([name, { kind, recipe }]) => kind === 'recipe' && recipe === '2,5')"
    )
    assert now["groups"] == RUNS["5"].trace.groups(1).ravel().tolist()


def test_lost_messages_are_asked_for_again(open_page):
    page = open_page()
    send(page, "gap", "s.runs.includes('8')")
    assert [asked["schedules"] for asked in events(page, "missing")] == [["5"]]


def test_a_pending_schedule_waits_and_then_shows(open_page):
    page = open_page()
    pick(page, "2")
    now = state(page)
    assert (now["schedule"], now["shown"]) == ("2", "2,5")
    assert "is being computed" in page.locator("[data-ref=stripCaption]").inner_text()
    send(page, "rest", "s.shown === '2'")


def test_blocks_make_a_schedule_of_one_s_own(open_page):
    page = open_page()
    page.locator(".encoder-block").nth(1).click()
    settle(page)
    assert [asked["recipe"] for asked in events(page, "custom")] == ["1,2,5"]
    assert page.locator(".stop").last.inner_text() == "yours\n{1,2,5}"
    send(page, "failure")
    page.wait_for_function(
        "() => document.querySelector('[data-ref=status]').textContent.includes('did not fit')"
    )
    assert state(page)["shown"] == "2,5"


def test_similar_patches_come_from_python(open_page):
    page = open_page()
    page.mouse.click(*centre(page, 21))
    page.get_by_role("button", name="Similar patches").click()
    page.wait_for_function("() => window.events.some(([name]) => name === 'patch')")
    (asked,) = events(page, "patch")
    assert (asked["recipe"], asked["stage"], asked["patch"]) == ("2,5", 2, 21)
    send(page, "heat", "s.heat")
    assert page.locator("[data-ref=mergeCaption]").inner_text() == "Made-up heat."
    page.get_by_role("button", name="Release").click()
    assert not state(page)["heat"]


def test_python_answers_through_gradio(open_page, gradio_url):
    page = open_page(url=gradio_url)
    page.mouse.click(*centre(page, 21))
    page.get_by_role("button", name="Similar patches").click()
    page.wait_for_function(f"() => {HANDLE}.state.heat")
    page.locator(".encoder-block").nth(1).click()
    page.get_by_text("No room for 1,2,5.").wait_for()
    page.get_by_role("button", name="send gap").click()
    page.wait_for_function(f"() => {HANDLE}.state.runs.includes('8') && {HANDLE}.state.runs.includes('5')")


def test_python_s_files_are_saved(open_page):
    page = open_page()
    content = bytes(range(256))
    with page.expect_download() as waiting:
        page.evaluate(
            "(message) => window.send(message)", encode_file("picture", "map.npz", "application/zip", content)
        )
    assert waiting.value.suggested_filename == "map.npz"
    assert waiting.value.path().read_bytes() == content
