"""Two visitors: looking goes before measuring, and a click that was overtaken starts no run."""

from __future__ import annotations

import pytest
from support.patience import until
from support.whole_page import (
    LATENCY,
    PUBLISHED,
    choose_model,
    open_page,
    pick_example,
    start_race,
    state,
    wait_for,
    wait_for_race,
    wait_for_runs,
)

from app.examples import EXAMPLES

pytestmark = pytest.mark.browser

RECORD_JS = """() => {
  window.moments = [];
  window.addEventListener('mpm-race', ({ detail }) => {
    if (detail.kind === 'race' && detail.by_hand) window.moments.push(detail.state);
  });
}"""
CLICK_JS = "names => names.forEach((name) => document.querySelector(`[data-example=${name}]`).click())"
"""Faster than the first click's run."""
SIZES = {example.stem: list(example.rgb().shape[1::-1]) for example in EXAMPLES}


@pytest.fixture
def pair(browser, url):
    """Visitor A, who races by hand for a minute, and visitor B."""
    contexts = [browser.new_context(viewport={"width": 1440, "height": 900}) for _ in range(2)]
    racer, other = (open_page(context, url) for context in contexts)
    racer.evaluate(RECORD_JS)
    start_race(racer, 200, seconds=60)
    wait_for_race(racer, "s.byHand && s.runs.none > 0")
    yield racer, other
    assert racer.complaints == other.complaints == []
    for context in contexts:
        context.close()


def runs_of(page) -> int:
    return page.evaluate(f"Math.min(...Object.values({LATENCY}.runs))")


def test_a_race_by_hand_is_held_while_another_looks_and_goes_on(pair):
    racer, other = pair
    before = state(other)["view"]
    at_click = runs_of(racer)
    racer.evaluate("window.moments.length = 0")
    pick_example(other, "rain")
    wait_for(other, "!s.pending && s.view !== given", before)
    racer.wait_for_function("window.moments.includes('held')")
    wait_for_runs(other, before)
    now = wait_for_race(racer, f"s.byHand && s.state === 'running' && s.runs.none > {at_click}")
    assert now["runs"]["none"] < 200, "the view did not wait for the race's end"
    moments = racer.evaluate("window.moments")
    assert "running" in moments[moments.index("held") :]


def sweeps_since(server, logged: int) -> list[dict]:
    """Those in which something ran."""
    lines = (line for line in server.runs()[logged:] if line["run"] == "sweep")
    return [line for line in lines if line["parts_ms"] and line["model"] == PUBLISHED]


def test_overtaken_clicks_start_no_run(pair, server):
    racer, other = pair
    choose_model(other, PUBLISHED)  # of which no other test leaves runs of these pictures
    before = wait_for_runs(other, state(other)["view"])["view"]
    logged = len(server.runs())
    other.evaluate(CLICK_JS, ["camvid-crossing", "cat", "coffee", "afternoon"])
    wait_for_runs(other, before)
    assert state(other)["source"] == {"example": "afternoon"}
    until(lambda: any(line["outcome"] == "ok" for line in sweeps_since(server, logged)))
    *between, last = sweeps_since(server, logged)
    assert (last["size_px"], last["outcome"]) == (SIZES["afternoon"], "ok")
    assert [line["outcome"] for line in between] in ([], ["stopped"]), "only a run that had begun is ended"
    wait_for_race(racer, "s.byHand && ['running', 'held'].includes(s.state)")


def test_recipes_pressed_in_a_row_run_once(pair, server):
    racer, other = pair
    logged = len(server.runs())
    for block in (1, 3, 7):
        other.locator("[data-role=strip] button").nth(block).click()
    wait_for(other, "s.shown === '1,2,3,5,7'")
    ran = [line["schedule"] for line in server.runs()[logged:] if line["run"] == "sweep" and line["parts_ms"]]
    assert ran[-1] == "1,2,3,5,7" and len(ran) <= 2
