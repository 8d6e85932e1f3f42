"""The page under a person in haste: many clicks end with the last, and a Start is the race that stays."""

from __future__ import annotations

import pytest
from support.whole_page import race_of, start_race, state, wait_for_race, wait_for_runs

pytestmark = pytest.mark.browser


def test_another_picture_ends_the_race_that_is_on(page):
    before = state(page)
    automatic = wait_for_race(page, "s.state === 'running'")
    start_race(page, 200)
    running = wait_for_race(page, f"s.race !== '{automatic['race']}' && s.state === 'running'")
    page.locator("#examples button img").nth(1).click()
    wait_for_runs(page, before["view"])
    after = wait_for_race(page, f"s.race !== '{running['race']}' && s.state === 'done'")
    assert after["runs"]["none"] <= 9, "the new picture's automatic race"


def test_start_during_the_exploring_is_the_race_that_stays(page):
    before = state(page)
    shown = page.locator("#picture img").first.get_attribute("src")
    page.locator("#examples button img").nth(2).click()
    page.wait_for_function(
        "src => document.querySelector('#picture img')?.getAttribute('src') !== src", arg=shown
    )
    page.wait_for_timeout(200)  # the change is noted
    start_race(page, 3)
    wait_for_runs(page, before["view"])
    wait_for_race(page, "s.state === 'done' && s.runs.none === 3")
    page.wait_for_function("() => document.querySelectorAll('#inspector .tradeoff .control').length === 7")
    assert race_of(page)["runs"] == {"none": 3, "2,5": 3}, "the automatic race does not follow it"


def test_pictures_chosen_in_a_row_end_with_the_last(page):
    for number in (1, 2, 3, 4, 5):
        page.locator("#examples button img").nth(number).click()
        page.wait_for_timeout(60)
    from app.engine.engine import digest
    from app.inspector.handlers import shipped_examples

    expected = digest(shipped_examples()[5].rgb())
    page.wait_for_function(
        "expected => { const s = document.querySelector('#inspector .mpm').__inspector.state;"
        " return s.view.startsWith(expected) && s.runs.length === 8; }",
        arg=expected,
    )


def test_blocks_pressed_in_a_row_end_with_the_last(page):
    for block in (7, 9):
        page.locator("#inspector [data-ref=strip] button").nth(block).click()
    page.wait_for_function("document.querySelector('#inspector .mpm').__inspector.state.shown === '2,5,7,9'")
    wait_for_race(page, "s.state === 'done' && '2,5,7,9' in s.runs")


def test_stops_chosen_in_a_row_end_with_the_last(page):
    wait_for_race(page, "s.state === 'running'")
    for schedule in ("8", "2,5,8", "5"):
        page.locator(f"#inspector .stop[data-schedule='{schedule}']").click()
        page.wait_for_timeout(320)  # each is told to Python
    wait_for_race(page, "s.state === 'done' && '5' in s.runs")
    assert race_of(page)["runs"].keys() == {"none", "5"}
