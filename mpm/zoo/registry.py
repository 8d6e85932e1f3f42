"""The models that have a name: those in the box, and published ones that are downloaded on first use."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from mpm.errors import InputError
from mpm.zoo.download import Progress, Unreachable, download, offline
from mpm.zoo.entry import ModelEntry
from mpm.zoo.folder import CONFIG_FILE
from mpm.zoo.hub_cache import HubSource
from mpm.zoo.published import PUBLISHED


def _box() -> Path:
    """The models in the box lie inside an installed package, and beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "assets"
    return inside if inside.is_dir() else package.parent / "assets"


BUNDLED = _box()

ORIGINS = frozenset(
    {
        "https://www.rocq.inria.fr",
        "https://download.openmmlab.com",
        "https://dl.fbaipublicfiles.com",
    }
)
"""The only hosts that files are downloaded from, besides the Hugging Face hub: see `mpm.zoo.hub`."""


def entries() -> tuple[ModelEntry, ...]:
    """All models with a name, those in the box first."""
    return (*_bundled(), *PUBLISHED)


def find(name: str) -> ModelEntry | None:
    """The model of that name, None where there is none."""
    return next((entry for entry in entries() if entry.name == name), None)


def published_at(path: Path) -> ModelEntry | None:
    """The published model whose files, under their own names, lie at a path: someone's own download.

    Segmenter's files are all called the same; they say themselves what they were trained on.
    """
    names = {file.name for file in path.glob("*.pth")} if path.is_dir() else {path.name}
    told = (entry for entry in PUBLISHED if entry.files and entry.format != "segmenter")
    return next((entry for entry in told if {file.name for file in entry.files} <= names), None)


def at_hub(repo: str) -> ModelEntry | None:
    """The published model of a repository at the Hugging Face hub."""
    return next((entry for entry in PUBLISHED if entry.hub and entry.hub.repo == repo), None)


def is_cached(entry: ModelEntry) -> bool:
    """Whether a model can be loaded without the network."""
    return entry.at_hand


def at_hand() -> list[str]:
    """Names of the models that can be loaded without the network."""
    return [entry.name for entry in entries() if is_cached(entry)]


def fetch(
    entry: ModelEntry,
    progress: Progress | None = None,
    origins: Collection[str] = ORIGINS,
    update: bool = False,
) -> Path:
    """The folder with a model's files, each downloaded if it is missing, and checked.

    progress(done_bytes, total_bytes) counts over all files; the total grows with every file whose size only
    its host knows. update: a model at the hub is taken as it is there now, see `mpm.zoo.hub.fetch`. Raises
    InputError where a file cannot be had or is not what it should be.
    """
    if entry.hub:
        return fetch_from_hub(entry.hub, progress, update)
    if offline() and not is_cached(entry):
        raise InputError(f"HF_HUB_OFFLINE is set, so {entry.name} cannot be downloaded; {_what_is_at_hand()}")
    done_bytes = 0
    for file in entry.files:
        try:
            path = download(file, entry.folder, origins, _behind(done_bytes, progress))
        except Unreachable as error:
            raise InputError(f"{error.open_ended}; {_what_is_at_hand()}") from error
        done_bytes += path.stat().st_size
    return entry.folder


def fetch_from_hub(source: HubSource, progress: Progress | None = None, update: bool = False) -> Path:
    """As `mpm.zoo.hub.fetch`; where the way to the hub is closed, the sentence says what is at hand."""
    from mpm.zoo import hub  # the list of models needs no client of the hub

    try:
        return hub.fetch(source, progress, update)
    except Unreachable as error:
        raise InputError(f"{error.open_ended}; {_what_is_at_hand()}") from error


def _what_is_at_hand() -> str:
    return f"models at hand: {', '.join(at_hand()) or 'none'}"


def _behind(earlier_bytes: int, progress: Progress | None) -> Progress | None:
    """Progress of one file as progress of all, behind those that are done."""
    if progress is None:
        return None
    return lambda done, total: progress(
        earlier_bytes + done, None if total is None else earlier_bytes + total
    )


def _bundled() -> tuple[ModelEntry, ...]:
    return tuple(_in_the_box(config) for config in sorted(BUNDLED.glob(f"*/{CONFIG_FILE}")))


def _in_the_box(config: Path) -> ModelEntry:
    try:
        data_set = json.loads(config.read_text(encoding="utf-8"))["labels"]["name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{config.name} of {config.parent.name} cannot be read: {error}") from error
    name = config.parent.name
    return ModelEntry(name, name, data_set, "mpm", "CC BY-NC 4.0", "in the box", box=config.parent)
