"""A model in other runtimes: built when first asked for, and held as long as there is memory for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.memory import Memory
from mpm.errors import InputError
from mpm.runtimes import RuntimeChoice, usable_runtimes

if TYPE_CHECKING:
    from mpm.segmenters.segmenter import Segmenter

COPIES = 3
"""A runtime with the graphs, what it made of them and its buffers takes so many times the weights: 2.4 to 3.1
were seen."""


def built_quickly() -> list[RuntimeChoice]:
    """Runtimes of this machine whose twins are built in one turn that holds nobody up for long."""
    return [one for one in usable_runtimes() if not one.calibrates]


class Twins:
    """Twins of models, by runtime and number format."""

    def __init__(self, memory: Memory | None = None) -> None:
        """memory: shared with whatever else is held."""
        self._memory = memory or Memory()

    def of(self, segmenter: Segmenter, runtime: RuntimeChoice) -> Segmenter:
        """The same model in that runtime; building it takes a second or more, so ask for it in a turn.

        Raises InputError, in words for people, where this machine or the model does not allow it.
        """
        key = segmenter.config.name, runtime
        held = self._memory.find(key)
        if held is not None and held[0] is segmenter:
            return held[1]
        weights = sum(one.numel() * one.element_size() for one in segmenter.parameters())
        size, name = COPIES * weights, f"the model in {runtime.title}"
        self._memory.check(size, name)  # before the work of building it
        twin = segmenter.with_runtime(runtime.name, runtime.number_format)
        if twin.runtime_note:
            raise InputError(twin.runtime_note)
        self._memory.keep(key, (segmenter, twin), size, name)
        return twin
