"""Serve the page until a signal says stop, then let the current run end and leave with exit status 0."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import itertools
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

    from app.server.health import Health
    from app.server.limits import UploadFolder

log = logging.getLogger("mpm.app")

M_ARENA_MAX = -8
"""glibc's number for the setting."""
LAST_RUN_S = 5.0
"""How long the run that is on may take to end; hosts kill ten seconds after they asked."""


COMPRESSED_FROM_BYTES = 60_000
TRIM_AFTER_S = 5
"""Seconds without work after which freed memory goes back to the system; never while something is timed."""


class StopSignal:
    """SIGTERM or SIGINT came. Until somebody waits for it, a signal ends the start on the spot."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._ready = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    def wait(self, seconds: float) -> bool:
        """Whether a signal came, waited for so long."""
        self._ready = True
        return self._asked.wait(seconds)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._asked.set()
        if not self._ready:
            raise SystemExit(0)


@dataclass(frozen=True)
class Site:
    """Everything that is served: the page, how it is launched, what it says of itself, where files go."""

    page: gr.Blocks
    launch_options: dict
    health: Health
    uploads: UploadFolder


def serve(site: Site, stop: StopSignal) -> None:
    """Launch the page; it ends the program with exit status 0 when it was asked to stop and has stopped."""
    shown = (getattr(block, "keep_in_cache", ()) for block in site.page.blocks.values())
    site.uploads.start(kept=itertools.chain.from_iterable(shown))
    site.page.launch(prevent_thread_lock=True, **site.launch_options)
    quiet_s = 0
    while not stop.wait(1.0):
        quiet_s = 0 if _running(site.page._queue) else quiet_s + 1
        if quiet_s == TRIM_AFTER_S:
            give_back_memory()
    log.info("stopping: the run that is on may take up to %.0f s to end", LAST_RUN_S)
    site.health.stopping = True
    close(site.page)
    site.uploads.close()
    _leave()


def close(page: gr.Blocks, last_run_s: float = LAST_RUN_S) -> None:
    """Take no more work, wait for the work that is on, close the page."""
    queue = page._queue
    queue.max_size = 0  # Gradio's own close() would break off the run and answer "stopped unexpectedly"
    current = _running(queue)
    deadline = time.monotonic() + last_run_s
    while time.monotonic() < deadline and current & _running(queue):
        time.sleep(0.05)
    time.sleep(0.1)  # the answer itself is still on its way out
    page.close(verbose=False)


def compression():
    """Middleware for the page's HTML, which Gradio sends as it is: a slow network would feel it.

    Small answers are left alone: compressing them would take time from what is measured.
    """
    from starlette.middleware import Middleware
    from starlette.middleware.gzip import GZipMiddleware

    return Middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM_BYTES, compresslevel=6)


def keep_memory_together() -> None:
    """At most two heaps for all threads: glibc gives every new one its own, and each keeps what it once held.

    Call it before any thread is started.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def give_back_memory() -> None:
    """Return what was freed to the system: glibc else keeps the most that each thread ever needed."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _running(queue) -> set[str]:
    """Names of the events that are being worked on."""
    return {event._id for job in list(queue.active_jobs) if job for event in job}


def _leave() -> None:
    """Threads that are deep in a run cannot be asked to stop: do not wait for them."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
