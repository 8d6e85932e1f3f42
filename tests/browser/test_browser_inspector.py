"""The inspector in a real browser: it shows what the trace says, and asks the server for nothing to do so."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
from support.chromium import PATIENCE_MS
from support.inspector_data import CLASSES, PALETTE, made_up_image, made_up_runs, made_up_view
from support.inspector_page import HANDLE, STAND_IN, settle, stand_in

from app.inspector import Inspector
from app.inspector.payload import (
    encode,
    encode_failure,
    encode_file,
    encode_heat,
    encode_runs,
    encode_timings,
)

pytestmark = pytest.mark.browser

ROWS, COLS = 12, 16
IMAGE = made_up_image(248, 192)
RUNS = made_up_runs(IMAGE, ROWS, COLS)
VIEW = made_up_view(IMAGE, can=("heat", "custom"))
BASELINE = RUNS["none"]


def plain_run():
    """A picture in which no token finds a partner, as far as the trace says."""
    run = RUNS["2"]
    stage = run.trace.stages[0]
    alone = replace(stage, index=np.arange(ROWS * COLS), partner=np.full(ROWS * COLS, -1))
    return replace(run, trace=replace(run.trace, stages=(alone,)))


def odd(width_px: int, height_px: int, rows: int, cols: int) -> str:
    image = made_up_image(width_px, height_px)
    view = made_up_view(image, key=f"{width_px}x{height_px}", truth=None)
    return encode(view, made_up_runs(image, rows, cols, ["none", "2,5"]), selected="2,5")


def runs_message(*names: str, sent=()) -> str:
    return encode_runs(VIEW, {name: RUNS[name] for name in names}, baseline=BASELINE, sent=sent)


def centred() -> str:
    """The grid of 6 x 10 patches begins 8 model pixels left of the picture and 4 above it."""
    content, corner = (COLS * 16 - 16, ROWS * 16 - 8), (8, 4)
    grid = replace(RUNS["2,5"].grid, content_wh_px=content, content_xy_px=corner)
    runs = {name: replace(RUNS[name], grid=grid) for name in ("2,5", "none")}
    return encode(replace(VIEW, key="centred"), runs, selected="2,5")


MESSAGES = {
    "first": lambda: encode(VIEW, {name: RUNS[name] for name in ("2,5", "none")}, selected="2,5"),
    "rest": lambda: runs_message("8", "5", "2", "2,5,8", "2,4,6,8", "0,2,4,6,8"),
    "gap": lambda: runs_message("8", sent=["none", "2,5", "8", "5"]),
    "timing": lambda: encode_timings("picture", {"2,5": {"median_ms": 40.0}, "none": {"median_ms": 50.0}}),
    "failure": lambda: encode_failure("picture", ["1,2,5"], "This schedule did not fit."),
    "heat": lambda: encode_heat("picture", "2,5", 2, 21, np.linspace(0, 1, ROWS * COLS), "Made-up heat."),
    "other": lambda: encode(
        replace(VIEW, key="other", title="Other"), {"none": BASELINE, "5": RUNS["5"]}, selected="5"
    ),
    "alone": lambda: encode(replace(VIEW, key="alone"), {"none": BASELINE, "2": plain_run()}, selected="2"),
    "centred": centred,
    "pixel": lambda: odd(1, 1, 2, 3),
    "panorama": lambda: odd(3000, 100, 4, 120),
}


def build() -> gr.Blocks:
    """A Gradio page with the inspector, and Python that answers its events."""

    def heat(event: gr.EventData) -> str:
        values = np.linspace(0, 1, ROWS * COLS)
        return encode_heat("picture", event.schedule, event.stage, event.patch, values, "Made-up heat.")

    def custom(event: gr.EventData) -> str:
        return encode_failure(event.view, [event.schedule], f"No room for {event.schedule}.")

    def missing(event: gr.EventData) -> str:
        return runs_message(*event.schedules)

    with gr.Blocks() as page:
        component = Inspector(MESSAGES["first"]())
        for name in ("rest", "gap"):
            gr.Button(f"send {name}").click(MESSAGES[name], None, component)
        component.patch(heat, None, component)
        component.missing(missing, None, component)
        component.custom(custom, None, component)
    return page


@pytest.fixture(scope="module")
def gradio_url():
    page = build()
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield address
    page.close()


@pytest.fixture(scope="module")
def stand_in_html() -> str:
    return stand_in(MESSAGES["first"]())


@pytest.fixture
def open_page(browser, stand_in_html):
    """Opens a page in a context of its own; every error on it and every foreign request is a failure."""
    contexts, troubles = [], []

    def open_one(link: str = "", width: int = 1440, height: int = 1000, url: str = STAND_IN, **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        contexts[-1].route(
            STAND_IN, lambda route: route.fulfill(body=stand_in_html, content_type="text/html")
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda line: troubles.append(line.text) if "inspector:" in line.text else None)
        page.on("request", lambda asked: None if own(asked.url, url) else troubles.append(asked.url))
        page.goto(url + link)
        page.wait_for_function(f"{HANDLE}?.state.shown")
        settle(page)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert troubles == []


def own(asked: str, url: str) -> bool:
    return asked.startswith((url, "data:", "blob:"))


def state(page) -> dict:
    settle(page)
    return page.evaluate(f"() => {HANDLE}.state")


def send(page, name: str, condition: str = "true") -> None:
    page.evaluate("(message) => window.send(message)", MESSAGES[name]())
    page.wait_for_function(f"() => {{ const s = {HANDLE}.state; return {condition}; }}")
    settle(page)


def events(page, name: str) -> list[dict]:
    """What the component sent to Python under that name."""
    return [data for own_name, data in page.evaluate("window.events") if own_name == name]


def send_rest(page) -> None:
    send(page, "rest", "s.runs.length === 8")


def centre(page, patch: int, pane: str = "merge") -> tuple[float, float]:
    """Middle of a patch in page coordinates."""
    page.locator(f"[data-ref={pane}Top]").scroll_into_view_if_needed()
    box = page.locator(f"[data-ref={pane}Top]").bounding_box()
    rect = page.evaluate(f"(pane) => {HANDLE}.rect(pane)", pane)
    row, col = divmod(patch, COLS)
    wide, high = 16 / (COLS * 16 - 8), 1 / ROWS
    return box["x"] + rect["x"] + rect["w"] * (col + 0.5) * wide, box["y"] + rect["y"] + rect["h"] * (
        row + 0.5
    ) * high


def pixel(page, patch: int, canvas: str, pane: str) -> list[int]:
    """Colour that the canvas has in the middle of a patch."""
    settle(page)
    x, y = centre(page, patch, pane)
    read = """([canvas, x, y]) => {
        const box = canvas.getBoundingClientRect();
        const at = [x - box.left, y - box.top].map(Math.round);
        return [...canvas.getContext('2d').getImageData(...at, 1, 1).data];
    }"""
    return page.evaluate(read, [page.locator(f"[data-ref={canvas}]").element_handle(), x, y])[:3]


def only_layers(page, *names: str) -> None:
    layers = ",".join(f"{name}:100" for name in names)
    page.evaluate("(hash) => { location.hash = hash; }", f"#layers={layers}")
    page.reload()
    page.wait_for_function(f"{HANDLE}?.state.shown")


def pick(page, schedule: str) -> None:
    page.locator(f"[data-schedule='{schedule}']").click()


def test_groups_of_every_schedule_and_stage_are_the_trace_s(open_page):
    page = open_page()
    send_rest(page)
    for name, run in RUNS.items():
        pick(page, name)
        for stage in range(len(run.trace.stages) + 1):
            page.locator(f"[data-ref=stages] [data-value='{stage}']").click()
            now = state(page)
            assert (now["shown"], now["stage"]) == (name, stage)
            assert now["groups"] == run.trace.groups(stage).ravel().tolist()
        assert now["tokenCounts"] == run.trace.token_counts
        received = page.evaluate(f"(name) => {HANDLE}.run(name)", name)
        assert received["labels"] == run.labels.ravel().tolist()
        for own_stage, stage in zip(received["stages"], run.trace.stages, strict=True):
            assert own_stage["position"] == stage.position.tolist()
            assert own_stage["partner"] == stage.partner.tolist()


def test_nothing_is_asked_of_the_server_while_looking(open_page, gradio_url):
    page = open_page(url=gradio_url)
    page.get_by_role("button", name="send rest").click()
    page.wait_for_function(f"() => {HANDLE}.state.runs.length === 8")
    page.wait_for_timeout(300)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("[data-ref=range]").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End"):
        page.keyboard.press(key)
    page.locator("[data-ref=stages] [data-value='1']").click()
    page.locator("[data-layer=size]").click()
    page.mouse.move(*centre(page, 40))
    page.get_by_role("radio", name="Changes").click()
    page.wait_for_timeout(600)
    assert state(page)["shown"] == "0,2,4,6,8"
    assert [address for address in asked if not address.startswith(("data:", "blob:"))] == []


def test_groups_are_drawn_in_their_mean_colour(open_page):
    page = open_page()
    only_layers(page, "groups")
    groups = RUNS["2,5"].trace.groups(2)
    sums, pixels = np.zeros((ROWS * COLS, 3)), np.zeros(ROWS * COLS)
    rows = np.minimum(np.arange(IMAGE.shape[0]) * ROWS // IMAGE.shape[0], ROWS - 1)
    cols = np.floor((np.arange(IMAGE.shape[1]) + 0.5) / 16 * (COLS * 16 - 8) / IMAGE.shape[1]).astype(int)
    owner = groups[rows[:, None], cols[None]]
    np.add.at(sums, owner, IMAGE)
    np.add.at(pixels, owner, 1)
    largest = int(np.argmax(np.bincount(groups.ravel())))
    for patch in np.flatnonzero(groups.ravel() == largest):
        np.testing.assert_allclose(
            pixel(page, int(patch), "mergeBase", "merge"), sums[largest] / pixels[largest], atol=1
        )


def test_masks_have_the_palette_s_colours(open_page):
    page = open_page()
    page.locator("[data-ref=maskOpacity]").fill("100")
    for split, labels in (("Home", RUNS["2,5"].labels), ("End", BASELINE.labels)):
        page.locator("[data-ref=handle]").focus()
        page.keyboard.press(split)
        for patch in (5, 77, 100, 180):
            row, col = divmod(patch, COLS)
            y, x = int((row + 0.5) / ROWS * 192), int((col + 0.5) * 16 / (COLS * 16 - 8) * 248)
            assert pixel(page, patch, "maskBase", "mask") == PALETTE[labels[y, x]].tolist()


def test_agreement_is_python_s(open_page):
    page = open_page()
    found = page.evaluate(f"() => {HANDLE}.comparison()")
    before, after = BASELINE.labels, RUNS["2,5"].labels
    assert found["agreement"] == pytest.approx((before == after).mean())
    for row in found["rows"]:
        own_before, own_after = before == row["index"], after == row["index"]
        assert row["iou"] == pytest.approx((own_before & own_after).sum() / (own_before | own_after).sum())
        assert row["before"] == pytest.approx(own_before.mean())


def test_changes_show_only_changed_pixels(open_page):
    page = open_page()
    page.get_by_role("radio", name="Changes").click()
    settle(page)
    changed = np.argwhere(BASELINE.labels != RUNS["2,5"].labels)
    drawn = page.evaluate("""() => {
        const canvas = document.querySelector('[data-ref=maskBase]');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const colours = new Set();
        for (let i = 0; i < data.length; i += 4) colours.add(data.slice(i, i + 3).join());
        return [...colours];
    }""")
    colours = {",".join(map(str, PALETTE[RUNS["2,5"].labels[y, x]])) for y, x in changed}
    assert colours <= set(drawn)
    assert page.locator(".flow").count() > 0


def test_hover_reads_out_the_patch(open_page):
    page = open_page()
    stage = RUNS["2,5"].trace.stages[0]
    first, second = stage.pairs()[3]
    page.mouse.move(*centre(page, int(first)))
    settle(page)
    text = page.locator("[data-ref=readout]").inner_text()
    assert f"Row {first // COLS}, column {first % COLS}" in text
    assert f"merged with row {second // COLS} col {second % COLS}" in text
    assert f"{stage.similarity[first]:.3f}" in text
    now = state(page)
    assert (now["hover"], now["pinned"]) == (int(first), None)


def test_padding_may_precede_the_picture(open_page):
    page = open_page()
    send(page, "centred", "s.view === 'centred'")
    page.locator("[data-ref=mergeTop]").scroll_into_view_if_needed()
    box = page.locator("[data-ref=mergeTop]").bounding_box()
    rect = page.evaluate(f"() => {HANDLE}.rect('merge')")
    corner = box["x"] + rect["x"], box["y"] + rect["y"]
    patch_w, patch_h = rect["w"] * 16 / (COLS * 16 - 16), rect["h"] * 16 / (ROWS * 16 - 8)
    places = {0: (0.25, 0.4), 1: (0.6, 0.4), COLS: (0.25, 0.9), COLS * ROWS - 1: (COLS - 1.2, ROWS - 0.7)}
    for patch, (across, down) in places.items():
        page.mouse.move(corner[0] + across * patch_w, corner[1] + down * patch_h)
        assert state(page)["hover"] == patch
    # The patch under the pointer is left bright where it was found, the others are veiled.
    page.mouse.move(corner[0] + 0.6 * patch_w, corner[1] + 0.4 * patch_h)
    settle(page)
    read = """([canvas, x, y]) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data]"""
    canvas = page.locator("[data-ref=mergeTop]").element_handle()
    inside = [round(rect["x"] + patch_w), round(rect["y"] + 2)]
    veiled = [round(rect["x"] + 6.3 * patch_w), round(rect["y"] + 3.2 * patch_h)]
    assert page.evaluate(read, [canvas, *inside])[3] == 0
    assert page.evaluate(read, [canvas, *veiled])[3] > 60


def test_a_patch_that_did_not_merge_says_why(open_page):
    page = open_page()
    stage = RUNS["2,5"].trace.stages[0]
    token = int(np.flatnonzero(stage.partner < 0)[2])
    nearest, rival = stage.nearest[token], stage.nearest[stage.nearest[token]]
    page.mouse.move(*centre(page, token))
    settle(page)
    text = page.locator(".history li").first.inner_text().replace("\n", " ")
    at = [f"row {patch // COLS} col {patch % COLS}" for patch in (nearest, rival)]
    assert f"its nearest, {at[0]}, preferred {at[1]}" in text
    assert f"{stage.similarity[token]:.3f}against {stage.similarity[nearest]:.3f}" in text.replace(
        " ag", "ag"
    )


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


def test_more_runs_leave_the_view_as_it_is(open_page):
    page = open_page()
    page.mouse.click(*centre(page, 37))
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
    page.wait_for_function("() => window.events.some(([name, { schedule }]) => schedule === '2,5')")
    assert now["groups"] == RUNS["5"].trace.groups(1).ravel().tolist()


def test_lost_messages_are_asked_for_again(open_page):
    page = open_page()
    send(page, "gap", "s.runs.includes('8')")
    assert events(page, "missing") == [{"view": "picture", "schedules": ["5"]}]


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
    assert events(page, "custom") == [{"view": "picture", "schedule": "1,2,5"}]
    assert page.locator(".stop").last.inner_text().startswith("{1, 2, 5}")
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
    asked = {"view": "picture", "schedule": "2,5", "stage": 2, "patch": 21, "row": 1, "col": 5}
    assert events(page, "patch") == [asked]
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


def test_timing_is_said_and_marked(open_page):
    page = open_page()
    send(page, "timing")
    page.wait_for_function(
        "() => document.querySelector('[data-ref=figures]').textContent.includes('40.0 ms')"
    )
    assert "20 % less than the baseline" in page.locator("[data-ref=figures]").inner_text()


def test_a_link_reopens_the_same_view(open_page):
    page = open_page(
        link="#schedule=none&stage=0&layers=picture:40,grid:100&patch=2.3&masks=truth&split=25&model=x"
    )
    now = state(page)
    assert (now["schedule"], now["stage"], now["pinned"]) == ("none", 0, 2 * COLS + 3)
    assert (now["layers"], now["maskMode"], now["split"]) == (["picture", "grid"], "truth", 0.25)
    page.wait_for_function("() => window.events.length")
    assert events(page, "schedule") == [{"view": "picture", "schedule": "none"}]
    pick(page, "2,5")
    page.wait_for_function("() => location.hash.includes('schedule=2,5')")
    assert "model=x" in page.evaluate("location.hash")
    again = open_page(page.evaluate("location.hash"))
    assert {**state(again), "hover": None} == {**state(page), "hover": None, "runs": state(again)["runs"]}


def test_a_link_to_a_schedule_of_one_s_own_asks_for_it(open_page):
    page = open_page("#schedule=7,3")
    assert events(page, "custom") == [{"view": "picture", "schedule": "3,7"}]
    now = state(page)
    assert (now["schedule"], now["shown"]) == ("3,7", "2,5")


def test_a_broken_link_is_ignored(open_page):
    page = open_page("#schedule=2,99&stage=x&layers=&patch=999.1&masks=nowhere&split=-3")
    now = state(page)
    assert (now["schedule"], now["stage"], now["pinned"], now["maskMode"]) == ("2,5", 2, None, "compare")


def test_names_are_text_never_markup(open_page):
    page = open_page()
    assert page.locator(".class-button", has_text=CLASSES[-1]).count() == 1
    assert page.locator(".classes b, .takeaway i").count() == 0


def test_the_pixel_under_the_pointer_names_its_classes(open_page):
    page = open_page()
    y, x = np.argwhere(BASELINE.labels != RUNS["2,5"].labels)[40]
    before, after = (CLASSES[run.labels[y, x]] for run in (BASELINE, RUNS["2,5"]))
    rect = page.evaluate(f"() => {HANDLE}.rect('mask')")
    box = page.locator("[data-ref=maskTop]").bounding_box()
    page.mouse.move(
        box["x"] + rect["x"] + rect["w"] * (x + 0.5) / 248, box["y"] + rect["y"] + rect["h"] * (y + 0.5) / 192
    )
    settle(page)
    assert page.locator("[data-ref=pixel]").inner_text().split("\n") == [before, "→", after]


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
    page.get_by_role("button", name="Play the stages").click()
    page.wait_for_function(f"() => {HANDLE}.state.stage === 0")
    page.wait_for_function(f"() => {HANDLE}.state.stage === 1")
    page.get_by_role("button", name="Pause").click()
    assert state(page)["stage"] == 1


def test_downloads_hold_what_is_shown(open_page, tmp_path):
    page = open_page()
    files = {}
    for name in ("Overlay, PNG", "Figure, SVG", "Run, JSON"):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=name).click()
        files[name] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(files[name])
    check_png(files["Overlay, PNG"])
    check_svg(files["Figure, SVG"])
    record = json.loads(files["Run, JSON"].read_text())
    assert record["groups"] == [RUNS["2,5"].trace.groups(stage).ravel().tolist() for stage in range(3)]
    np.testing.assert_array_equal(
        np.float32(record["stages"][1]["similarity"]), RUNS["2,5"].trace.stages[1].similarity
    )


def test_python_s_files_are_saved(open_page):
    page = open_page()
    content = bytes(range(256))
    with page.expect_download() as waiting:
        page.evaluate(
            "(message) => window.send(message)", encode_file("picture", "map.npz", "application/zip", content)
        )
    assert waiting.value.suggested_filename == "map.npz"
    assert waiting.value.path().read_bytes() == content


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


@pytest.mark.parametrize(("name", "key"), [("pixel", "1x1"), ("panorama", "3000x100"), ("alone", "alone")])
def test_odd_pictures_show_something_sensible(open_page, name, key):
    page = open_page()
    send(page, name, f"s.view === '{key}'")
    page.locator("[data-ref=mergeTop]").scroll_into_view_if_needed()
    box = page.locator("[data-ref=mergeTop]").bounding_box()
    assert box["height"] >= 150
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert state(page)["hover"] is not None
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    assert page.locator("[data-ref=mergeCaption]").inner_text()
    if name == "alone":
        assert "nothing merged" in page.locator("[data-ref=mergeCaption]").inner_text()


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
            .filter((node) => node.getClientRects().length && node.getBoundingClientRect().right > right + 1)
            .map((node) => node.className?.baseVal ?? node.className);
    }""")
    assert outside == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1440, 1200, 1000])
def test_the_slider_s_names_do_not_touch(open_page, width):
    page = open_page(width=width)
    edges = page.locator("#inspector .stop").evaluate_all(
        "(stops) => stops.map((stop) => stop.firstElementChild.getBoundingClientRect())"
        ".filter(({ width }) => width > 0).map(({ left, right }) => [left, right])"
    )
    assert edges and all(left[1] + 3 <= right[0] for left, right in zip(edges, edges[1:], strict=False))
