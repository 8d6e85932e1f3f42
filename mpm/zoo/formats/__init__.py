"""Checkpoints as others publish them, one module a format, read into our configuration and tensor names.

Every `read` returns a Checkpoint, and nothing in a file is ever run as code. What a format leaves unsaid
(eps, interpolation, normalisation, padding) stands in its module and goes into the configuration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from mpm.errors import InputError
from mpm.zoo.formats import dinov2, dpt, eomt, mmseg, segmenter
from mpm.zoo.formats.checkpoint import Checkpoint
from mpm.zoo.formats.transformers_folder import model_type


class Format(Protocol):
    """What the module of a format has."""

    def matches(self, path: Path) -> bool: ...

    def read(self, path: Path, name: str, data_set: str | None = None) -> Checkpoint: ...


FORMATS: tuple[Format, ...] = (eomt, dpt, segmenter, dinov2, mmseg)
"""In the order in which they are tried: each takes what the ones after it might also take for theirs."""


def read(path: Path, name: str | None = None, data_set: str | None = None) -> Checkpoint:
    """The checkpoint at a path, whatever its format; `name` is what the configuration calls it.

    data_set: the label set that its publisher says it has, for files that do not name their classes.
    Raises InputError where no format fits, or where the files are broken or do not fit each other.
    """
    for format_ in FORMATS:
        if format_.matches(path):
            return format_.read(path, name or (path.stem if path.is_file() else path.name), data_set)
    kind = model_type(path)
    if kind is not None:
        raise InputError(f"The class {kind!r} of transformers is not read: eomt and dpt are")
    raise InputError(
        f"{path.name} holds no checkpoint of a known format: config.json with model.safetensors (ours, "
        "an EoMT's or a DPT's), "
        f"{segmenter.WEIGHTS_FILE} with {segmenter.VARIANT_FILE}, a DINOv2 backbone with its *_head.pth, or "
        "one .pth of mmsegmentation"
    )
