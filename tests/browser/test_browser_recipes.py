"""Options and named recipes in a browser: what they ask for, in texts that are Python's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.inspector_browser import close_panel, events, open_panel, state
from support.inspector_data import NAMED

import app
from app.scripts import joined
from mpm.merging.elsewhere import ELSEWHERE
from mpm.merging.recipe import Recipe

pytestmark = pytest.mark.browser
RECIPE_JS = Path(app.__file__).parent / "js" / "recipe.js"
MENU = "select[data-ref=named]"
TEXTS = (
    "none",
    "5,2",
    "2,5|weighted,sizes",
    "2|weighted",
    "2,5|432px,sizes,residual,decode-merged,after-attention",
    "2,5|copy,sizes,sizes",
    "none|residual,432px,sizes",
    "2|432px,round16,sizes,round032",
    "2,5|round1",
    "none|round32",
    "random@8+mutual@5,2|sizes,residual",
    "bipartite(0.2,keys=true)@3+windows(0.97)@1+5|decode-merged,weighted",
    *(one["text"] for one in NAMED),
)


def asked(page) -> list[str]:
    return [event["recipe"] for event in events(page, "custom")]


def box(page, name: str):
    return page.locator(f"[data-option={name}]")


def test_the_browser_writes_recipes_as_python_does(browser):
    page, code = browser.new_page(), joined(RECIPE_JS)
    written = page.evaluate(
        f"(texts) => {{ {code}; return texts.map((text) => textOf(partsOf(text))); }}",
        list(TEXTS),
    )
    page.close()
    assert written == [str(Recipe.parse(text)) for text in TEXTS]


def test_options_are_asked_for_and_kept_by_stops_blocks_and_methods(open_page):
    page = open_page()
    open_panel(page, "Recipe")
    box(page, "sizes").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert asked(page) == ["2,5|sizes", "2,5|residual,sizes"]
    close_panel(page)
    page.locator(".stop").nth(3).click()
    page.locator(".encoder-block").nth(7).click()
    page.locator("select[data-ref=method]").select_option("bipartite")
    open_panel(page, "Recipe")
    box(page, "sizes").uncheck()
    assert asked(page)[2:] == [
        "2|residual,sizes",
        "2,7|residual,sizes",
        "bipartite@2,7|residual,sizes",
        "bipartite@2,7|residual",
    ]
    page.wait_for_function("() => location.hash.includes('recipe=bipartite@2,7%7Cresidual&')")
    assert state(open_page(page.evaluate("location.hash")))["options"] == ["residual"]


def test_nothing_to_choose_where_nothing_merges(open_page):
    page = open_page("#schedule=2|decode-merged")
    open_panel(page, "Recipe")
    box(page, "residual").check()
    close_panel(page)
    page.locator(".stop").first.click()
    assert state(page)["schedule"] == "none"
    for name in ("residual", "sizes", "decode-merged", "round32"):
        assert box(page, name).is_disabled()
    titles = page.locator(".option").evaluate_all("(labels) => labels.map(({ title }) => title)")
    assert all("merges nothing" in title for title in titles)
    page.locator(".encoder-block").nth(4).click()
    assert state(page)["schedule"] == "4|decode-merged,residual", "the choice of before is still there"
    titles = page.locator(".option").evaluate_all("(labels) => labels.map(({ title }) => title)")
    assert all(title.count(".") == 1 for title in titles)


def test_a_named_recipe_is_its_text(open_page):
    page = open_page()
    open_panel(page, "Recipe")
    names = page.locator(f"{MENU} option").all_text_contents()
    assert names == ["your own choice", *(one["title"] for one in NAMED)]
    for one in NAMED:
        page.locator(MENU).select_option(label=one["title"])
        assert state(page)["schedule"] == asked(page)[-1] == one["text"]
        line = page.locator("[data-ref=recipeText]")
        assert line.locator("code").inner_text() == one["text"]
        assert one["source"] in line.get_attribute("title")
        assert page.locator(".stop[data-chosen=true]").inner_text() == one["title"].split(",")[0]
    close_panel(page)
    page.locator(".stop").nth(4).click()
    assert state(page)["schedule"] == "bipartite(above=0.9,keys=true)@2,5|sizes", (
        "its place in the block is its own"
    )
    assert page.locator(f"{MENU} option:checked").text_content() == "your own choice"


def test_what_cannot_run_here_is_told_on_request(open_page):
    page = open_page(width=390)
    assert not page.locator(".elsewhere table").is_visible()
    page.locator(".elsewhere summary").press("Enter")
    assert page.locator(".elsewhere tbody th").all_inner_texts() == [one.name for one in ELSEWHERE]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
