"""What is known of a model that has a name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mpm.zoo import hub_cache
from mpm.zoo.download import RemoteFile, cache_folder, is_there
from mpm.zoo.hub_cache import HubSource

FLOAT32_BYTES = 4


@dataclass(frozen=True)
class ModelEntry:
    """A model with a name.

    data_set          name of its label set, see `mpm.data.labels.by_name`
    format            "mpm", "segmenter", "mmsegmentation", "dinov2" or "transformers", see `mpm.zoo.formats`
    files             what to download; empty for a model in the box or at the hub
    parameters_m      millions, as published
    mean_iou          published, single scale, in per cent; None where none is
    hub               where at the Hugging Face hub; None for a model from elsewhere
    panoptic_quality  published, in per cent; None where none is
    box               its folder, of a model in the box

    >>> from mpm.zoo.registry import find
    >>> entry = find("streets-vit-tiny")
    >>> entry.bundled, entry.at_hand, entry.licence
    (True, True, 'CC BY-NC 4.0')
    """

    name: str
    title: str
    data_set: str
    format: str
    licence: str
    source: str
    files: tuple[RemoteFile, ...] = ()
    parameters_m: float | None = None
    mean_iou: float | None = None
    hub: HubSource | None = None
    panoptic_quality: float | None = None
    box: Path | None = None

    @property
    def bundled(self) -> bool:
        """Whether it is in the box: part of the package."""
        return self.box is not None

    @property
    def folder(self) -> Path:
        """Where its files are, or will be."""
        if self.hub:
            return hub_cache.snapshot(self.hub)
        return self.box or cache_folder() / self.name

    @property
    def at_hand(self) -> bool:
        """Whether it can be loaded without the network. Digests are compared when it is loaded."""
        if self.hub:
            return hub_cache.at_hand(self.hub)
        return all(is_there(file, self.folder) for file in self.files)

    @property
    def size_is_exact(self) -> bool:
        """Whether `size_bytes` is known rather than told from the number of parameters."""
        return self.at_hand or not (self.hub or None in (file.size_bytes for file in self.files))

    @property
    def size_bytes(self) -> int | None:
        """What the model takes on the disk, None where nobody says."""
        if self.at_hand:
            if self.hub:
                return hub_cache.size_bytes(self.hub)
            names = [file.name for file in self.files] or [path.name for path in self.folder.iterdir()]
            return sum((self.folder / name).stat().st_size for name in names)
        published = [file.size_bytes for file in self.files if file.size_bytes is not None]
        if self.files and len(published) == len(self.files):
            return sum(published)
        return round((self.parameters_m or 0) * 1e6 * FLOAT32_BYTES) or None
