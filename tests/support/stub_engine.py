"""Engines around a model that is in memory already."""

from __future__ import annotations

from app.engine.engine import Engine
from app.engine.scheduler import Claim, Ticket


class StubEngine(Engine):
    """An engine that never loads: its model is given. No run is at hand."""

    def __init__(self, segmenter, model: str = "tiny", **options) -> None:
        super().__init__(model, "cpu", **options)
        self._segmenter = segmenter
        self._loaded.set()

    @property
    def turns(self) -> int:
        """How often the device was used."""
        return self.scheduler.turns

    def served_elsewhere(self, visitor: str = "somebody else") -> Ticket:
        """The device is that visitor's until the ticket is left."""
        ticket = self.scheduler.enter(Claim(visitor))
        assert ticket.wait(0)
        return ticket
