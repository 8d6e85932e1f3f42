"""The inspector in a real browser: it shows what the trace says."""

from __future__ import annotations

import numpy as np
import pytest
from support.inspector_browser import (
    BASELINE,
    COLS,
    IMAGE,
    ROWS,
    RUNS,
    centre,
    only_layers,
    pick,
    pixel,
    send,
    send_rest,
    state,
)
from support.inspector_data import CLASSES, PALETTE
from support.inspector_page import HANDLE, settle

pytestmark = pytest.mark.browser


def test_groups_of_every_schedule_and_stage_are_the_trace_s(open_page):
    page = open_page()
    send_rest(page)
    for name, run in RUNS.items():
        pick(page, name)
        settle(page)
        stages = page.locator("[data-ref=stages] [data-value]")
        assert stages.first.is_visible() == (name != "none"), "nothing to step through where nothing merges"
        for stage in range(len(run.trace.stages) + 1):
            if run.trace.stages:
                stages.nth(stage).click()
            now = state(page)
            assert (now["shown"], now["stage"]) == (name, stage)
            assert now["groups"] == run.trace.groups(stage).ravel().tolist()
        assert now["tokenCounts"] == run.trace.token_counts
        received = page.evaluate(f"(name) => {HANDLE}.run(name)", name)
        assert received["labels"] == run.labels.ravel().tolist()
        for own_stage, stage in zip(received["stages"], run.trace.stages, strict=True):
            assert own_stage["position"] == stage.position.tolist()
            assert own_stage["partner"] == stage.partner.tolist()


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


def colour_of(labels: np.ndarray, patch: int) -> list[int]:
    """What the palette says of the pixel in the middle of a patch."""
    row, col = divmod(patch, COLS)
    y, x = int((row + 0.5) / ROWS * 192), int((col + 0.5) * 16 / (COLS * 16 - 8) * 248)
    return PALETTE[labels[y, x]].tolist()


def test_masks_have_the_palette_s_colours(open_page):
    page = open_page()
    page.locator("[data-ref=maskOpacity]").fill("100")
    before, after = BASELINE.labels, RUNS["2,5"].labels
    for patch in (5, 77, 100, 180):
        assert pixel(page, patch, "baselineBase", "baseline") == colour_of(before, patch)
        assert pixel(page, patch, "maskBase", "mask") == colour_of(after, patch)
    page.get_by_role("radio", name="Compare").click()
    for split, labels in (("Home", after), ("End", before)):
        page.locator("[data-ref=handle]").press(split)
        for patch in (5, 77, 100, 180):
            assert pixel(page, patch, "maskBase", "mask") == colour_of(labels, patch)


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
    assert page.locator(".tip .class-now").last.inner_text().split("\n") == [before, "→", after]


def test_one_cursor_in_all_panes(open_page):
    page = open_page()
    page.locator("[data-ref=tour] button", has_text="Skip").click()
    panes = ("merge", "baseline", "mask")

    def inked() -> list[bool]:
        """Whether something is drawn over each pane."""
        read = """(name) => {
            const canvas = document.querySelector(`[data-ref=${name}Top]`);
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return data.some((value, i) => i % 4 === 3 && value > 0);
        }"""
        settle(page)
        return [page.evaluate(read, pane) for pane in panes]

    for pane in panes:
        page.mouse.move(*centre(page, 37, pane))
        assert state(page)["hover"] == 37
        assert inked() == [True, True, True]
        tip = page.locator("[data-ref=tip]")
        assert "Row 2, column 5" in tip.inner_text()
        tip, stage = tip.bounding_box(), page.locator(f"[data-ref={pane}Stage]").bounding_box()
        assert stage["x"] - 1 <= tip["x"] <= stage["x"] + stage["width"], "it stands at the pointer"
    page.mouse.move(2, 2)
    assert inked() == [False, False, False] and not page.locator("[data-ref=tip]").is_visible()


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
        assert "no two came together" in page.locator("[data-ref=mergeCaption]").inner_text()
