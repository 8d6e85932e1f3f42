"""Tensors from other people's pickles: nothing in a file is run, none may claim more than it holds."""

from __future__ import annotations

import re
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mpm.errors import InputError
from mpm.zoo.formats.inert import STAND_INS, as_table

MAX_FILE_BYTES = 8 * 2**30
"""No published ViT segmenter comes near this, optimiser state included."""

_UNPICKLING = threading.Lock()
"""torch's list of allowed globals is the whole process': who leaves it would empty it for the others."""
_HOLDERS = ("model", "state_dict")
_WRAPPERS = ("module.", "_orig_mod.")
_MOST_WRAPPERS = 4
_ZIP_START = b"PK\x03\x04"


@dataclass(frozen=True, eq=False)
class Pickled:
    """What a .pth file holds: its named tensors, and what stands under "meta", which may be anything."""

    tensors: dict[str, Tensor]
    meta: dict[str, Any]


def load_tensors(path: Path, max_bytes: int = MAX_FILE_BYTES) -> dict[str, Tensor]:
    """The named tensors alone, see `load`."""
    return load(path, max_bytes).tensors


def load(path: Path, max_bytes: int = MAX_FILE_BYTES) -> Pickled:
    """A .pth file: the tensors under "model" or "state_dict", or the file's own, and its "meta".

    Raises InputError for a file that cannot be read, is larger than `max_bytes`, is damaged, would run code,
    or holds anything but plain tensors where those should be.
    """
    file_bytes = _checked_size(path, max_bytes)
    tensors = _unpickle(path)
    meta = tensors.get("meta") if isinstance(tensors, dict) else None
    for holder in _HOLDERS:
        if isinstance(tensors, dict) and isinstance(tensors.get(holder), dict):
            tensors = tensors[holder]
    _check_tensors(path, tensors, file_bytes)
    return Pickled(_unwrapped(dict(tensors)), as_table(meta))


def _unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Under the model's own names: DataParallel and torch.compile put theirs before every one."""
    for wrapper in _WRAPPERS * _MOST_WRAPPERS:
        if all(name.startswith(wrapper) for name in tensors):
            tensors = {name.removeprefix(wrapper): value for name, value in tensors.items()}
    return tensors


def _checked_size(path: Path, max_bytes: int) -> int:
    try:
        file_bytes = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path.name} of the checkpoint cannot be read: {error.strerror}") from error
    if file_bytes > max_bytes:
        raise InputError(f"{path.name} has {file_bytes} bytes, more than the {max_bytes} that are loaded")
    return file_bytes


def _unpickle(path: Path) -> Any:
    try:
        is_zip = _check_zip(path)
        with _UNPICKLING, torch.serialization.safe_globals(STAND_INS):
            # Mapped, the optimiser state that some files carry along is never read.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except InputError:
        raise
    # A hostile file can make the unpickler raise anything.
    except Exception as error:
        raise InputError(_why_refused(path, error)) from error


def _check_zip(path: Path) -> bool:
    """Whether it is one of torch's zip archives, rather than its older format; those never compress."""
    with path.open("rb") as file:
        if file.read(len(_ZIP_START)) != _ZIP_START:
            return False
    with zipfile.ZipFile(path) as archive:
        if any(record.compress_type != zipfile.ZIP_STORED for record in archive.infolist()):
            raise InputError(f"{path.name} is a compressed archive, which a checkpoint never is")
    return True


def _why_refused(path: Path, error: Exception) -> str:
    wanted = re.search(r"GLOBAL\s+([\w.]+)", str(error))
    if wanted:
        return f"{path.name} was refused and nothing in it ran: it asks for {wanted[1]}"
    return f"{path.name} is truncated, damaged or no checkpoint ({type(error).__name__})"


def _check_tensors(path: Path, tensors: Any, file_bytes: int) -> None:
    if not isinstance(tensors, dict) or not tensors:
        raise InputError(f"{path.name} holds no named tensors, but {type(tensors).__name__}")
    for name, value in tensors.items():
        if not isinstance(name, str) or not _is_plain(value):
            raise InputError(f"{path.name} holds something else than a plain tensor under {name!r}")
    # A view may repeat one number a billion times; whoever copies it pays for all of them.
    claimed_bytes = sum(value.numel() * value.element_size() for value in tensors.values())
    if claimed_bytes > file_bytes:
        raise InputError(f"{path.name} claims tensors of {claimed_bytes} bytes, but has only {file_bytes}")


def _is_plain(value: Any) -> bool:
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and not value.is_complex()
    )
