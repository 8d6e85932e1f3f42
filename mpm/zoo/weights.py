"""The tensors of a checkpoint's folder, in one file of safetensors or in shards."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mpm.errors import InputError
from mpm.zoo.folder import weight_files


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder. Raises InputError where a file is missing or broken."""
    weights: dict[str, Tensor] = {}
    for name in weight_files(folder):
        try:
            weights.update(load_file(folder / name))
        except (OSError, SafetensorError) as error:
            raise InputError(f"{name} of the checkpoint cannot be read: {error}") from error
    return weights
