"""Picking pictures and models on the explorer alone: what takes the screen, what is sent, what comes back."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from support.inspector_browser import BASELINE, MESSAGES, RUNS, VIEW, events, send, state
from support.inspector_page import HANDLE, settle

from app.engine.pictures import Picture
from app.inspector.payload import encode, encode_explored, encode_failure, encode_picture, encode_waiting

pytestmark = pytest.mark.browser

ANOTHER = replace(VIEW, key="new-made-up", title="Another", picture="new")
PICTURE = Picture(VIEW.image, "new", "Another")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def view_message(generation: int) -> str:
    runs = {"2,5": RUNS["2,5"], "none": BASELINE}
    return encode(ANOTHER, runs, selected="2,5", generation=generation)


def tell(page, message: str) -> dict:
    """By the window's event, as the relays do."""
    heard = page.evaluate(f"{HANDLE}.stats.messages")
    page.evaluate("(message) => window.relay(message)", message)
    page.wait_for_function(f"{HANDLE}.stats.messages > {heard}")
    return state(page)


def pick(page, name: str = "cat") -> dict:
    page.locator(f"[data-example={name}]").click()
    return state(page)


@pytest.fixture
def first(open_page):
    page = open_page()
    send(page, "rest", "s.runs.length === 8")
    page.evaluate("window.events.length = 0")
    return page


def test_an_example_takes_the_screen_and_its_view_follows(first):
    seen = pick(first)
    assert (seen["pending"]["title"], seen["generation"], seen["acts"]["view"]) == ("Cat", 1, 1)
    assert events(first, "open") == [
        {"generation": 1, "picture": None, "model": "made-up", "recipe": "2,5", "source": {"example": "cat"}}
    ]
    assert first.locator("[data-role=headline]").inner_text().strip() == ""
    assert first.locator("[data-example=cat]").get_attribute("aria-pressed") == "true"
    assert (
        first.locator("[data-example=street]").get_attribute("aria-label") == "High street, synthetic street"
    )
    seen = tell(first, encode_picture(PICTURE, 1, patches=192))
    assert (seen["pending"]["digest"], seen["pending"]["patches"]) == ("new", 192)
    assert first.locator("[data-ref=waiting]").inner_text() == "Cutting into 192 patches…"
    tell(first, encode_waiting(1, "1 person ahead, about 2 s"))
    assert first.locator("[data-ref=waiting]").inner_text() == "1 person ahead, about 2 s…"
    seen = tell(first, view_message(1))
    assert (seen["view"], seen["pending"], seen["exploring"]["done"]) == ("new-made-up", None, 2)
    seen = tell(first, encode_explored("new-made-up", 1, ["2,5", "none"]))
    assert seen["exploring"] is None
    assert [asked["picture"] for asked in events(first, "race")] == ["new"]


def test_what_belongs_to_an_older_act_changes_nothing(first):
    pick(first)
    pick(first, "street")
    for message in (encode_picture(PICTURE, 1), view_message(1), encode_failure("open", 1, "Too late.")):
        seen = tell(first, message)
        assert (seen["pending"]["title"], seen["notice"], seen["view"]) == ("High street", None, "picture")
    assert tell(first, view_message(2))["view"] == "new-made-up"


def test_where_opening_fails_the_picture_before_comes_back(first):
    pick(first)
    seen = tell(first, encode_failure("open", 1, "The JPEG file is broken."))
    assert (seen["pending"], seen["view"], seen["source"]) == (None, "picture", {"example": "street"})
    alert = first.locator("[role=alert]:visible")
    assert alert.inner_text() == "The JPEG file is broken."
    assert "patches became" in first.locator("[data-role=headline]").inner_text()
    pick(first)
    assert alert.count() == 0


def test_a_model_opens_the_same_picture_and_failing_goes_back(first):
    first.locator("[data-ref=model]").select_option("other")
    settle(first)
    assert [asked["model"] for asked in events(first, "open")] == ["other"]
    seen = tell(first, encode_failure("open", 1, "It cannot be downloaded."))
    assert (seen["model"], first.locator("[data-ref=model]").input_value()) == ("made-up", "made-up")


def test_a_file_is_sent_and_the_old_picture_given_up_at_once(first):
    first.locator("[data-role=file]").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": PNG}
    )
    first.wait_for_function(f"{HANDLE}.state.pending?.src")
    assert [name for name, _ in first.evaluate("window.events")] == ["act", "open"]
    assert events(first, "open")[0]["source"] == {"upload": "/uploads/me.png", "name": "me.png"}
    tell(first, encode_picture(PICTURE, 1))
    tell(first, view_message(1))
    # The server has forgotten it: the browser sends it again, under the same view.
    gone = "This picture is not kept here any more: please pick it again."
    seen = tell(first, encode_failure("patch", 1, gone))
    assert (first.evaluate("window.uploads"), seen["pending"], seen["notice"]) == (["me.png"] * 2, None, None)


DROP = """(name) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(10)], name, { type: name.endsWith('png') ? 'image/png' : '' }));
    const tell = (kind) => document.body.dispatchEvent(
        new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
    tell('dragover');
    const veil = !document.querySelector('[data-role=veil]').hidden;
    const isKept = !tell('drop');
    return [veil, isKept, !document.querySelector('[data-role=veil]').hidden];
}"""


def test_a_drop_anywhere_is_taken_and_the_page_stays(first):
    assert first.evaluate(DROP, "me.png") == [True, True, False]
    assert state(first)["pending"]["title"] == "me"
    assert first.evaluate(DROP, "me.pdf")[1]
    seen = state(first)
    assert (seen["notice"], seen["pending"]["title"]) == ("“me.pdf” is no picture.", "me")


def test_a_paste_is_taken(first):
    first.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(10)], 'image.png', { type: 'image/png' }));
            const how = { clipboardData: data, bubbles: true, cancelable: true };
            document.body.dispatchEvent(new ClipboardEvent('paste', how));
        }"""
    )
    settle(first)
    assert state(first)["pending"]["title"] == "image"


def test_a_link_in_an_open_tab_is_followed_and_what_is_unknown_named(first):
    first.evaluate("location.hash = '#example=cat&model=made-up&recipe=5&stage=0'")
    first.wait_for_function(f"{HANDLE}.state.pending")
    assert events(first, "open")[0]["recipe"] == "5"
    runs = {"5": RUNS["5"], "none": BASELINE}
    seen = tell(first, encode(ANOTHER, runs, selected="5", generation=1))
    assert (seen["shown"], seen["stage"]) == ("5", 0)
    first.evaluate("location.hash = '#example=nope&recipe=99&stage=1'")
    first.wait_for_function(f"{HANDLE}.state.notice")
    seen = state(first)
    assert "an example “nope” and a recipe “99”" in seen["notice"]
    assert (seen["view"], seen["stage"]) == ("new-made-up", 1)


def race(runs: int, **rest) -> dict:
    sides = [("none", 200.0, None), ("2,5", 100.0, [2.0, 1.9, 2.1])]
    contenders = [{"schedule": name, "ms": [ms] * runs, "speedup": up} for name, ms, up in sides]
    return {
        "kind": "race", "race": "race 1", "generation": 0, "picture": "", "model": "", "by_hand": False,
        "state": "running", "scope": "picture to mask", "contenders": contenders, **rest,
    }  # fmt: skip


def test_one_figure_of_speed_after_enough_runs(open_page):
    page = open_page()
    page.evaluate(
        "(m) => window.relay(m)",
        encode(
            replace(VIEW, key="new-m", picture="new"), {"none": BASELINE, "2,5": RUNS["2,5"]}, selected="2,5"
        ),
    )
    page.wait_for_function(f"{HANDLE}.state.view === 'new-m'")
    for runs, words in ((4, "measuring, 4 of 7"), (9, "2.00× faster here (1.90–2.10, 9 runs)")):
        page.evaluate("(m) => window.race(m)", race(runs, picture="new", model="m"))
        settle(page)
        assert page.locator("[data-part=fast]").inner_text() == words
        assert page.locator("[data-side=merged] .tick").count() == runs


def test_saving_shows_that_it_works(open_page):
    page = open_page()
    button = page.locator("[data-save=mask]")
    message = encode(replace(VIEW, can=("mask",)), {"none": BASELINE, "2,5": RUNS["2,5"]}, selected="2,5")
    page.evaluate("(m) => window.relay(m)", message)
    button.click()
    settle(page)
    assert button.get_attribute("aria-busy") == "true"
    assert events(page, "save")[0]["what"] == "mask"
    tell(page, encode_failure("save", 0, "No room."))
    assert (button.get_attribute("aria-busy"), state(page)["notice"]) == ("false", "No room.")


def test_messages_twice_are_harmless(first):
    message = MESSAGES["other"]()
    for _ in range(2):
        tell(first, message)
    assert state(first)["view"] == "other"
