"""Methods side by side in a browser: one recipe against another, curves, features, what is not here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.inspector_browser import BASELINE, RUNS, VIEW, centre, events, pixel, state
from support.inspector_page import HANDLE, settle
from support.whole_page import state as page_state
from support.whole_page import wait_for_runs

from app.inspector.curves import Curve, Curves, encode_curves
from app.inspector.features_message import encode_features
from app.inspector.payload import encode, encode_runs
from mpm.segmenters.feature_colours import FeatureColours

pytestmark = pytest.mark.browser

FIRST = {name: RUNS[name] for name in ("2,5", "none")}
COUNTS = RUNS["2,5"].trace.token_counts
GONE = [before - after for before, after in zip(COUNTS, COUNTS[1:], strict=False)]
RIVAL = f"bipartite(count={GONE[0]})@2+bipartite(count={GONE[1]})@5"
ROWS, COLS = RUNS["2,5"].grid.rows, RUNS["2,5"].grid.cols


def against(page, value: str) -> None:
    page.locator("[data-ref=against]").select_option(value)
    settle(page)


def send(page, message: str, condition: str) -> None:
    page.evaluate("(message) => window.send(message)", message)
    page.wait_for_function(f"() => {{ const s = {HANDLE}.state; return {condition}; }}")
    settle(page)


def wait_for_event(page, name: str) -> dict:
    page.wait_for_function("(name) => window.events.some(([own]) => own === name)", arg=name)
    return events(page, name)[-1]


def put_against_tome(page) -> None:
    against(page, "equal:bipartite")
    assert wait_for_event(page, "missing")["schedules"] == [RIVAL]
    message = encode_runs(VIEW, {RIVAL: RUNS["2,5,8"]}, baseline=BASELINE)
    send(page, message, f"s.rival === '{RIVAL}'")


def test_tome_at_equal_tokens_is_asked_for_beside_the_wish(open_page):
    page = open_page()
    put_against_tome(page)
    assert state(page)["schedule"] == "2,5" and events(page, "custom") == []
    assert page.locator("[data-ref=besideName]").inner_text() == "ToMe at equal tokens"
    assert page.locator("[data-ref=mergedName]").inner_text() == "MPM"


def test_everything_compares_the_two(open_page):
    page = open_page()
    put_against_tome(page)
    same = float((RUNS["2,5,8"].labels == RUNS["2,5"].labels).mean())
    head = page.locator("[data-role=headline]").inner_text()
    assert f"MPM {COUNTS[-1]} tokens · ToMe {RUNS['2,5,8'].trace.token_counts[-1]} tokens" in head
    assert f"{np.floor(same * 1000) / 10:.1f} % of the two masks is the same" in head
    assert page.evaluate(f"{HANDLE}.comparison().agreement") == pytest.approx(same)
    assert "against ToMe" in page.locator("[data-ref=lostTitle]").inner_text()
    heads = page.locator("[data-ref=classes] thead th").all_inner_texts()
    assert heads[1:3] == ["ToMe", "MPM"]
    against(page, "")
    unmerged = float((BASELINE.labels == RUNS["2,5"].labels).mean())
    assert page.evaluate(f"{HANDLE}.comparison().agreement") == pytest.approx(unmerged)
    assert page.locator("[data-ref=besideName]").inner_text() == "unmerged"


def test_the_merges_of_either_are_shown_and_both_tell_their_reasons(open_page):
    page = open_page()
    put_against_tome(page)
    page.mouse.click(*centre(page, 40))
    settle(page)
    assert page.locator(".readout .whose").all_inner_texts()[0].startswith("MPM")
    assert page.locator(".readout .history").count() == 2
    assert f"{COUNTS[-1]} tokens" in page.locator("[data-ref=mergeCaption]").inner_text()
    page.locator("[data-ref=sides] button[data-value=rival]").click()
    settle(page)
    left = RUNS["2,5,8"].trace.token_counts[-1]
    assert f"{left} tokens" in page.locator("[data-ref=mergeCaption]").inner_text()
    assert page.locator("[data-ref=stages] [role=radio]").count() == 4


def test_the_link_holds_it_and_another_model_drops_it(open_page):
    page = open_page()
    page.locator("[data-ref=against]").press("Shift")  # a person's choice begins with a key or a press
    against(page, "pin")
    page.wait_for_function("() => location.hash.includes('against=2,5')")
    again = open_page(page.evaluate("location.hash"))
    assert again.locator("[data-ref=against]").input_value() == "2,5"
    runs = {name: RUNS[name] for name in ("2", "none")}
    shallow = encode(replace(VIEW, key="shallow", depth=4, schedules=("none", "2")), runs, selected="2")
    send(again, shallow, "s.view === 'shallow'")
    assert state(again)["against"] is None
    assert "does not fit" in again.locator("[data-role=notice]").inner_text()


def curves(done: int) -> str:
    def points(*pairs):
        return tuple({"schedule": text, "kept": kept, "agreement": alike} for text, kept, alike in pairs)

    told = (
        Curve("mutual", "Mutual pairs", points(("2,5", 0.6, 0.98), ("5", 0.75, 0.99))),
        Curve("bipartite", "Bipartite (ToMe)", points(("bipartite(0.2)@2,5", 0.64, 0.97))),
        Curve("random", "Random pairs", points(("random@2,5", 0.6, 0.4))),
        Curve("energy", "Energy (PiToMe)", (), "This picture is too small for it."),
        Curve("smaller-picture", "Smaller picture", points(("none|432px", 0.7, 0.96))),
    )
    return encode_curves(VIEW.key, Curves(told, done, 9))


def test_methods_are_curves_that_fill_in(open_page):
    page = open_page()
    send(page, curves(4), "s.curves")
    assert page.locator("[data-ref=curvesProgress]").inner_text().endswith("4 of 9 runs are in")
    assert page.locator(".curve").count() == 4
    assert page.locator(".tradeoff .break").count() == 1, "random pairs have a strip of their own"
    assert "PiToMe is left out: This picture is too small" in page.locator("[data-ref=leftOut]").inner_text()
    assert page.locator("[data-ref=chartRows] tr").count() == 5
    send(page, curves(9), "s.curves")
    assert not page.locator("[data-ref=curvesProgress]").is_visible()


def test_points_put_their_recipe_on_but_a_smaller_picture_cannot(open_page):
    page = open_page()
    send(page, curves(9), "s.curves")
    page.locator("[data-point='none|432px']").focus()
    assert "cannot draw it" in page.locator("[data-ref=chartTip]").inner_text()
    page.keyboard.press("Enter")
    assert state(page)["schedule"] == "2,5"
    page.locator("[data-point='bipartite(0.2)@2,5']").press("Enter")
    assert events(page, "custom")[-1]["recipe"] == "bipartite(0.2)@2,5"


def test_a_method_alone(open_page):
    page = open_page()
    send(page, curves(9), "s.curves")
    random = page.locator(".legend-item[data-method=random]")
    random.press("Enter")
    settle(page)
    assert random.get_attribute("aria-pressed") == "true"
    shown = page.locator(".curve").evaluate_all("(all) => all.map((one) => one.dataset.method)")
    assert sorted(shown) == ["mutual", "random"]
    random.press("Enter")
    settle(page)
    assert page.locator(".curve").count() == 4


def test_methods_are_measured_on_request(open_page):
    page = open_page()
    send(page, curves(9), "s.curves")
    page.locator("[data-ref=tradeoffAxis] button").nth(1).click()
    page.locator("[data-ref=measureMethods]").click()
    asked = events(page, "race")[-1]
    assert "none|432px" in asked["rivals"] and "random@2,5" not in asked["rivals"]
    assert len(asked["rivals"]) <= 8 and asked["generation"] == state(page)["generation"]
    assert page.locator("[data-ref=measureMethods]").is_disabled()
    race = {
        "kind": "race", "race": "r", "generation": asked["generation"], "picture": "x", "model": "y",
        "by_hand": True, "state": "done", "scope": "picture to mask",
        "contenders": [{"schedule": "none", "ms": [200] * 9, "speedup": None}],
    }  # fmt: skip
    page.evaluate("(message) => window.race(message)", race)
    settle(page)
    assert page.locator("[data-ref=measureMethods]").is_enabled()


def unsure_view() -> str:
    view = replace(VIEW, key="unsure", is_unsure=True, can=("features", "custom"))
    return encode(view, FIRST, selected="2,5")


def features(recipe: str = "2,5") -> str:
    red = np.zeros((ROWS, COLS, 3), np.uint8)
    red[..., 0] = 255
    return encode_features("unsure", recipe, FeatureColours(red, red[..., ::-1].copy(), (0.3, 0.15, 0.07)))


def test_features_come_first_where_the_model_is_unsure(open_page):
    page = open_page()
    send(page, unsure_view(), "s.view === 'unsure'")
    assert state(page)["maskMode"] == "features"
    assert wait_for_event(page, "features")["recipe"] == "2,5"
    send(page, features(), "s.features.length === 1")
    assert "52 % of all differences" in page.locator("[data-ref=maskCaption]").inner_text()
    assert pixel(page, 60, "baselineBase", "baseline")[0] > 200, "red, the unmerged ones"
    assert pixel(page, 60, "maskBase", "mask")[2] > 150, "blue, the merged ones"
    assert not page.locator("[data-ref=classes]").is_visible()
    page.locator("[data-act=classes]").click()
    assert state(page)["maskMode"] == "merged"
    page.locator("[data-act=features]").click()
    settle(page)
    assert len(events(page, "features")) == 1, "asked once a recipe"


def test_the_choice_of_before_comes_back_with_a_picture_that_the_model_knows(open_page):
    page = open_page("#masks=changes")
    send(page, unsure_view(), "s.view === 'unsure'")
    assert state(page)["maskMode"] == "features"
    send(page, encode(replace(VIEW, key="known"), FIRST, selected="2,5"), "s.view === 'known'")
    assert state(page)["maskMode"] == "changes" and not page.locator("[data-ref=unsure]").is_visible()


def test_what_is_not_here_is_told_at_the_method(open_page):
    page = open_page()
    page.locator("[data-ref=recipePop] summary").click()
    line = page.locator("[data-act=elsewhere]")
    assert line.inner_text().startswith("Not here: ")
    line.click()
    assert page.locator(".elsewhere table").is_visible()


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_is_wider_than_the_screen(open_page, width):
    page = open_page(width=width)
    put_against_tome(page)
    send(page, curves(9), "s.curves")
    page.locator("[data-ref=chartTable] summary").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_on_the_page_tome_at_equal_tokens_has_as_many_tokens(page):
    wait_for_runs(page)
    page.locator("#inspector [data-ref=against]").select_option("equal:bipartite")
    page.wait_for_function("document.querySelector('#inspector .mpm').__inspector.state.rival")
    now = page_state(page)
    assert now["rivalCounts"] == now["tokenCounts"] and now["rival"].startswith("bipartite(count=")
