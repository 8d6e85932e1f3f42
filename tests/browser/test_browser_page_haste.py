"""The page under a person in haste: many clicks end with the last, and a Start is the race that stays."""

from __future__ import annotations

import pytest
from support.whole_page import (
    pick_example,
    press_block,
    race_of,
    start_race,
    state,
    wait_for,
    wait_for_race,
    wait_for_runs,
    wait_until_shown,
)

from app.engine.pictures import digest
from app.examples import EXAMPLES

pytestmark = pytest.mark.browser

DIGESTS = {example.stem: digest(example.rgb()) for example in EXAMPLES}


def test_another_picture_ends_the_race_that_is_on(page):
    before = state(page)
    start_race(page, 200, seconds=100)
    wait_for_race(page, "s.byHand && s.runs.none > 0")
    pick_example(page, "crowd")
    wait_for_runs(page, before["view"])
    after = wait_for_race(page, "!s.byHand && s.state === 'done'")
    assert after["generation"] == state(page)["generation"] and after["runs"]["none"] <= 21


def test_start_during_the_exploring_is_the_race_that_stays(page):
    before = state(page)
    pick_example(page, "coffee")
    wait_for(page, "s.pending")
    start_race(page, 3)
    wait_for_runs(page, before["view"])
    wait_for_race(page, "s.byHand && s.state === 'done' && s.runs.none === 3")
    # What the page does by itself after a race is over: no other race, but the curves.
    wait_for(page, "s.curves")
    after = race_of(page)
    assert (after["runs"], after["byHand"]) == ({"none": 3, "2,5": 3}, True)


def test_stop_ends_the_race_that_began_by_itself(page):
    wait_for_race(page, "s.state !== null")
    page.locator("#latency-stop").click()
    wait_for_race(page, "['stopped', 'done'].includes(s.state)")
    raced = race_of(page)["race"]
    wait_for(page, "s.curves")
    assert race_of(page)["race"] == raced, "it does not begin again"
    page.locator(".stop[data-schedule='8']").click()
    assert "8" in wait_for_race(page, f"s.race !== '{raced}' && s.state !== 'waiting'")["runs"]


def test_pictures_chosen_in_a_row_end_with_the_last(page, server):
    logged = len(server.runs())
    row = ["camvid-crossing", "camvid-cyclist", "cat", "coffee", "rocket"]
    for name in row:
        pick_example(page, name)
    seen = wait_for(page, "!s.pending && s.digest === given && s.runs.length >= 8", DIGESTS["rocket"])
    assert seen["generation"] == len(row)
    swept = [line for line in server.runs()[logged:] if line["run"] == "sweep"]
    whole = [line for line in swept if line["outcome"] == "ok"]
    assert len(whole) <= 1, "of those before at most one had begun, and that was broken off"


def test_blocks_pressed_in_a_row_end_with_the_last(page, server):
    logged = len(server.runs())
    for block in (7, 9, 10):
        press_block(page, block)
    wait_until_shown(page, "2,5,7,9,10")
    wait_for_race(page, "s.state === 'done' && '2,5,7,9,10' in s.runs")
    whole = [line["schedule"] for line in server.runs()[logged:] if line["run"] == "sweep"]
    assert whole[-1] == "2,5,7,9,10"


def test_stops_chosen_in_a_row_end_with_the_last(page):
    wait_for_race(page, "s.state === 'running'")
    for recipe in ("8", "2,5,8", "5"):
        with page.expect_request(lambda asked, recipe=recipe: is_told(asked, recipe)):
            page.locator(f"#inspector .stop[data-schedule='{recipe}']").click()
    after = wait_for_race(page, "s.state === 'done' && '5' in s.runs")
    assert after["runs"].keys() == {"none", "5"}


def is_told(request, recipe: str) -> bool:
    """Whether the browser tells Python of that recipe."""
    body = request.post_data or ""
    return '"kind":"recipe"' in body and f'"recipe":"{recipe}"' in body
