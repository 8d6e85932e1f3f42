"""One command in several processes, as torchrun starts them: who does what, sums, and one clear end.

    torchrun --nproc-per-node=4 -m mpm evaluate ...

Without torchrun the same code runs as a team of one. A process that fails says so once for all: the others
leave silently at their next look, so nobody waits for a sum that will never come.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import torch
import torch.distributed as dist

from mpm.errors import InputError

if TYPE_CHECKING:
    from torch.distributed import Store  # type: ignore[attr-defined]  # there, but not in __all__

_FAILED, _ARRIVED, _LED = "mpm/failed", "mpm/arrived", "mpm/led"
_LOOK_S = 0.05
_LAST_WORDS_S = 0.5
"""torchrun ends all processes at the first exit: what the failed one has to say must be out by then."""


@dataclass(frozen=True)
class Team:
    """The processes of one command; `rank` is this one's number, 0 to size - 1."""

    rank: int = 0
    size: int = 1
    store: Store | None = None

    @property
    def leads(self) -> bool:
        """Whether this process speaks for the team: prints results, shows progress, writes files."""
        return self.rank == 0

    def share(self, count: int) -> range:
        """This process' part of the indices 0 .. count - 1; together the parts are all of them."""
        return range(self.rank, count, self.size)

    def look(self) -> None:
        """Leave, by SystemExit, if another process has failed. Cheap; to be called now and then."""
        if self.store and self.store.check([_FAILED]):
            _leave()

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Element by element over all processes: each gives int64 of one shape, each gets the total.

        Integers, so that no order of adding changes a bit. Waits for all, as long as it takes.
        """
        if self.store is None:
            return values
        self._wait_for_all()
        total = torch.from_numpy(values.copy())
        dist.all_reduce(total)
        return total.numpy()

    def place(self, device: torch.device) -> torch.device:
        """The device, or where it is "cuda" without a number, this process' own among the GPUs."""
        if device.type != "cuda" or device.index is not None or self.size == 1:
            return device
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())

    @contextmanager
    def lead_first(self) -> Iterator[None]:
        """The lead goes through what is inside before all others, once: to fetch what they then find."""
        store = self.store
        if store and not self.leads:
            self._wait(lambda: store.check([_LED]))
        yield
        if store and self.leads:
            store.set(_LED, "")

    def _wait_for_all(self) -> None:
        """Not left to the sum itself: it would end the wait by its time limit, and never on a failure."""
        store = self.store
        assert store is not None, "alone there is nobody to wait for"
        arrived = store.add(_ARRIVED, 1)
        # Counted over all sums: the n-th one is complete at n times the size.
        goal = -(-arrived // self.size) * self.size
        self._wait(lambda: store.add(_ARRIVED, 0) >= goal)

    def _wait(self, arrived: Callable[[], bool]) -> None:
        while not arrived():
            self.look()
            time.sleep(_LOOK_S)


ALONE = Team()


@contextmanager
def join_team() -> Iterator[Team]:
    """The team that torchrun made this process a part of, or ALONE.

    Of an InputError raised inside, the first in the team passes; any later one becomes a silent SystemExit.
    """
    if not (dist.is_available() and dist.is_torchelastic_launched()):
        yield ALONE
        return
    store, rank, size = next(dist.rendezvous("env://"))  # type: ignore[attr-defined]
    # Counts live on the host: gloo sums them, wherever the model runs.
    prefixed = dist.PrefixStore("gloo", store)  # type: ignore[attr-defined]
    dist.init_process_group("gloo", store=prefixed, rank=rank, world_size=size)
    try:
        yield Team(rank, size, store)
    except InputError:
        _report(store, rank)
        raise
    except Exception:
        store.set(_FAILED, str(rank))
        raise
    dist.destroy_process_group()


def _report(store: Store, rank: int) -> None:
    """Say to the team that this process has failed; leave silently where another one said so before."""
    first = store.compare_set(_FAILED, "", str(rank)).decode()
    if first != str(rank):
        _leave()


def _leave() -> NoReturn:
    time.sleep(_LAST_WORDS_S)
    raise SystemExit(2)
