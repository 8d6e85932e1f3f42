"""Things told apart, padded pictures and the way to a model that knows more, in a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.inspector_browser import BASELINE, COLS, IMAGE, ROWS, RUNS, VIEW, centre, events, pixel, state
from support.inspector_data import made_up_runs, made_up_segments
from support.inspector_page import HANDLE, settle

from app.inspector.payload import encode

pytestmark = pytest.mark.browser


def send(page, message: str, view: str) -> None:
    page.evaluate("(message) => window.send(message)", message)
    page.wait_for_function(f"(view) => {HANDLE}.state.view === view", arg=view)
    settle(page)


def panoptic() -> str:
    """Five discs unmerged, four merged."""
    runs = {}
    for name, discs in (("none", 5), ("2,5", 4)):
        labels, segments = made_up_segments(IMAGE, discs)
        runs[name] = replace(RUNS[name], labels=labels, segments=segments)
    return encode(replace(VIEW, key="panoptic", truth=None), runs, selected="2,5")


def white_in(page, pane: str) -> int:
    """Pixels of a mask pane's canvas that are white, as outlines are."""
    return page.evaluate(
        """(canvas) => {
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let white = 0;
            for (let at = 0; at < data.length; at += 4)
                if (data[at] > 240 && data[at + 1] > 240 && data[at + 2] > 240) white += 1;
            return white;
        }""",
        page.locator(f"[data-ref={pane}Base]").element_handle(),
    )


def test_things_are_outlined_counted_and_named(open_page):
    page = open_page()
    send(page, panoptic(), "panoptic")
    outlined = white_in(page, "baseline")
    assert outlined > 400 and white_in(page, "mask") > 400
    assert page.locator("[data-ref=baselineCaption]").inner_text().endswith("5 things told apart.")
    assert page.locator("[data-ref=classes] .things").all_inner_texts() == ["× 5 → 4"]
    page.mouse.move(*centre(page, ROWS // 2 * COLS + COLS // 5, "baseline"))
    settle(page)
    told = page.locator("[data-ref=tip] .segment-now").inner_text()
    assert told == "<b>car</b> 1 of 5, score 0.90" or told == "<b>car</b> 2 of 5, score 0.91"
    page.locator("[data-class='4']").click()
    settle(page)
    assert white_in(page, "baseline") < outlined / 4, "hidden classes have no outlines"


def test_models_that_tell_nothing_apart_say_nothing_of_things(open_page):
    page = open_page()
    assert page.locator(".things, .segment-now").count() == 0
    assert "told apart" not in page.locator("#inspector").inner_text()


def padded() -> str:
    """The picture fills the upper half of its grid: 6 of 12 rows."""
    runs = made_up_runs(IMAGE, ROWS, COLS, ["none", "2,5"])
    content = (COLS * 16, ROWS * 8)
    own = {name: replace(run, grid=replace(run.grid, content_wh_px=content)) for name, run in runs.items()}
    return encode(replace(VIEW, key="padded"), own, selected="2,5")


def test_a_picture_in_a_square_has_patches_outside_that_nobody_meets(open_page):
    page = open_page()
    send(page, padded(), "padded")
    assert " of them outside." in page.locator("[data-ref=mergeCaption]").inner_text()
    box = page.locator("[data-ref=mergeTop]").bounding_box()
    rect = page.evaluate(f"{HANDLE}.rect('merge')")
    page.mouse.move(box["x"] + rect["x"] + 12, box["y"] + rect["y"] + rect["h"] - 2)
    assert state(page)["hover"] == 5 * COLS, "the last row of the picture"
    page.locator("[data-ref=mergeTop]").focus()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    assert state(page)["cursor"] // COLS == 5
    for button in page.locator("[data-look]").all():
        button.click()
        assert state(page)["pinned"] // COLS < 6
    page.locator(".play").click()
    page.wait_for_function(f"{HANDLE}.state.stage === 2")
    page.evaluate("location.hash = 'patch=8.3'")
    settle(page)
    assert state(page)["pinned"] != 8 * COLS + 3


def unsure() -> str:
    runs = {"none": BASELINE, "2,5": RUNS["2,5"]}
    return encode(replace(VIEW, key="unsure", is_unsure=True, can=("custom",)), runs, selected="2,5")


def test_a_model_that_knows_more_is_one_click_away(open_page):
    page = open_page()
    send(page, unsure(), "unsure")
    button = page.locator("[data-act=next-model]")
    assert button.inner_text() == "Try Other, 150 classes, 28 MB"
    assert page.locator("[data-ref=model] optgroup").evaluate_all("all => all.map((one) => one.label)") == [
        "Streets",
        "Scenes",
    ]
    button.click()
    settle(page)
    assert [asked["model"] for asked in events(page, "open")] == ["other"]
    assert state(page)["model"] == "other" and pixel(page, 20, "maskBase", "mask")
