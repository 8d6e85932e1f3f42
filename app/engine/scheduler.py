"""Who runs next on a device: looking before measuring, fairly among visitors, one piece of work at a time.

Work comes in small pieces, mostly single runs of a model. Between two of them the scheduler picks the most
urgent one that waits, and among equally urgent ones that of the visitor who was served least recently:

    scheduler.do(Claim("somebody", Urgency.ASKED), lambda: segmenter.segment(picture))

Whoever wants to say how the waiting goes asks for a ticket and looks after it:

    with scheduler.enter(claim) as ticket:
        while not ticket.wait(0.5):
            print(ticket.ahead, "before you")
        scheduler.run(lambda: segmenter.segment(picture))
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from enum import IntEnum
from statistics import median
from typing import TypeVar

from app.errors import Overtaken

Result = TypeVar("Result")

MAX_VISITORS = 10_000
"""Remembered for fairness; the longest unserved are forgotten first."""
RECENT_TURNS = 32
LOOK_AGAIN_S = 0.25
"""How soon somebody who waits notices that the work is not wanted any more."""
LINGER_S = 0.1
"""After work that a person waited for, measuring holds back so long: the next run, or the next frame of a
camera, is mostly on its way."""
HELD_BACK_S = 1.0
"""Nothing holds back longer than this in all: looking slows a race down, and never stops it."""


class Urgency(IntEnum):
    """Kinds of work, the most urgent first."""

    ASKED = 0
    """A person waits for it: a picture, a recipe, a patch, a file."""
    AHEAD = 1
    """Nobody waits for it yet: the other stops of a slider."""
    MEASURED = 2
    """Timed runs: later is as good."""
    IDLE = 3
    """Controls and curves that fill in by themselves."""


def always() -> bool:
    return True


@dataclass(frozen=True)
class Claim:
    """Who wants the device, how urgently, and whether they still do (asked again right before the turn)."""

    visitor: str = ""
    urgency: Urgency = Urgency.ASKED
    is_wanted: Callable[[], bool] = always


ANYBODY = Claim()
"""Of nobody in particular: the page itself, or a program."""


class Ticket:
    """A place in the line. Leave it, whether or not its turn has come; `with` does."""

    def __init__(self, scheduler: Scheduler, claim: Claim, number: int) -> None:
        self.claim, self.number = claim, number
        self.is_looking = False  # who does not look would only hold up the others
        self.since = time.monotonic()
        self._scheduler = scheduler

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether the turn has come, waited for so long. Raises Overtaken when the work is not wanted."""
        return self._scheduler.wait(self, timeout_s)

    @property
    def ahead(self) -> int:
        """Other visitors whose turn comes before this one, whoever is being served included."""
        return self._scheduler.visitors_ahead(self)

    def leave(self) -> None:
        """End the turn, or give up the place."""
        self._scheduler.leave(self)

    def __enter__(self) -> Ticket:
        return self

    def __exit__(self, *_error: object) -> None:
        self.leave()


class Scheduler:
    """The line before one device. Safe for several threads; each waits in its own."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="device")
        self._waiting: list[Ticket] = []
        self._served: Ticket | None = None
        self._since = 0.0
        self._quiet_until = 0.0
        self._numbers = 0
        self.turns = 0  # that have begun
        self._last_served: OrderedDict[str, int] = OrderedDict()
        self._seconds: deque[float] = deque(maxlen=RECENT_TURNS)

    def enter(self, claim: Claim) -> Ticket:
        """A place in the line; returns at once."""
        with self._changed:
            self._numbers += 1
            ticket = Ticket(self, claim, self._numbers)
            # Newcomers stand behind whoever waits already: else a stream of them would keep others waiting.
            self._last_served.setdefault(claim.visitor, self._numbers)
            self._waiting.append(ticket)
            return ticket

    @contextmanager
    def turn(self, claim: Claim) -> Iterator[None]:
        """The device, waited for. Raises Overtaken when the work is not wanted any more."""
        with self.enter(claim) as ticket:
            ticket.wait()
            yield

    def do(self, claim: Claim, work: Callable[[], Result]) -> Result:
        """What `work` gives when its turn has come. Raises Overtaken when it is not wanted any more."""
        with self.turn(claim):
            return self.run(work)

    def run(self, work: Callable[[], Result]) -> Result:
        """What `work` gives, run in the device's own thread; call it in your turn.

        Every thread that ever runs a model keeps threads and buffers of its own for it: hundreds of megabytes
        with many visitors. The asking thread's context goes along: a rented device finds the visitor there.
        """
        return self._worker.submit(copy_context().run, work).result()

    @property
    def turn_seconds(self) -> float:
        """Median length of the latest turns; 0 before the first."""
        with self._changed:
            return median(self._seconds) if self._seconds else 0.0

    def wait(self, ticket: Ticket, timeout_s: float | None = None) -> bool:
        """See `Ticket.wait`."""
        end = math.inf if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            ticket.is_looking = True
            try:
                while not self._is_served(ticket):
                    now = time.monotonic()
                    if end <= now:
                        return False
                    self._changed.wait(min(LOOK_AGAIN_S, end - now, self._held_back_s(ticket) or math.inf))
                return True
            finally:
                ticket.is_looking = False
                self._changed.notify_all()

    def leave(self, ticket: Ticket) -> None:
        """See `Ticket.leave`."""
        with self._changed:
            if self._served is ticket:
                self._served, now = None, time.monotonic()
                self._seconds.append(now - self._since)
                if ticket.claim.urgency < Urgency.MEASURED:
                    self._quiet_until = now + LINGER_S
            elif ticket in self._waiting:
                self._waiting.remove(ticket)
            self._changed.notify_all()

    def visitors_ahead(self, ticket: Ticket) -> int:
        """See `Ticket.ahead`."""
        with self._changed:
            before = [other for other in self._waiting if self._place(other) < self._place(ticket)]
            before += [self._served] if self._served else []
            return len({other.claim.visitor for other in before} - {ticket.claim.visitor})

    def _is_served(self, ticket: Ticket) -> bool:
        """Whether it is this one's turn, which then begins."""
        if self._served is ticket:
            return True
        if not ticket.claim.is_wanted():
            raise Overtaken
        is_free = self._served is None and not self._held_back_s(ticket)
        is_next = is_free and self._first() is ticket
        if is_next:
            self._serve(ticket)
        return is_next

    def _held_back_s(self, ticket: Ticket) -> float:
        """How long measuring still holds back for whoever was just served."""
        if ticket.claim.urgency < Urgency.MEASURED:
            return 0.0
        return max(0.0, min(self._quiet_until, ticket.since + HELD_BACK_S) - time.monotonic())

    def _serve(self, ticket: Ticket) -> None:
        self._waiting.remove(ticket)
        self._served, self._since = ticket, time.monotonic()
        self.turns += 1
        self._numbers += 1
        self._last_served[ticket.claim.visitor] = self._numbers
        self._last_served.move_to_end(ticket.claim.visitor)
        while len(self._last_served) > MAX_VISITORS:
            self._last_served.popitem(last=False)

    def _first(self) -> Ticket:
        return min((ticket for ticket in self._waiting if ticket.is_looking), key=self._place)

    def _place(self, ticket: Ticket) -> tuple[int, int, int]:
        claim = ticket.claim
        return claim.urgency, self._last_served.get(claim.visitor, 0), ticket.number
