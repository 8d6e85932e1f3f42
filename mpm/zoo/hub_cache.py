"""The cache of the Hugging Face hub as we use it: which commit of a model is ours, and whether it is whole.

The hub's own library lays the cache out and other programs share it (a Space's `preload_from_hub` fills it):

    models--user--model/blobs/ETAG             contents; ETAG is their SHA-256, or git's SHA-1 of small ones
    models--user--model/snapshots/COMMIT/NAME  links into blobs, or the files themselves without symlinks
    models--user--model/refs/REVISION          the commit of a branch or tag when it was last asked for

Beside it, our own cache folder keeps what the hub's does not promise: which commit we began with, and a
digest of each file.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from huggingface_hub import constants

from mpm.errors import InputError
from mpm.files import write_whole
from mpm.zoo.download import CHUNK_BYTES, cache_folder
from mpm.zoo.folder import CONFIG_FILE, INDEX_FILE, WEIGHTS_FILE, weight_files

SHA1, SHA256 = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{64}")
PREPROCESSOR_FILE = "preprocessor_config.json"
MAIN = "main"


@dataclass(frozen=True)
class HubSource:
    """A model at the hub.

    repo      "user/model"
    revision  a branch, a tag or a commit; only a commit can never come to mean other files
    files     what must be there besides the weights
    """

    repo: str
    revision: str = MAIN
    files: tuple[str, ...] = (CONFIG_FILE,)

    def __str__(self) -> str:
        return self.repo if self.revision == MAIN else f"{self.repo}@{self.revision}"

    @property
    def storage(self) -> Path:
        """The folder of the repository in the hub's cache."""
        return Path(constants.HF_HUB_CACHE) / self._folder_name

    @property
    def lock_folder(self) -> Path:
        """Where the hub's own library locks files of the repository while they are downloaded."""
        return Path(constants.HF_HUB_CACHE) / ".locks" / self._folder_name

    @property
    def records(self) -> Path:
        """The folder in our own cache."""
        return cache_folder() / "hub" / self._folder_name

    @property
    def _folder_name(self) -> str:
        return f"models--{self.repo.replace('/', '--')}"


def pinned(source: HubSource) -> str | None:
    """The commit that a model is held at: its revision if that is one, else what `pin` noted, else None."""
    if SHA1.fullmatch(source.revision):
        return source.revision
    return _commit_in(_pin_file(source))


def pin(source: HubSource, commit: str) -> None:
    """Hold a model at a commit from now on."""
    if not SHA1.fullmatch(source.revision):
        _note(_pin_file(source), commit)


def keep_ref(source: HubSource, commit: str) -> None:
    """Note what a revision means now where the hub's library does: other programs find the files, too."""
    if not SHA1.fullmatch(source.revision):
        with suppress(OSError):
            path = _ref_file(source)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, commit.encode("ascii"))  # no line break: the library reads the file as it is


def commit_of(source: HubSource) -> str | None:
    """The commit to use without asking the hub, None where none is known.

    Where we hold the model at none yet, the commit that others (a Space's preload) have put into the cache.
    """
    return pinned(source) or _commit_in(_ref_file(source))


def snapshot(source: HubSource) -> Path:
    """The folder where a model's files are, or will be."""
    return source.storage / "snapshots" / (commit_of(source) or source.revision)


def at_hand(source: HubSource) -> bool:
    """Whether a model can be loaded without the network; cheap, so no digest is compared."""
    if commit_of(source) is None:
        return False
    folder = snapshot(source)
    return all(os.path.isfile(folder / name) for name in source.files) and _weights_are_there(folder)


def files_in(source: HubSource, folder: Path) -> list[Path]:
    """The files that make up a model, in a snapshot that has them all."""
    optional = [name for name in (PREPROCESSOR_FILE, INDEX_FILE) if os.path.isfile(folder / name)]
    names = dict.fromkeys([*source.files, *optional, *weight_files(folder)])
    return [folder / name for name in names]


def size_bytes(source: HubSource) -> int:
    """What a model that is at hand takes on the disk."""
    return sum(os.stat(path).st_size for path in files_in(source, snapshot(source)))


def check(source: HubSource, path: Path) -> None:
    """Compare a file of a snapshot with the digests that its blob's name and our record tell.

    Where there is neither, the digest that is seen first is recorded. Raises InputError for a difference.
    """
    record = _record(source, path.parent.name, path.name)
    told = {digest for digest in (_blob_name(path), _read_record(record)) if digest}
    try:
        for digest in told:
            if digest_of(path, like=digest) != digest:
                raise InputError(
                    f"{path.name} of {source} is not the file it should be; `mpm models --download {source}` "
                    "fetches it anew"
                )
        if not told:
            _note(record, digest_of(path))
    except OSError as error:
        raise InputError(f"{path.name} of {source} cannot be read: {error.strerror}") from error


def record(source: HubSource, commit: str, name: str, digest: str) -> None:
    """Note what the hub says a file's digest is: it counts where the cache has no blob of that name."""
    _note(_record(source, commit, name), digest)


def is_digest(etag: str | None) -> bool:
    return bool(etag and (SHA1.fullmatch(etag) or SHA256.fullmatch(etag)))


def digest_of(path: Path, like: str = "") -> str:
    """Hexadecimal SHA-256 of a file, or git's SHA-1 where `like` is as long as one."""
    digest = hashlib.sha256()
    if SHA1.fullmatch(like):
        digest = hashlib.sha1(f"blob {os.stat(path).st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(CHUNK_BYTES), b""):
            digest.update(chunk)
    return digest.hexdigest()


def forget(paths: Iterable[Path]) -> None:
    """Take files away, and what they link to."""
    for path in paths:
        with suppress(FileNotFoundError):
            os.unlink(path.resolve())
        with suppress(FileNotFoundError):
            os.unlink(path)


def _weights_are_there(folder: Path) -> bool:
    if not os.path.isfile(folder / INDEX_FILE):
        return os.path.isfile(folder / WEIGHTS_FILE)
    try:
        return all(os.path.isfile(folder / name) for name in weight_files(folder))
    except InputError:
        return False  # a fetch says what is wrong


def _blob_name(path: Path) -> str | None:
    """The digest that a link into `blobs` tells. Only the first link counts: a blob may be one itself."""
    try:
        name = os.path.basename(os.readlink(path))
    except OSError:
        return None
    return name if is_digest(name) else None


def _ref_file(source: HubSource) -> Path:
    return source.storage / "refs" / source.revision


def _pin_file(source: HubSource) -> Path:
    return source.records / "pins" / quote(source.revision, safe="")


def _record(source: HubSource, commit: str, name: str) -> Path:
    return source.records / commit / name


def _read_record(path: Path) -> str | None:
    try:
        digest = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return digest if is_digest(digest) else None


def _commit_in(path: Path) -> str | None:
    commit = _read_record(path)
    return commit if commit and SHA1.fullmatch(commit) else None


def _note(path: Path, text: str) -> None:
    with suppress(OSError):  # a cache that somebody shares may well be read-only
        if _read_record(path) != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, f"{text}\n".encode("ascii"))
