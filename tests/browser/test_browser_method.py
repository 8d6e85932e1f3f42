"""The menu of methods in a browser: what it asks for, and that the page then tells what the library does."""

from __future__ import annotations

import pytest
from support.inspector_browser import events, state
from support.inspector_page import settle
from support.whole_page import state as page_state
from support.whole_page import wait_until_shown

import mpm
from app.examples import EXAMPLES

pytestmark = pytest.mark.browser
METHOD = "select[data-ref=method]"


def asked(page) -> list[str]:
    return [event["recipe"] for event in events(page, "custom")]


def wait_for_asked(page, many: int) -> None:
    page.wait_for_function(f"window.events.filter(([name]) => name === 'custom').length >= {many}")


def test_a_method_and_its_parameters_are_asked_for(open_page):
    page = open_page()
    titles = page.locator(f"{METHOD} option").all_inner_texts()
    assert titles == [rule.title for rule in mpm.rules()]
    page.locator(METHOD).select_option("bipartite")
    settle(page)
    assert "ToMe" in page.locator("[data-ref=methodAbout]").text_content()
    share = page.locator("[data-parameter=share]")
    share.fill("0.3")
    share.blur()
    page.locator("[data-parameter=share]").fill("0.9")
    page.locator("[data-parameter=share]").blur()
    wait_for_asked(page, 2)
    assert asked(page) == ["bipartite@2,5", "bipartite(0.3)@2,5"], "what is not allowed is not asked"
    assert state(page)["method"] == "bipartite(0.3)"
    page.locator(".encoder-block").nth(7).click()
    page.locator(".stop").nth(3).click()
    wait_for_asked(page, 4)
    assert asked(page)[2:] == ["bipartite(0.3)@2,5,7", "bipartite(0.3)@2"]
    page.locator(".stop").first.click()
    assert state(page)["schedule"] == "none" and state(page)["method"] == "bipartite(0.3)"
    page.locator(METHOD).select_option("mutual")
    page.locator("[data-parameter=window]").fill("4")
    page.locator("[data-parameter=window]").blur()
    assert state(page)["method"] == "mutual(window=4)"


def test_a_link_may_hold_any_recipe(open_page):
    page = open_page("#schedule=random@1%2Bbipartite(0.2)@5,3%7Csizes")
    assert asked(page) == ["random@1+bipartite(0.2)@3,5|sizes"]
    page.locator(".encoder-block").nth(3).click()
    wait_for_asked(page, 2)
    assert asked(page)[1] == "random@1+bipartite(0.2)@5|sizes"
    page.wait_for_function("() => location.hash.includes('@5%7Csizes')")
    assert state(open_page(page.evaluate("location.hash")))["schedule"] == asked(page)[1]


@pytest.mark.parametrize("recipe", ["nobody@2", "2@5", "random@99", "random@x", "<b>@2"])
def test_a_link_to_no_recipe_is_ignored(open_page, recipe):
    page = open_page(f"#schedule={recipe}")
    assert state(page)["schedule"] == "2,5" and not asked(page)


def test_the_page_tells_what_the_rule_did(page):
    page.locator(METHOD).select_option("bipartite")
    wait_until_shown(page, "bipartite@2,5")
    run = mpm.load_segmenter("streets-vit-tiny").segment(EXAMPLES[0].rgb(), "bipartite@2,5")
    shown = page_state(page)
    assert shown["tokenCounts"] == run.trace.token_counts
    assert shown["groups"] == run.trace.groups(2).ravel().tolist()
    page.locator("[data-ref=mergeTop]").focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    patch = page_state(page)["pinned"]
    page.wait_for_function("document.querySelectorAll('#inspector .history .what').length === 2")
    said = page.locator("#inspector .history .what").all_inner_texts()
    for stage, words in enumerate(said):
        expected = run.trace.why(patch, stage).replace("row ", "").replace(", column ", " ")
        assert words.replace("row ", "").replace("col ", "") == expected
    page.locator(METHOD).select_option("mutual")
    wait_until_shown(page, "2,5")
