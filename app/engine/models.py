"""The models that the page offers, and the few of them that are in memory."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence

from app.engine.engine import Engine
from app.engine.memory import Memory
from app.engine.offers import DEFAULT, Offer
from app.engine.pace import Paces, pace_texts
from app.engine.runs import Runs
from app.engine.scheduler import Scheduler
from app.engine.twins import Twins
from mpm.errors import InputError, shortened
from mpm.zoo.download import Progress

REPORT_EVERY_S = 0.25


class Models:
    """Engines by name on one device and under one scheduler, the least recently used forgotten first.

    The page's own model is loaded at start and stays. Names that are not offered raise InputError: whoever
    calls the page can neither open a path nor start a download that is not listed.
    """

    def __init__(
        self,
        default: str = DEFAULT,
        device: str = "auto",
        threads: int | None = None,
        shelf: Shelf | None = None,
        memory_bytes: int | None = None,
        runtime: tuple[str, str | None] = ("torch", None),
    ) -> None:
        """shelf: where further models come from, None for no others. runtime: and its number format."""
        self._device, self._threads, self._shelf, self._runtime = device, threads, shelf, runtime
        self._own_lock = threading.Lock()
        self._scheduler, self._runs, self._paces = Scheduler(), Runs(), Paces()
        self._memory = Memory(memory_bytes)
        self._twins = Twins(self._memory)
        self.own = self._engine(default)

    @classmethod
    def of(cls, engine: Engine) -> Models:
        """A page of this one model."""
        models = cls(engine.model)
        models.own, models._paces = engine, engine.paces
        return models

    def start(self) -> Models:
        """Begin to load the page's own model; returns at once."""
        self.own.start()
        return self

    @property
    def default(self) -> str:
        """The own model's name on the page: of a checkpoint's path the last part."""
        return self.own.name

    def offers(self) -> list[Offer]:
        """The page's own model first."""
        others = self._shelf.offers() if self._shelf else []
        own = next((offer for offer in others if offer.name == self.own.model), None)
        own = own or Offer(self.default, self.default, "", "", None, True)
        return [own, *(offer for offer in others if offer.name != self.default)]

    def engine(self, name: str | None = None) -> Engine:
        """The engine of an offered model, loading it in the background where it is not in memory.

        None: the page's own. Raises InputError for a model that is not offered or not downloaded yet.
        """
        if name is None or name == self.default:
            return self.own
        offer = self.offer(name)
        if not offer.at_hand:
            raise InputError(f"The model {name} is not downloaded yet: choose it on the page first")
        with self._own_lock:
            held = self._memory.find(name)
            if held is None or held.failed:
                held = self._engine(name).start()
                self._memory.keep(name, held, offer.size_bytes or 0, f"the model {name}")
            return held

    def fetch(self, name: str) -> Iterator[tuple[int, int | None]]:
        """Download a model: (bytes so far, bytes in all or None) until it is at hand.

        Raises InputError for a model that is not offered, and where the download fails.
        """
        shelf = self._shelf
        if name == self.default or self.offer(name).at_hand or shelf is None:
            return
        yield from _in_thread(lambda report: shelf.fetch(name, report))

    def offer(self, name: str | None) -> Offer:
        """How the page lists a model; None: its own. Raises InputError for one that is not offered."""
        offers = {offer.name: offer for offer in self.offers()}
        if (name or self.default) not in offers:
            raise InputError(f"This page has no model {shortened(name)}: it offers {', '.join(offers)}")
        return offers[name or self.default]

    def paces(self) -> dict[str, str]:
        """How long a run of each model takes here, in words; empty before the page's own model ran."""
        known = self._paces.of(self.default) is not None
        return pace_texts(self.offers(), self._paces, self.default, self.own.parameters if known else 0)

    def _engine(self, name: str) -> Engine:
        shared = self._scheduler, self._runs, self._paces
        return Engine(name, self._device, self._threads, *shared, runtime=self._runtime, twins=self._twins)


class Shelf:
    """The registry's models, or those of `names`. downloads=False: only what is at hand."""

    def __init__(self, names: Sequence[str] | None = None, downloads: bool = True) -> None:
        self._names, self._downloads = names, downloads

    def offers(self) -> list[Offer]:
        from mpm.zoo import registry

        found = [
            Offer(
                entry.name,
                entry.title,
                entry.data_set,
                entry.licence,
                entry.size_bytes,
                registry.is_cached(entry),
                entry.mean_iou,
                entry.panoptic_quality,
                entry.parameters_m,
            )
            for entry in registry.entries()
            if self._names is None or entry.name in self._names
        ]
        return [offer for offer in found if offer.at_hand or self._downloads]

    def fetch(self, name: str, report: Progress) -> None:
        """Download; report(bytes so far, bytes in all). Raises InputError where it fails."""
        from mpm.zoo import registry

        entry = registry.find(name)
        if entry is None:
            raise InputError(f"There is no model {name!r}")
        registry.fetch(entry, report)


def _in_thread(work: Callable[[Progress], None]) -> Iterator[tuple[int, int | None]]:
    """Runs `work` beside the caller and yields what it reports, at most a few times a second."""
    latest: dict[str, tuple[int, int | None]] = {}
    ended: queue.SimpleQueue = queue.SimpleQueue()

    def run() -> None:
        try:
            work(lambda done, total: latest.update(report=(done, total)))
            ended.put(None)
        except BaseException as error:  # raised again where somebody waits for it
            ended.put(error)

    threading.Thread(target=run, name="download", daemon=True).start()
    while True:
        try:
            error = ended.get(timeout=REPORT_EVERY_S)
            break
        except queue.Empty:
            if latest:
                yield latest["report"]
    if error is not None:
        raise error
