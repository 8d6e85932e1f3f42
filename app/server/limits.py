"""Files that strangers upload and that Gradio writes for them: one folder, bounded in age and bytes."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("mpm.app")

MAX_AGE_S = 3600.0
MAX_BYTES = 1_000_000_000
LEFT_BEHIND_S = 86_400.0
"""A folder untouched for so long belonged to a page that was killed."""
PREFIX = "mpm-explorer-"
YOUNG_S = 30.0
"""Younger files may still be on their way in or out: even above the limit they stay."""


@dataclass(frozen=True)
class Limits:
    """How long files stay and how many bytes they may take together."""

    age_s: float = MAX_AGE_S
    bytes: int = MAX_BYTES


class UploadFolder:
    """A folder of this page alone for Gradio's files, swept in a thread. What the page itself shows stays."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self.limits = limits
        self._stop = threading.Event()
        self._kept: frozenset[Path] = frozenset()

    @classmethod
    def prepare(cls, limits: Limits = Limits()) -> UploadFolder:  # noqa: B008 (frozen)
        """A new folder inside GRADIO_TEMP_DIR, or inside the system's own, that the variable is then set to.

        Never the given folder itself: what else lies there is not ours to delete. Call it before any
        component is made.
        """
        parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
        parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(parent)
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        os.environ["GRADIO_TEMP_DIR"] = str(path)
        folder = cls(path, limits)
        atexit.register(folder.close)
        return folder

    def start(self, kept: Iterable[str | Path] = ()) -> UploadFolder:
        """Begin to sweep. kept: files that are never deleted."""
        self._kept = frozenset(Path(path) for path in kept)
        threading.Thread(target=self._run, name="sweep-uploads", daemon=True).start()
        return self

    def close(self) -> None:
        """Stop sweeping; the folder goes away with its files."""
        self._stop.set()
        shutil.rmtree(self.path, ignore_errors=True)

    def sweep(self) -> int:
        """Delete files too old, then the oldest until the rest fits. Returns the bytes deleted."""
        now, found = time.time(), []
        for path in self._files():
            with contextlib.suppress(FileNotFoundError):
                facts = path.stat()
                found.append((facts.st_mtime, facts.st_size, path))
        total, deleted = sum(size for _, size, _ in found), 0
        for modified, size, path in sorted(found):
            age_s = now - modified
            too_much = total - deleted > self.limits.bytes and age_s > min(YOUNG_S, self.limits.age_s)
            if path not in self._kept and (age_s > self.limits.age_s or too_much):
                path.unlink(missing_ok=True)
                deleted += size
        self._remove_empty_folders(now)
        return deleted

    def _run(self) -> None:
        while not self._stop.wait(min(10.0, self.limits.age_s / 2)):
            try:
                deleted = self.sweep()
            except OSError as error:  # a full or vanished disk must not end the sweeping
                log.warning("the upload folder could not be swept: %s", error.strerror)
                continue
            if deleted:
                log.debug("deleted %.1f MB of old uploads", deleted / 1e6)

    def _files(self) -> list[Path]:
        return [path for path in self.path.rglob("*") if path.is_file()]

    def _remove_empty_folders(self, now: float) -> None:
        for folder in self.path.iterdir():
            # Gradio makes a folder for each file just before it writes the file.
            if folder.is_dir() and now - folder.stat().st_mtime > min(YOUNG_S, self.limits.age_s):
                with contextlib.suppress(OSError):
                    folder.rmdir()


def _remove_leftovers(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            latest = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
            if time.time() - latest > LEFT_BEHIND_S:
                shutil.rmtree(folder, ignore_errors=True)
