"""One structured log line a run: what, how long, how it ended. Nothing about the person or the picture.

Lines are JSON on stderr under the logger "mpm.run", so that a host can count and time runs:

    with watched_run("segment", "streets-vit-tiny", "2,5", (640, 480)) as watched:
        run = segmenter.segment(...)
        watched.measured(run)
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from app.errors import Overtaken
from mpm.errors import InputError

log = logging.getLogger("mpm.run")

OUTCOMES = ("ok", "bad_input", "stopped", "failed")
"""stopped: whoever asked has gone or changed the picture, and the work was broken off."""


def configure_logging(verbose: bool = False) -> None:
    """Runs as bare JSON lines, the rest as "name: message", all on stderr. verbose: debug lines too."""
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("mpm").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.propagate = False


def log_run(
    kind: str,
    model: str,
    schedule: str,
    wh_px: tuple[int, int] | None,
    parts: Mapping[str, float],
    seconds: float,
    outcome: str,
    patches: int | None = None,
) -> None:
    """Write one line. parts: seconds by part; patches: tokens at the start.

    Raises ValueError for an unknown outcome.
    """
    if outcome not in OUTCOMES:
        raise ValueError(f"Outcome must be one of {', '.join(OUTCOMES)}, but got {outcome!r}.")
    record = {
        "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "run": kind,
        "model": model,
        "schedule": schedule[:80],  # a caller's text, who may send a novel
        "size_px": list(wh_px) if wh_px else None,
        "patches": patches,
        "parts_ms": {name: round(value * 1000, 2) for name, value in parts.items()},
        "total_ms": round(seconds * 1000, 2),
        "outcome": outcome,
    }
    log.info(json.dumps(record, separators=(",", ":")))


@dataclass
class WatchedRun:
    """A run that is on; `measured` adds what only the result knows."""

    parts: dict[str, float] = field(default_factory=dict)
    patches: int | None = None

    def measured(self, run: Any) -> None:
        """Take parts and patches from a `SegmentationRun`; those of several runs add up."""
        for name, seconds in run.timing.parts.items():
            self.parts[name] = self.parts.get(name, 0.0) + seconds
        self.patches = run.trace.token_counts[0]


@contextmanager
def watched_run(
    kind: str, model: str, schedule: str, wh_px: tuple[int, int] | None = None
) -> Iterator[WatchedRun]:
    """Log the block as one run, however it ends; its exceptions pass through."""
    watched, start, outcome = WatchedRun(), time.perf_counter(), "failed"
    try:
        yield watched
        outcome = "ok"
    except InputError:
        outcome = "bad_input"
        raise
    except (GeneratorExit, Overtaken):
        outcome = "stopped"
        raise
    finally:
        seconds = time.perf_counter() - start
        log_run(kind, model, schedule, wh_px, watched.parts, seconds, outcome, watched.patches)
