"""What goes wrong on the whole page is told once, in one sentence, to whom it concerns."""

from __future__ import annotations

import pytest
from PIL import Image
from support.whole_page import notice, open_page, pick_example, state, upload, wait_for, wait_for_runs

from app.engine.pictures import digest
from mpm.streets import render_street

pytestmark = pytest.mark.browser

LISTEN_JS = """() => {
  window.said = [];
  const listen = () => {
    const lines = document.querySelectorAll('[role=alert], [data-testid=toast-body]');
    for (const text of [...lines].map((line) => line.innerText.trim()))
      if (text && !window.said.includes(text)) window.said.push(text);
  };
  const all = { subtree: true, childList: true, characterData: true };
  new MutationObserver(listen).observe(document.body, all);
}"""
"""Records whatever is said of a fault, in the explorer's line or in a toast of Gradio's."""


def upload_bad(visitor, path) -> str:
    """The sentence about a bad file."""
    visitor.evaluate(LISTEN_JS)
    upload(visitor, path)
    wait_for(visitor, "s.notice")
    return notice(visitor).inner_text()


def told_until_now(visitor) -> list[str]:
    """What was said, once an example was opened and seen: whatever the server had to say came before."""
    before = state(visitor)["view"]
    pick_example(visitor, "dusk")
    wait_for_runs(visitor, before)
    return visitor.evaluate("window.said")


@pytest.mark.parametrize(
    ("name", "content"), [("notes.jpg", b"just text"), ("broken.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40)]
)
def test_a_bad_file_is_one_sentence_and_nothing_is_lost(page, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    before = state(page)
    sentence = upload_bad(page, tmp_path / name)
    assert len(sentence) > 20 and "Traceback" not in sentence and sentence.endswith(".")
    after = state(page)
    kept = ("view", "digest", "source", "shown", "pending", "groups")
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    assert told_until_now(page) == [sentence], "one fault, one message"
    assert not notice(page).is_visible()


def test_two_people_with_the_same_bad_file_are_told_once_each(browser, url, tmp_path):
    (tmp_path / "text.jpg").write_bytes(b"just text")
    contexts = [browser.new_context(viewport={"width": 900, "height": 800}) for _ in range(2)]
    visitors = [open_page(context, url) for context in contexts]
    sentences = [upload_bad(visitor, tmp_path / "text.jpg") for visitor in visitors]
    assert [told_until_now(visitor) for visitor in visitors] == [[sentence] for sentence in sentences]
    assert [visitor.complaints for visitor in visitors] == [[], []]
    for context in contexts:
        context.close()


def test_two_people_see_their_own_pictures(browser, url, tmp_path):
    contexts = [browser.new_context(viewport={"width": 900, "height": 800}) for _ in range(2)]
    visitors = [open_page(context, url) for context in contexts]
    first = state(visitors[0])["view"]
    streets = [render_street(80 + number, 200, 160).image for number in range(2)]
    for number, visitor in enumerate(visitors):
        path = tmp_path / f"{number}.png"
        Image.fromarray(streets[number]).save(path)
        upload(visitor, path)
    seen = [wait_for_runs(visitor, first)["digest"] for visitor in visitors]
    assert seen == [digest(street) for street in streets]
    for context in contexts:
        context.close()


def test_a_link_names_what_it_cannot_open_and_a_pasted_one_is_followed(page):
    before = state(page)
    page.evaluate("location.hash = '#example=night&recipe=5&masks=changes'")
    seen = wait_for_runs(page, before["view"])
    assert (seen["source"], seen["shown"], seen["maskMode"]) == ({"example": "night"}, "5", "changes")
    page.evaluate("location.hash = '#example=nope&recipe=99'")
    said = wait_for(page, "s.notice")["notice"]
    assert "an example “nope” and a recipe “99”" in said and notice(page).inner_text() == said
