"""Who runs next: looking before measuring, fairly among visitors, without Gradio and without a model."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextvars import ContextVar
from types import SimpleNamespace

import pytest
from support.patience import PATIENCE_S, until

from app.engine.generations import RACE, RECIPE, VIEW, Generations, Wish
from app.engine.scheduler import ANYBODY, HELD_BACK_S, LINGER_S, Claim, Scheduler, Urgency
from app.errors import Overtaken
from mpm.errors import InputError


class Line:
    """A scheduler with one piece of work that is on, and others that wait behind it."""

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        self.order: list[str] = []
        self._threads: list[threading.Thread] = []
        self._first = self.scheduler.enter(Claim("the first"))
        self._first.wait()

    def add(self, name: str, claim: Claim, work: Callable[[], None] = lambda: None) -> None:
        """Work that waits in a thread of its own; returns once it does."""

        def run() -> None:
            try:
                with self.scheduler.turn(claim):
                    self.order.append(name)
                    work()
            except Overtaken:
                self.order.append(f"{name} overtaken")

        waiting = len(self.waiting)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._threads.append(thread)
        until(lambda: len(self.waiting) > waiting)

    @property
    def waiting(self) -> list:
        return [ticket for ticket in self.scheduler._waiting if ticket.is_looking]

    def go(self) -> list[str]:
        """Let the first end; the order in which the others ran."""
        self._first.leave()
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        return self.order


def test_the_most_urgent_work_runs_first_whoever_came_first():
    line = Line()
    for urgency in (Urgency.IDLE, Urgency.MEASURED, Urgency.AHEAD, Urgency.ASKED):
        line.add(urgency.name, Claim(urgency.name, urgency))
    assert line.go() == ["ASKED", "AHEAD", "MEASURED", "IDLE"]


def test_equally_urgent_visitors_take_turns():
    line = Line()
    for number in range(3):
        line.add(f"greedy {number}", Claim("greedy"))
    line.add("modest", Claim("modest"))
    assert line.go() == ["greedy 0", "modest", "greedy 1", "greedy 2"]


def test_newcomers_do_not_pass_those_who_wait():
    line = Line()
    line.add("a", Claim("a"))
    for number in range(3):
        line.add(f"new {number}", Claim(f"new {number}"))
    assert line.go() == ["a", "new 0", "new 1", "new 2"]


def test_one_piece_of_work_at_a_time_and_all_of_it():
    scheduler, running, most = Scheduler(), [], []

    def work(visitor: str) -> None:
        for _ in range(20):
            with scheduler.turn(Claim(visitor, random.choice(list(Urgency)))):
                running.append(visitor)
                most.append(len(running))
                running.remove(visitor)

    threads = [threading.Thread(target=work, args=(f"visitor {number}",)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(most) == 16 * 20 and max(most) == 1 and scheduler.turns == 16 * 20


def test_measuring_holds_back_for_the_next_run_of_somebody_who_looks(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("app.engine.scheduler.time", SimpleNamespace(monotonic=lambda: now[0]))
    scheduler = Scheduler()
    race = scheduler.enter(Claim("racer", Urgency.MEASURED))
    for _ in range(6):
        with scheduler.turn(Claim("looks")):
            now[0] += 0.05
        now[0] += LINGER_S / 2
        assert not race.wait(0), "the next run is on its way"
    now[0] += LINGER_S
    assert race.wait(0), "nothing came"
    race.leave()


def test_looking_slows_a_race_down_and_never_stops_it(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("app.engine.scheduler.time", SimpleNamespace(monotonic=lambda: now[0]))
    scheduler = Scheduler()
    race = scheduler.enter(Claim("racer", Urgency.MEASURED))
    with scheduler.turn(Claim("looks")):
        now[0] += HELD_BACK_S
    assert race.wait(0)
    race.leave()


def test_work_that_was_overtaken_never_begins():
    line, wanted = Line(), [True]
    line.add("old", Claim("tab", is_wanted=lambda: wanted[0]))
    line.add("new", Claim("tab"))
    wanted[0] = False
    assert sorted(line.go()) == ["new", "old overtaken"]


def test_who_does_not_look_holds_nobody_up():
    scheduler = Scheduler()
    absent = scheduler.enter(Claim("absent"))
    with scheduler.turn(Claim("present", Urgency.IDLE)):
        assert not absent.wait(0)
    assert absent.wait(0)
    absent.leave()


def test_a_turn_ends_however_its_work_ends():
    scheduler = Scheduler()
    with pytest.raises(ZeroDivisionError), scheduler.turn(ANYBODY):
        _ = 1 / 0
    with scheduler.turn(ANYBODY):
        pass
    assert scheduler.turns == 2 and scheduler.turn_seconds >= 0


def test_who_waits_hears_how_many_visitors_are_ahead():
    line = Line()
    line.add("one", Claim("one"))
    line.add("one again", Claim("one"))
    line.add("a race", Claim("racer", Urgency.MEASURED))
    ticket = line.scheduler.enter(Claim("me", Urgency.ASKED))
    # Who is served, and "one", who has asked twice; a race is no one to wait for.
    assert ticket.ahead == 2
    ticket.leave()
    line.go()


def test_no_visitor_of_many_waits_much_longer_than_the_others():
    scheduler, served = Scheduler(), []

    def ask(visitor: str) -> None:
        for _ in range(12):
            with scheduler.turn(Claim(visitor)):
                served.append(visitor)

    gate = scheduler.enter(ANYBODY)
    gate.wait()
    visitors = [f"visitor {number}" for number in range(16)]
    threads = [threading.Thread(target=ask, args=(visitor,)) for visitor in visitors]
    for thread in threads:
        thread.start()
    until(lambda: len(scheduler._waiting) == 16)
    gate.leave()
    for thread in threads:
        thread.join(PATIENCE_S)
    # In turns: nobody is served a third time before everybody was served once.
    for visitor in visitors:
        assert served.index(visitor) < 2 * len(visitors)


def wish(generation: float, tab: str = "tab") -> Wish:
    return Wish.read({"generation": generation, "recipe": "2,5"}, tab)


def test_a_later_act_of_its_kind_ends_what_began_before():
    acts = Generations()
    claims = {
        "exploring": acts.claim(wish(1), Urgency.AHEAD, VIEW),
        "custom": acts.claim(wish(2), Urgency.ASKED, VIEW, RECIPE),
        "race": acts.claim(wish(2), Urgency.MEASURED, VIEW, RECIPE, RACE),
    }
    assert all(claim.is_wanted() for claim in claims.values())
    acts.note("tab", RECIPE, 3)
    assert [name for name, claim in claims.items() if claim.is_wanted()] == ["exploring"]
    acts.note("another tab", VIEW, 9)
    assert claims["exploring"].is_wanted()
    acts.note("tab", VIEW, 4)
    assert not claims["exploring"].is_wanted()


def test_acts_that_are_heard_late_change_nothing():
    acts = Generations()
    acts.note("tab", VIEW, 7)
    acts.note("tab", VIEW, 5)
    assert acts.is_over("tab", 6, VIEW) and not acts.is_over("tab", 7, VIEW)


def test_nothing_is_wanted_in_a_tab_that_was_closed_until_it_asks_again():
    acts = Generations()
    before = acts.claim(wish(3), Urgency.ASKED, VIEW)
    acts.close("tab")
    assert not before.is_wanted() and acts.claim(wish(3, "another"), Urgency.ASKED, VIEW).is_wanted()
    assert acts.claim(wish(3), Urgency.ASKED, VIEW).is_wanted(), "a lost connection that came back"


def test_an_unknown_kind_of_act_is_an_error():
    with pytest.raises(KeyError):
        Generations().note("tab", "nonsense", 1)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"generation": "1", "recipe": "2"}', '{"generation": 1}'])
def test_what_no_browser_of_ours_sends_is_one_sentence(text):
    with pytest.raises(InputError, match="reload"):
        Wish.parse(text, "tab")
    assert Wish.parse('{"generation": 3, "recipe": "2,5", "picture": "abc"}', "tab") == Wish(
        "tab", 3, "abc", None, "2,5"
    )


def test_all_work_runs_in_one_thread_with_the_context_of_whoever_asks():
    scheduler, who = Scheduler(), ContextVar("who", default="nobody")

    def visit(name: str) -> None:
        who.set(name)
        with scheduler.turn(Claim(name)):
            seen.append((threading.get_ident(), scheduler.run(who.get), scheduler.run(threading.get_ident)))

    seen: list[tuple] = []
    threads = [threading.Thread(target=visit, args=(f"visitor {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(name for _, name, _ in seen) == [f"visitor {number}" for number in range(4)]
    (device,) = {device for _, _, device in seen}
    assert device not in {asking for asking, _, _ in seen}
    with pytest.raises(ZeroDivisionError):
        scheduler.run(lambda: 1 / 0)
