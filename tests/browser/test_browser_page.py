"""The page as a person meets it: started by the README's command, used in a real headless browser."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from support.whole_page import (
    PUBLISHED,
    choose_model,
    notice,
    pick_example,
    press_block,
    record,
    shown_labels,
    state,
    upload,
    wait_for,
    wait_for_runs,
    wait_until_shown,
)

import mpm
from app.examples import EXAMPLES
from app.inspector.messages import SHIPPED_STOPS
from mpm.data.images import decode_image
from mpm.streets import render_street

pytestmark = pytest.mark.browser


def test_first_paint_is_true(page):
    first = state(page)
    assert first["schedule"] == "2,5" and set(first["runs"]) >= set(SHIPPED_STOPS)
    assert first["generation"] == 0, "nothing was asked of the server for it"
    run = mpm.load_segmenter("streets-vit-tiny").segment(EXAMPLES[0].rgb(), "2,5")
    assert record(page, "2,5")["token_counts"] == run.trace.token_counts
    patches, *_, tokens = run.trace.token_counts
    told = page.locator("[data-role=headline]").inner_text()
    assert f"{patches} patches became {tokens} tokens" in told


def test_an_example_runs(page):
    before = state(page)
    pick_example(page, "high-street")
    after = wait_for_runs(page, before["view"])
    assert after["tokenCounts"][0] > after["tokenCounts"][-1]
    assert "mIoU against the truth" in page.locator("#inspector").inner_text(), "streets have ground truth"


def test_an_upload_shows_what_the_library_computes(page, tmp_path):
    path = tmp_path / "holiday.png"
    Image.fromarray(render_street(77, 300, 240).image).save(path)
    before = state(page)
    upload(page, path)
    after = wait_for_runs(page, before["view"])
    segmenter = mpm.load_segmenter("streets-vit-tiny")
    rgb = decode_image(path).rgb
    for schedule in ("none", "2,5", "0,2,4,6,8"):
        run = segmenter.segment(rgb, schedule)
        seen = record(page, schedule)
        assert seen["token_counts"] == run.trace.token_counts
        assert seen["groups"][-1] == run.trace.groups(len(run.trace.stages)).ravel().tolist()
        assert (shown_labels(page, schedule) == run.labels.ravel()).mean() > 0.999
    assert after["groups"] == segmenter.segment(rgb, "2,5").trace.groups(2).ravel().tolist()
    tile = page.get_by_role("button", name="holiday, opened by you")
    assert tile.get_attribute("aria-pressed") == "true"
    pick_example(page, "camvid-car")
    wait_for_runs(page, after["view"])
    tile.click()
    wait_for(page, "!s.pending && s.view === given", after["view"])


def test_the_slider_moves_and_the_masks_change(page):
    page.locator("#inspector [data-ref=range]").focus()
    page.keyboard.press("Home")
    assert len(wait_until_shown(page, "none")["tokenCounts"]) == 1
    page.keyboard.press("End")
    assert len(wait_until_shown(page, "0,2,4,6,8")["tokenCounts"]) == 6
    assert not np.array_equal(shown_labels(page, "none"), shown_labels(page, "0,2,4,6,8"))


def test_one_speed_is_measured_and_told_everywhere_then_other_methods(page):
    seen = wait_for(page, "['known', 'few'].includes(s.speed.kind) && !s.speed.isLive")
    told = page.locator("[data-part=fast]").inner_text()
    assert page.locator("[data-role=speed-note]").inner_text() == told
    card = page.locator("#latency-card").inner_text()
    assert "{2, 5}" in card and " ms" in card
    if seen["speed"]["kind"] == "known":  # else this computer was too busy for seven runs in time
        figure = seen["speed"]["figure"]
        low, value, high = (f"{figure[name]:.2f}" for name in ("low", "value", "high"))
        assert f"{seen['speed']['runs']} runs" in told
        assert low in told and (value in told or "about as fast" in told) and high in told
    page.wait_for_function("document.querySelectorAll('#inspector .tradeoff .curve[data-method]').length > 0")


def test_a_recipe_of_ones_own(page):
    press_block(page, 7)
    assert len(wait_until_shown(page, "2,5,7")["tokenCounts"]) == 4


def test_a_point_of_the_trade_off_moves_the_slider(page):
    page.locator("#inspector [data-point='8']").press("Enter")
    wait_until_shown(page, "8")
    assert page.locator(".stop[data-chosen=true]").get_attribute("data-schedule") == "8"


OVERLAPPING_NAMES_JS = """() => {
  const names = [...document.querySelectorAll('#inspector .tradeoff .label')];
  const boxes = names.map((name) => [name.textContent, name.getBoundingClientRect()]);
  const beside = (a, b) => a.right <= b.left || b.right <= a.left;
  const apart = (a, b) => beside(a, b) || a.bottom - 3 <= b.top || b.bottom - 3 <= a.top;
  const others = (a, i) => boxes.slice(i + 1).filter(([, b]) => !apart(a, b));
  return boxes.flatMap(([one, a], i) => others(a, i).map(([other]) => [one, other]));
}"""


def test_names_in_the_trade_off_can_be_read(page):
    wait_for_runs(page)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(
            "narrow => narrow === document.querySelector('.tradeoff svg').viewBox.baseVal.width < 400",
            arg=width == 390,
        )
        assert page.locator("#inspector .tradeoff .label").count() >= 7
        assert page.evaluate(OVERLAPPING_NAMES_JS) == []
        size_px = page.evaluate(
            "() => document.querySelector('#inspector .tradeoff .label').getBoundingClientRect().height"
        )
        assert 11 <= size_px <= 20


def test_another_model_sees_the_same_picture(page, cache):
    before = state(page)
    choose_model(page, PUBLISHED)
    after = wait_for_runs(page, before["view"])
    assert after["view"].startswith(before["view"].split("-")[0]) and after["view"].endswith(PUBLISHED)
    run = mpm.load_segmenter(cache / PUBLISHED).segment(EXAMPLES[0].rgb(), "2,5")
    assert record(page, "2,5")["token_counts"] == run.trace.token_counts
    menu = page.locator("[data-ref=model]")
    assert "mIoU 38.1 on ADE20K · at hand" in menu.locator("option:checked").inner_text()
    assert page.locator("[data-ref=modelAbout]").inner_text().startswith("MIT · ")
    assert "ADE20K, 150 classes" in menu.get_attribute("title")
    assert "mIoU against the truth" not in page.locator("#inspector").inner_text(), "other classes"
    choose_model(page, "streets-vit-tiny")
    wait_for(page, "!s.pending && s.view === given", before["view"])


def test_a_model_that_cannot_be_downloaded_leaves_the_old_one(page):
    before = state(page)
    choose_model(page, "seg-base-mask-ade20k")
    seen = wait_for(page, "s.notice")
    assert "cannot be downloaded" in seen["notice"] and notice(page).inner_text() == seen["notice"]
    assert page.locator("[data-ref=model]").input_value() == "streets-vit-tiny" == seen["model"]
    assert (seen["view"], seen["pending"]) == (before["view"], None)


def test_files_from_python_arrive(page, tmp_path):
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Merge map, NPZ").click()
    waiting.value.save_as(tmp_path / "merge.npz")
    with np.load(tmp_path / "merge.npz") as saved:
        assert saved["counts"].tolist() == state(page)["tokenCounts"]


def test_final_tokens_stand_in_both_mask_panes_as_colours(page):
    page.get_by_role("radio", name="Features").click()
    said = "document.querySelector('[data-ref=maskCaption]').textContent.includes('strongest directions')"
    page.wait_for_function(said)
    assert state(page)["maskMode"] == "features"


def test_similar_patches_are_the_model_s(page):
    page.locator("[data-ref=mergeTop]").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Similar patches").click()
    wait_for(page, "s.heat")
    assert "imilar" in page.locator("[data-ref=mergeCaption]").inner_text()


def test_what_the_decoder_has_to_say_is_said_once(page, tmp_path):
    frames = [Image.fromarray(np.full((60, 80, 3), shade, np.uint8)) for shade in (90, 200)]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    before = state(page)
    upload(page, tmp_path / "two.gif")
    wait_for_runs(page, before["view"])
    (note,) = decode_image(tmp_path / "two.gif").notes
    assert page.locator("#inspector").inner_text().count(note) == 1
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Report, JSON").click()
    waiting.value.save_as(tmp_path / "report.json")
    assert note in json.loads((tmp_path / "report.json").read_text())["notes"]


def test_odd_pictures_run(page, tmp_path):
    for number, (width, height) in enumerate([(1, 1), (2000, 70)]):
        path = tmp_path / f"odd{number}.png"
        pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(path)
        before = state(page)
        upload(page, path)
        wait_for_runs(page, before["view"])


def test_every_example_is_within_reach(page):
    tiles = page.locator("[data-role=filmstrip] [data-example]")
    assert tiles.count() == len(EXAMPLES)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        tiles.last.scroll_into_view_if_needed()
        frame, last = page.locator("[data-role=filmstrip]").bounding_box(), tiles.last.bounding_box()
        assert last["x"] >= frame["x"] and last["x"] + last["width"] <= frame["x"] + frame["width"] + 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
