"""Where commands print: a stream that may be closed, full or of few letters, and no command fails of it.

What cannot be printed is lost, but what a command does goes on: its files are worth more than words.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO


class Outlet(io.TextIOBase):
    """A text stream that takes everything: letters that it cannot show are written as escapes.

    After a failure it is silent. Everything else it says of itself is the underlying stream's.
    """

    def __init__(self, stream: TextIO | None) -> None:
        # A command started with a closed stream has none. What is opened here takes its number, too, so that
        # no file of the command does, and nothing printed by other code lands in it.
        self._stream = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  open to the end
        self._failure: OSError | ValueError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has a plain attribute
        return getattr(self._stream, "encoding", None) or "utf-8"

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        try:
            return self._stream.isatty()
        except ValueError:  # closed
            return False

    def fileno(self) -> int:
        return self._stream.fileno()

    def write(self, text: str) -> int:
        if self._failure is None:
            shown = text.encode(self.encoding, "backslashreplace").decode(self.encoding)
            try:
                self._stream.write(shown)
            except (OSError, ValueError) as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        if self._failure is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._give_up(error)

    def lost(self) -> str:
        """Why something was lost that somebody still waits for; empty where nothing was, or nobody does."""
        self.flush()
        error = self._failure
        gone = isinstance(error, ConnectionError) or getattr(error, "errno", None) == errno.EBADF
        # `| head` has seen enough, and whoever closed a stream wants nothing: that is no failure.
        return "" if gone or not isinstance(error, OSError) else error.strerror or str(error)

    def _give_up(self, error: OSError | ValueError) -> None:
        self._failure = error
        try:
            number, nowhere = self._stream.fileno(), os.open(os.devnull, os.O_WRONLY)
            # What is still in the stream's buffer would fail once more when Python ends.
            os.dup2(nowhere, number)
            os.close(nowhere)
        except (OSError, ValueError):
            pass


@contextmanager
def outlets() -> Iterator[Outlet]:
    """Both of the program's streams as outlets, for a while; the one that yields is stdout's."""
    out, err = Outlet(sys.stdout), Outlet(sys.stderr)
    with redirect_stdout(out), redirect_stderr(err):
        try:
            yield out
        finally:
            out.flush()
            err.flush()
