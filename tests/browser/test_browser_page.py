"""The page as a person meets it: started by the README's command, used in a real headless browser."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from support.whole_page import PUBLISHED, open_page, shown_labels, state, upload, wait_for_runs

import mpm
from app.examples import EXAMPLES
from mpm.data.images import decode_image
from mpm.streets import render_street

pytestmark = pytest.mark.browser


def test_first_paint_is_true_and_asks_nothing_of_the_outside(page, url):
    first = state(page)
    assert first["schedule"] == "2,5" and len(first["runs"]) == 8
    page.wait_for_timeout(1000)
    outside = [address for address in page.foreign if not address.startswith((url, "data:", "blob:"))]
    assert outside == []


def test_an_example_runs(page):
    before = state(page)
    page.locator("#examples button img").nth(2).click()
    after = wait_for_runs(page, before["view"])
    assert after["tokenCounts"][0] > after["tokenCounts"][-1]
    assert "mIoU" in page.locator("#inspector").inner_text(), "streets have ground truth"


def test_an_upload_shows_what_the_library_computes(page, tmp_path):
    street = render_street(77, 300, 240).image
    path = tmp_path / "holiday.png"
    Image.fromarray(street).save(path)
    before = state(page)
    upload(page, path)
    after = wait_for_runs(page, before["view"])
    segmenter = mpm.load_segmenter("streets-vit-tiny")
    rgb = decode_image(path).rgb
    for schedule in ("none", "2,5", "0,2,4,6,8"):
        run = segmenter.segment(rgb, schedule)
        record = page.evaluate("n => document.querySelector('#inspector .mpm').__inspector.run(n)", schedule)
        assert record["token_counts"] == run.trace.token_counts
        assert record["groups"][-1] == run.trace.groups(len(run.trace.stages)).ravel().tolist()
        assert (shown_labels(page, schedule) == run.labels.ravel()).mean() > 0.999
    assert after["groups"] == segmenter.segment(rgb, "2,5").trace.groups(2).ravel().tolist()


def test_the_slider_moves_and_the_masks_change(page):
    slider = page.locator("#inspector input[type=range]").first
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('#inspector .mpm').__inspector.state.shown === 'none'")
    assert len(state(page)["tokenCounts"]) == 1
    page.keyboard.press("End")
    page.wait_for_function(
        "document.querySelector('#inspector .mpm').__inspector.state.shown === '0,2,4,6,8'"
    )
    assert len(state(page)["tokenCounts"]) == 6
    assert not np.array_equal(shown_labels(page, "none"), shown_labels(page, "0,2,4,6,8"))


def test_latencies_are_measured_for_the_chosen_schedule(page):
    page.wait_for_function("() => /median latency/.test(document.querySelector('#inspector').innerText)")
    text = page.locator("#latency-card").inner_text()
    assert "{2, 5}" in text and " ms" in text


def test_a_schedule_of_ones_own(page):
    page.locator("#inspector [data-ref=strip] button").nth(7).click()
    page.wait_for_function("document.querySelector('#inspector .mpm').__inspector.state.shown === '2,5,7'")
    assert len(state(page)["tokenCounts"]) == 4


def test_a_point_of_the_trade_off_moves_the_slider(page):
    page.locator("#inspector [data-point='8']").press("Enter")
    page.wait_for_function("document.querySelector('#inspector .mpm').__inspector.state.shown === '8'")
    page.wait_for_function("() => document.querySelectorAll('#inspector .tradeoff .control').length === 7")


OVERLAPPING_NAMES_JS = """() => {
  const names = [...document.querySelectorAll('#inspector .tradeoff .label')];
  const boxes = names.map((name) => [name.textContent, name.getBoundingClientRect()]);
  const beside = (a, b) => a.right <= b.left || b.right <= a.left;
  const apart = (a, b) => beside(a, b) || a.bottom - 3 <= b.top || b.bottom - 3 <= a.top;
  const others = (a, i) => boxes.slice(i + 1).filter(([, b]) => !apart(a, b));
  return boxes.flatMap(([one, a], i) => others(a, i).map(([other]) => [one, other]));
}"""


@pytest.mark.parametrize("width", [1440, 390])
def test_names_in_the_trade_off_can_be_read(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function("() => document.querySelectorAll('#inspector .tradeoff .control').length === 7")
    page.wait_for_function(
        "narrow => narrow === document.querySelector('.tradeoff svg').viewBox.baseVal.width < 400",
        arg=width == 390,
    )
    assert page.locator("#inspector .tradeoff .label").count() >= 8
    assert page.evaluate(OVERLAPPING_NAMES_JS) == []
    size_px = page.evaluate(
        "() => document.querySelector('#inspector .tradeoff .label').getBoundingClientRect().height"
    )
    assert 11 <= size_px <= 20


def choose_model(page, words: str) -> None:
    page.locator("#model input").click()
    page.get_by_role("option", name=words).first.click()


def test_another_model_sees_the_same_picture(page, cache):
    before = state(page)
    choose_model(page, "Seg-T-Mask/16")
    after = wait_for_runs(page, before["view"])
    assert after["view"].startswith(before["view"].split("-")[0]) and after["view"].endswith(PUBLISHED)
    picture = EXAMPLES[0].rgb()
    run = mpm.load_segmenter(cache / PUBLISHED).segment(picture, "2,5")
    record = page.evaluate("n => document.querySelector('#inspector .mpm').__inspector.run(n)", "2,5")
    assert record["token_counts"] == run.trace.token_counts
    assert "ADE20K, 150 classes" in page.locator("#model-note").inner_text()
    assert "mIoU against the truth" not in page.locator("#inspector").inner_text(), "other classes"
    choose_model(page, "streets-vit-tiny")
    page.wait_for_function(
        "view => document.querySelector('#inspector .mpm').__inspector.state.view === view",
        arg=before["view"],
    )


def test_a_model_that_cannot_be_downloaded_leaves_the_old_one(page):
    before = state(page)
    choose_model(page, "Seg-B-Mask/16")
    note = page.locator("#model-note")
    page.wait_for_function("document.querySelector('#model-note').innerText.includes('The model stays')")
    assert "cannot be downloaded" in note.inner_text()
    assert page.locator("#model input").input_value().startswith("streets-vit-tiny")
    assert state(page)["view"] == before["view"]


def test_files_from_python_arrive(page, tmp_path):
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Merge map, NPZ").click()
    waiting.value.save_as(tmp_path / "merge.npz")
    with np.load(tmp_path / "merge.npz") as saved:
        assert saved["counts"].tolist() == state(page)["tokenCounts"]


@pytest.mark.parametrize(
    ("name", "content"), [("notes.jpg", b"just text"), ("broken.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40)]
)
def test_a_bad_file_is_one_sentence_and_nothing_is_lost(page, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    before = state(page)
    upload(page, tmp_path / name)
    toast = page.locator("[data-testid=toast-body]").first
    toast.wait_for()
    assert len(toast.inner_text()) > 20 and "Traceback" not in toast.inner_text()
    page.wait_for_timeout(1500)  # what else the page would say of it, it would have said by now
    assert page.locator("[data-testid=toast-body]").count() == 1, "one fault, one message"
    assert state(page)["view"] == before["view"], "the picture before is still there"


def test_two_people_with_the_same_bad_file_are_told_once_each(browser, url, tmp_path):
    (tmp_path / "text.jpg").write_bytes(b"just text")
    contexts = [browser.new_context(viewport={"width": 900, "height": 800}) for _ in range(2)]
    visitors = [open_page(context, url) for context in contexts]
    for visitor in visitors:
        upload(visitor, tmp_path / "text.jpg")
    for visitor in visitors:
        visitor.locator("[data-testid=toast-body]").first.wait_for()
        visitor.wait_for_timeout(1500)
        assert visitor.locator("[data-testid=toast-body]").count() == 1 and not visitor.complaints
    for context in contexts:
        context.close()


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


@pytest.mark.parametrize("size", [(1, 1), (2000, 70)])
def test_odd_pictures_run(page, tmp_path, size):
    path = tmp_path / "odd.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)).save(path)
    before = state(page)
    upload(page, path)
    wait_for_runs(page, before["view"])


def test_two_people_see_their_own_pictures(browser, url, tmp_path):
    contexts = [browser.new_context(viewport={"width": 900, "height": 800}) for _ in range(2)]
    visitors = [open_page(context, url) for context in contexts]
    first = state(visitors[0])["view"]
    for number, visitor in enumerate(visitors):
        path = tmp_path / f"{number}.png"
        Image.fromarray(render_street(80 + number, 200, 160).image).save(path)
        upload(visitor, path)
    views = [wait_for_runs(visitor, first)["view"] for visitor in visitors]
    from app.engine.engine import digest

    expected = [digest(render_street(80 + number, 200, 160).image) for number in range(2)]
    assert [view.split("-")[0] for view in views] == expected
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", [1440, 900, 390])
def test_nothing_sticks_out_or_is_hidden(browser, url, width):
    context = browser.new_context(viewport={"width": width, "height": 900})
    visitor = open_page(context, url)
    assert visitor.evaluate("document.documentElement.scrollWidth") <= width
    ends = visitor.evaluate(
        "[...document.querySelectorAll('#examples button')].map(b => b.getBoundingClientRect().right)"
    )
    frame = visitor.locator("#examples").bounding_box()
    assert len(ends) == len(EXAMPLES) and max(ends) <= frame["x"] + frame["width"], "every example is there"
    context.close()
