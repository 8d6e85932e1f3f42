"""The explorer's events as they travel: over HTTP and Gradio's queue, from a browser or a stranger."""

from __future__ import annotations

import json

import httpx
import pytest
from support.page_events import wish
from support.stub_engine import StubEngine

from app.engine.models import Models
from app.inspector.messages import STOPS
from app.ui import build_page, launch_options


class Visitor:
    """A tab of the served page."""

    def __init__(self, url: str, numbers: dict[str, int], tab: str) -> None:
        self.api, self.numbers, self.tab = f"{url.rstrip('/')}/gradio_api", numbers, tab

    def send(self, name: str, data: object) -> list[dict]:
        """Send an event; what the server streams until its end."""
        body = {"data": [], "event_data": data, "fn_index": self.numbers[name], "session_hash": self.tab}
        posted = httpx.post(f"{self.api}/queue/join", json=body, timeout=60)
        assert posted.status_code == 200, posted.text
        told = []
        address = f"{self.api}/queue/data?session_hash={self.tab}"
        with httpx.stream("GET", address, timeout=60) as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    told.append(json.loads(line.removeprefix("data: ")))
                    if told[-1]["msg"] == "process_completed":
                        break
        return told


@pytest.fixture(scope="module")
def served(engine):
    page = build_page(Models.of(StubEngine(engine.segmenter, engine.model)))
    page.queue(max_size=32)
    options = {**launch_options(), "mcp_server": False}
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **options)
    numbers = {function.name: number for number, function in reversed(page.fns.items())}
    yield lambda tab: Visitor(url, numbers, tab)
    page.close()


def values(told: list[dict]) -> list[dict]:
    """Values of the explorer, where the server sends them whole."""
    found = []
    for message in told:
        for value in (message.get("output") or {}).get("data") or ():
            if isinstance(value, str) and value.startswith("{"):
                found.append(json.loads(value))
    return found


def test_an_example_is_opened_and_its_recipe_run_and_its_mask_saved(served):
    tab = served("one")
    told = tab.send("open", {**wish(1), "source": {"example": "rain"}})
    assert told[-1]["success"] and "error" not in told[-1]["output"]
    first = values(told)[0]
    assert first["kind"] == "picture" and first["title"] == "Rain"
    custom = values(tab.send("custom", wish(2, first["picture"], recipe="1,7")))[-1]
    assert custom["kind"] == "runs" and {run["schedule"] for run in custom["runs"]} == {"none", "1,7"}
    saved = values(tab.send("save", {**wish(2, first["picture"]), "what": "mask"}))[-1]
    assert saved["kind"] == "file" and saved["content"]
    missing = values(tab.send("missing", {**wish(2, first["picture"]), "schedules": list(STOPS)}))[-1]
    assert {run["schedule"] for run in missing["runs"]} == set(STOPS)


@pytest.mark.parametrize("name", ["open", "custom", "missing", "patch", "save", "race"])
@pytest.mark.parametrize("data", [None, [], {}, "x", {"generation": "1", "recipe": "2"}])
def test_what_no_browser_of_ours_sends_is_one_sentence(served, name, data):
    told = served("odd").send(name, data)
    assert not told[-1]["success"] and "please reload it" in told[-1]["output"]["error"]


def test_no_path_of_a_stranger_is_opened(served, tmp_path):
    for path in ("/etc/passwd", str(tmp_path), "https://example.org/a.png", "../../a.png"):
        told = served("paths").send("open", {**wish(1), "source": {"upload": path, "name": "a.png"}})
        failed = values(told)[0]
        assert failed["kind"] == "failed" and "uploaded file" in failed["message"]
        assert "Traceback" not in json.dumps(told) and str(tmp_path) not in json.dumps(told)


def test_a_later_act_of_the_same_tab_ends_an_earlier_open(served):
    tab, other = served("mine"), served("other")
    tab.send("act", {**wish(9), "kind": "view"})
    older = tab.send("open", {**wish(5), "source": {"example": "rain"}})
    assert values(older) == [] and older[-1]["success"]
    assert values(other.send("open", {**wish(5), "source": {"example": "rain"}}))


def test_a_race_is_told_of_the_picture_that_is_shown(served):
    tab = served("racer")
    opened = values(tab.send("open", {**wish(1), "source": {"example": "dusk"}}))[0]
    race = values(tab.send("race", wish(1, opened["picture"])))[0]
    assert race["kind"] == "race" and race["picture"] == opened["picture"] and race["by_hand"] is False
