"""Several visitors at once, with a real model: who looks comes before who measures."""

from __future__ import annotations

import json
import threading

import pytest
from support.page_events import event, tab, told, wish
from support.patience import PATIENCE_S, until

from app.engine.generations import RACE
from app.engine.pictures import Picture
from app.latency import handlers as latency_module
from app.latency.handlers import LatencyHandlers
from app.latency.settings import SCOPES


@pytest.fixture
def happened(on, picture, monkeypatch):
    """What happens on the page: visitor A's longest race is on."""
    monkeypatch.setattr(latency_module, "SEND_EVERY_S", 0.0)
    races, happened = LatencyHandlers(on.models, on.pictures, on.generations), []

    def race() -> None:
        for message in races.start([], SCOPES[0], 200, 120, None, json.dumps(wish(1, picture)), tab("A")):
            happened.extend(f"A {one['state']}" for one in told([message]))
        happened.append("A ends")

    racer = threading.Thread(target=race, daemon=True)
    racer.start()
    until(lambda: "A running" in happened)
    yield happened
    on.generations.note("A", RACE, 2)
    racer.join(PATIENCE_S)
    assert happened[-1] == "A ends"


def test_a_view_comes_before_the_end_of_somebody_s_race(on, happened, picture):
    opening = on.open(event(1, source={"picture": picture.digest}, recipe="1,3"), tab("B"))
    for message in opening:
        (kind,) = (one["kind"] for one in told([message]))
        happened.append(f"B {kind}")
        if kind == "view":
            break
    assert "A ends" not in happened and "A done" not in happened
    opening.close()


def test_every_run_of_a_view_comes_before_the_end_of_somebody_s_race(on, happened, picture):
    opening = on.open(event(1, source={"picture": picture.digest}, recipe="1,3"), tab("B"))
    assert told(opening)[-1]["kind"] == "explored"
    assert "A ends" not in happened and "A done" not in happened


def test_three_visitors_get_their_views_while_somebody_races(on, happened, smooth_image):
    order, threads = [], []

    def visit(name: str, picture: Picture) -> None:
        for message in told(on.open(event(1, source={"picture": picture.digest}), tab(name))):
            if message["kind"] == "view":
                order.append((name, message["picture"] == picture.digest))

    for number, name in enumerate("BCD", 1):
        own = on.pictures.add(Picture.of(smooth_image // number))
        threads.append(threading.Thread(target=visit, args=(name, own), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(order) == [("B", True), ("C", True), ("D", True)]
