"""Models of the Hugging Face hub: downloaded into the hub's own cache, weights in safetensors only.

The hub's library (`huggingface_hub`) does the talking: HF_ENDPOINT, HF_TOKEN, HF_HOME and HF_HUB_OFFLINE
work as they do elsewhere. Two things are ours. A file grows under a name of its own and is resumed there,
since the library begins anew after a program was killed. And it is compared with the digest that the hub
lists before it takes its place, since the library only counts bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from filelock import FileLock
from huggingface_hub import HfApi, hf_hub_download, hf_hub_url
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from mpm.errors import InputError
from mpm.zoo import hub_cache
from mpm.zoo.download import MAX_FILE_BYTES, TIMEOUT_S, Progress
from mpm.zoo.folder import INDEX_FILE, WEIGHTS_FILE, read_json, shard_names
from mpm.zoo.hub_cache import MAIN, PREPROCESSOR_FILE, HubSource
from mpm.zoo.hub_errors import HTTP_CLIENT_ERROR, host, in_one_sentence, is_offline, offline_error

PICKLES = (".bin", ".pth", ".pt", ".ckpt", ".pkl")
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_ID = re.compile(rf"(?P<repo>{_PART}/{_PART})(?:@(?P<revision>{_PART}(?:/{_PART})*))?")


@dataclass(frozen=True)
class RemoteBlob:
    """A file as the hub lists it. etag: SHA-256, or git's SHA-1 of a small file; "" where it tells none."""

    name: str
    size_bytes: int | None
    etag: str


def parse(text: str) -> HubSource | None:
    """The model that "user/model" or "user/model@revision" names, None where a text can name none."""
    found = _ID.fullmatch(text)
    if not found or ".." in text or text.endswith(PICKLES):
        return None
    return HubSource(found["repo"], found["revision"] or MAIN)


def fetch(source: HubSource, progress: Progress | None = None, update: bool = False) -> Path:
    """The folder with a model's files of one commit, downloaded where they are missing, and checked.

    progress  called as progress(done_bytes, total_bytes) over all files
    update    ask the hub again which commit the revision means, and replace files that are damaged

    The commit of a branch or tag is noted at the first fetch and used from then on, until an update. So a
    source that pins no commit gives tomorrow what it gave today, but two computers may hold different
    commits, and the first download trusts the hub. Raises InputError for a model that cannot be had or is
    not what it should be, Unreachable where only the way there is closed.
    """
    folder = hub_cache.snapshot(source)
    if not hub_cache.at_hand(source) or (update and not is_offline()):
        if is_offline():
            raise offline_error(str(source))
        with in_one_sentence(str(source)):
            folder = _download(source, progress, update)
    for path in hub_cache.files_in(source, folder):
        hub_cache.check(source, path)
    hub_cache.pin(source, folder.name)
    return folder


def _download(source: HubSource, progress: Progress | None, update: bool) -> Path:
    pinned = None if update else hub_cache.pinned(source)
    commit, listed = _listing(source, pinned)
    fetcher = _Fetcher(source, commit, mend=update)
    small, weights = _choose(source, listed, fetcher)
    missing = [blob for blob in (*small, *weights) if not fetcher.has(blob)]
    done_bytes = sum(blob.size_bytes or 0 for blob in (*small, *weights) if blob not in missing)
    meter = _Meter(progress, done_bytes, _total(small + weights))
    for blob in missing:
        fetcher.get(blob, meter)
    if pinned is None:
        hub_cache.keep_ref(source, commit)
    return fetcher.folder


def _listing(source: HubSource, commit: str | None) -> tuple[str, dict[str, RemoteBlob]]:
    """The commit that the revision means, unless one is given, and the files there by their names."""
    info = HfApi(endpoint=host()).model_info(
        source.repo, revision=commit or source.revision, files_metadata=True, timeout=TIMEOUT_S
    )
    blobs = {}
    for file in info.siblings or ():
        etag = (file.lfs.sha256 if file.lfs else file.blob_id) or ""
        blobs[file.rfilename] = RemoteBlob(
            file.rfilename, file.size, etag if hub_cache.is_digest(etag) else ""
        )
    if not info.sha:
        raise InputError(f"{host()} does not say which commit of {source} it has")
    return info.sha, blobs


def _choose(
    source: HubSource, listed: dict[str, RemoteBlob], fetcher: _Fetcher
) -> tuple[list[RemoteBlob], list[RemoteBlob]]:
    """What to download: the small files, then the weights. An index of shards is fetched to be read."""
    for name in source.files:
        if name not in listed:
            raise InputError(f"{source} at {host()} holds no {name}")
    small = [listed[name] for name in dict.fromkeys([*source.files, PREPROCESSOR_FILE]) if name in listed]
    if INDEX_FILE in listed:
        fetcher.get(listed[INDEX_FILE], _Meter(None, 0, None))
        names = shard_names(read_json(fetcher.folder / INDEX_FILE))
        small.append(listed[INDEX_FILE])
    else:
        names = [WEIGHTS_FILE]
    if any(name not in listed for name in names):
        raise InputError(_no_weights(source, listed, names))
    _check_sizes(source, chosen := [listed[name] for name in names])
    return small, chosen


def _no_weights(source: HubSource, listed: Iterable[str], wanted: list[str]) -> str:
    pickles = sorted(name for name in listed if name.endswith(PICKLES))
    if pickles and wanted == [WEIGHTS_FILE]:
        return (
            f"{source} has its weights only as a pickle ({pickles[0]}), which can run code when it is read: "
            f"only {WEIGHTS_FILE} is read"
        )
    return f"{source} at {host()} holds no {next(name for name in wanted if name not in listed)}"


def _check_sizes(source: HubSource, blobs: list[RemoteBlob]) -> None:
    for blob in blobs:
        if (blob.size_bytes or 0) > MAX_FILE_BYTES:
            raise InputError(
                f"{blob.name} of {source} has {blob.size_bytes} bytes, more than the {MAX_FILE_BYTES} allowed"
            )


def _total(blobs: list[RemoteBlob]) -> int | None:
    sizes = [blob.size_bytes for blob in blobs]
    return None if None in sizes else sum(size or 0 for size in sizes)


class _Meter:
    """Bytes over all files. The hub's library tells them to it as it would to a bar of tqdm."""

    def __init__(self, progress: Progress | None, done_bytes: int, total_bytes: int | None) -> None:
        self.done_bytes, self._total_bytes = done_bytes, total_bytes
        self._report: Callable[[int, int | None], None] = progress or (lambda done, total: None)
        self._report(done_bytes, total_bytes)

    def update(self, size_bytes: float | None = 1) -> None:
        self.done_bytes += int(size_bytes or 0)
        self._report(self.done_bytes, self._total_bytes)

    def set_to(self, done_bytes: int) -> None:
        if done_bytes != self.done_bytes:
            self.update(done_bytes - self.done_bytes)


class _Fetcher:
    """Brings files of one commit into the hub's cache. mend: a file that is there but damaged comes anew."""

    def __init__(self, source: HubSource, commit: str, mend: bool) -> None:
        self._source, self._commit, self._mend = source, commit, mend
        self.folder = source.storage / "snapshots" / commit

    def has(self, blob: RemoteBlob) -> bool:
        """Whether a file is there; where damage is mended, a damaged one is taken away."""
        path = self.folder / blob.name
        if self._mend and os.path.lexists(path) and not self._is_whole(path):
            hub_cache.forget([path])
        return os.path.isfile(path)

    def _is_whole(self, path: Path) -> bool:
        try:
            hub_cache.check(self._source, path)
        except InputError:
            return False
        return True

    def get(self, blob: RemoteBlob, meter: _Meter) -> None:
        """Download a file unless it is there; another process that does so at the same time is waited for."""
        before_bytes = meter.done_bytes
        if self.has(blob):
            return
        if blob.etag:
            self._into_blobs(blob, meter)
            hub_cache.record(self._source, self._commit, blob.name, blob.etag)
        # Finds the blob and links it; where the hub listed no digest, it downloads the file itself.
        path = hf_hub_download(
            self._source.repo,
            blob.name,
            revision=self._commit,
            cache_dir=self._source.storage.parent,
            endpoint=host(),
        )
        if not os.path.islink(path):
            self._blob(blob).unlink(missing_ok=True)  # no symlinks here: it was copied
        meter.set_to(before_bytes + os.stat(path).st_size)

    def _blob(self, blob: RemoteBlob) -> Path:
        return self._source.storage / "blobs" / (blob.etag or "-")

    def _into_blobs(self, blob: RemoteBlob, meter: _Meter) -> None:
        target = self._blob(blob)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._source.lock_folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._source.lock_folder / f"{blob.etag}.lock"):
            if target.exists():
                return
            part = target.with_name(f"{blob.etag}.mpm.incomplete")
            if part.exists() and os.stat(part).st_size > (blob.size_bytes or 0):
                part.unlink()
            self._receive_all(blob, part, meter)
            if hub_cache.digest_of(part, like=blob.etag) != blob.etag:
                part.unlink()  # what is wrong now would be wrong after resuming
                raise InputError(
                    f"{blob.name} of {self._source} is not the file that {host()} lists: try again"
                )
            os.replace(part, target)

    def _receive_all(self, blob: RemoteBlob, part: Path, meter: _Meter) -> None:
        """Let `part` grow to the whole file, however often the connection breaks, while each brings more."""
        start_bytes, there_bytes = meter.done_bytes, -1
        while there_bytes < (there_bytes := os.stat(part).st_size if part.exists() else 0):
            meter.set_to(start_bytes + there_bytes)
            try:
                return self._receive(blob, part, meter)
            except (HTTP_CLIENT_ERROR, OSError) as error:
                broken = error
        raise broken

    def _receive(self, blob: RemoteBlob, part: Path, meter: _Meter) -> None:
        """Go on where `part` stopped: it is named after its digest, so it always can be."""
        url = hf_hub_url(self._source.repo, blob.name, revision=self._commit, endpoint=host())
        headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
        with part.open("ab") as out:
            http_get(
                url,
                out,
                resume_size=out.tell(),
                headers=headers,
                expected_size=blob.size_bytes,
                _tqdm_bar=cast(Any, meter),
            )
            out.flush()
            os.fsync(out.fileno())
