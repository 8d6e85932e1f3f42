"""Files from a fixed list of hosts into a folder: resumed where they broke off, checked, never half there.

A download grows in NAME.….part and takes its name only when it is whole, checked and on the disk. Beside it,
NAME.sha256 keeps its digest, which every later use is compared with.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import urllib.request
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request

from filelock import FileLock

from mpm.errors import InputError

Progress = Callable[[int, int | None], None]
"""Called as progress(done_bytes, total_bytes); the total is None while nobody knows it."""

MAX_FILE_BYTES = 8 * 2**30
CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30


class Unreachable(InputError):
    """The host does not answer, or not as it should: nothing is wrong with what is already there."""


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    url         on one of the allowed hosts; its last part is the file's name in the folder
    size_bytes  None where it is not published
    sha256      hexadecimal digest, or the first digits of it that are published; "" for none
    """

    url: str
    size_bytes: int | None = None
    sha256: str = ""

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


def cache_folder() -> Path:
    """Where downloads go: MPM_CACHE, else this user's cache folder on this platform."""
    if os.environ.get("MPM_CACHE"):
        return Path(os.environ["MPM_CACHE"]).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "mpm-explorer"


def offline() -> bool:
    """Whether HF_HUB_OFFLINE asks for no downloads."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def is_there(file: RemoteFile, folder: Path) -> bool:
    """Whether a file is in the folder, of its published size; its digest is compared when it is used."""
    target = folder / file.name
    return target.is_file() and file.size_bytes in (None, target.stat().st_size)


def download(
    file: RemoteFile, folder: Path, origins: Collection[str], progress: Progress | None = None
) -> Path:
    """The file in `folder`, downloaded unless it is there; checked either way.

    origins: such as "https://example.org"; every other one is refused, in redirects too. Two processes may
    ask for the same file at once: one downloads, the other waits. Raises Unreachable where the host does not
    answer, InputError where the file is not what it should be or the folder cannot be written.
    """
    target = folder / file.name
    try:
        if not target.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / f".{file.name}.lock"):
                if not target.is_file():
                    _download_new(file, target, origins, progress or _silent)
                    return target
        check(file, target)
        return target
    except (HTTPError, URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", "") or str(error) or type(error).__name__
        raise Unreachable(f"{file.name} cannot be downloaded from {_origin(file.url)}: {reason}") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__  # no path: visitors of the page read this, too
        raise InputError(
            f"{file.name} cannot be kept in the cache folder: {reason}; MPM_CACHE names another one"
        ) from error


def check(file: RemoteFile, path: Path) -> None:
    """Compare a file with its published size, and its digest with the published and the recorded one.

    The first digest that is seen is recorded. Raises InputError for the first difference.
    """
    size_bytes = path.stat().st_size
    if file.size_bytes not in (None, size_bytes):
        raise InputError(f"{file.name} must have {file.size_bytes} bytes, but has {size_bytes}: delete it")
    digest, record = _digest(path), _record_of(path.parent / file.name)
    recorded = record.read_text(encoding="ascii", errors="replace").split()[:1] if record.is_file() else []
    for expected in (file.sha256, *recorded):
        if not digest.startswith(expected):
            raise InputError(
                f"{file.name} is not the file it should be: its SHA-256 starts with {digest[:12]}, not "
                f"{expected[:12]}; delete it, and {record.name} too if the publisher has changed the file"
            )
    if not recorded:
        with suppress(OSError):  # a cache that somebody shares may well be read-only
            record.write_text(f"{digest}  {file.name}\n", encoding="ascii")


def _download_new(file: RemoteFile, target: Path, origins: Collection[str], progress: Progress) -> None:
    # Parts of different addresses must never meet in one file.
    mark = hashlib.sha256(file.url.encode()).hexdigest()[:8]
    part = target.with_name(f"{file.name}.{mark}.part")
    _receive(file, part, origins, progress)
    try:
        check(file, part)
    except InputError:
        part.unlink()  # what is wrong now would be wrong after resuming
        raise
    os.replace(part, target)
    _validator_of(part).unlink(missing_ok=True)


def _receive(file: RemoteFile, part: Path, origins: Collection[str], progress: Progress) -> None:
    """Let `part` grow to the whole file, from where it stopped if the host still has the same file."""
    start_bytes, validator = _resume_point(part)
    with _open(file.url, origins, start_bytes, validator) as response:
        start_bytes = _start_of(file, response, start_bytes)
        total_bytes = start_bytes + _length(file, response)
        _check_length(file, total_bytes)
        if not start_bytes:
            part.unlink(missing_ok=True)  # before the mark of the new version is kept: never the two together
        _keep_validator(part, response)
        done_bytes = _append(response, part, start_bytes, total_bytes, progress)
    if done_bytes != total_bytes:
        raise Unreachable(
            f"the download of {file.name} broke off at {done_bytes} of {total_bytes} bytes: start it again, "
            "and it goes on from there"
        )


def _append(
    response: HTTPResponse, part: Path, start_bytes: int, total_bytes: int, progress: Progress
) -> int:
    """Write what comes behind the first `start_bytes` of the part; gives its size in the end."""
    done_bytes = start_bytes
    with part.open("ab" if start_bytes else "wb") as out:
        progress(done_bytes, total_bytes)
        while done_bytes < total_bytes and (chunk := _chunk(response)):
            out.write(chunk)
            done_bytes += len(chunk)
            progress(done_bytes, total_bytes)
        out.flush()
        os.fsync(out.fileno())
    return done_bytes


def _chunk(response: HTTPResponse) -> bytes:
    try:
        return response.read(CHUNK_BYTES)
    except OSError as error:  # the connection's, TLS errors among them, not the cache folder's
        raise URLError(error.strerror or str(error) or type(error).__name__) from error


def _resume_point(part: Path) -> tuple[int, str]:
    """Bytes that are there and the host's mark of the version they belong to; (0, "") to start afresh."""
    validator = _validator_of(part)
    if not part.is_file() or not validator.is_file():
        return 0, ""
    return part.stat().st_size, validator.read_text(encoding="latin-1")


def _keep_validator(part: Path, response: HTTPResponse) -> None:
    """Note the version of the file on the host. Without a strong mark, the download cannot be resumed."""
    mark = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    if mark and not mark.startswith("W/"):
        _validator_of(part).write_text(mark, encoding="latin-1")
    else:
        _validator_of(part).unlink(missing_ok=True)


def _open(url: str, origins: Collection[str], start_bytes: int, validator: str) -> HTTPResponse:
    _check_origin(url, origins)
    request = Request(url, headers={"User-Agent": "mpm-explorer"})
    if start_bytes:
        request.add_header("Range", f"bytes={start_bytes}-")
        request.add_header("If-Range", validator)
    opener = urllib.request.build_opener(_SameOrigins(origins))
    try:
        return opener.open(request, timeout=TIMEOUT_S)
    except HTTPError as error:
        if error.code != 416:
            raise
        return _open(url, origins, 0, "")  # nothing lies behind what is there: take it all again


class _SameOrigins(urllib.request.HTTPRedirectHandler):
    """Follows redirects to allowed origins only."""

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = origins

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        _check_origin(newurl, self._origins)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_origin(url: str, origins: Collection[str]) -> None:
    if _origin(url) not in origins:
        raise InputError(f"{_origin(url)} is not among the hosts that models are downloaded from")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _start_of(file: RemoteFile, response: HTTPResponse, asked_bytes: int) -> int:
    """Where in the file the response starts: where it was asked to, or at 0."""
    if response.status != 206:
        return 0
    if not response.headers.get("Content-Range", "").startswith(f"bytes {asked_bytes}-"):
        raise Unreachable(f"{_origin(file.url)} sent another part of {file.name} than it was asked for")
    return asked_bytes


def _length(file: RemoteFile, response: HTTPResponse) -> int:
    """Bytes that the response announces."""
    announced = response.headers.get("Content-Length", "")
    if not announced.isdecimal():
        raise Unreachable(f"{_origin(file.url)} does not say how long {file.name} is")
    return int(announced)


def _check_length(file: RemoteFile, total_bytes: int) -> None:
    if file.size_bytes not in (None, total_bytes):
        raise InputError(f"{file.name} must have {file.size_bytes} bytes, but the host has {total_bytes}")
    if total_bytes > MAX_FILE_BYTES:
        raise InputError(f"{file.name} has {total_bytes} bytes, more than the {MAX_FILE_BYTES} allowed")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _record_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.sha256")


def _validator_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.version")


def _silent(done_bytes: int, total_bytes: int | None) -> None:
    """No progress to show."""
