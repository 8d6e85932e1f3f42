"""What stands in a checkpoint's folder: config.json, and weights in one file of safetensors or in shards."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mpm.errors import InputError

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = WEIGHTS_FILE + ".index.json"


def read_json(path: Path) -> Any:
    """A JSON file of a checkpoint. Raises InputError where it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} of the checkpoint cannot be read: {error}") from error


def weight_files(folder: Path) -> list[str]:
    """Names of the files that hold the weights: those that an index names, else the whole one.

    Raises InputError for a broken index, and for one that names files outside the folder.
    """
    index = folder / INDEX_FILE
    return shard_names(read_json(index)) if os.path.isfile(index) else [WEIGHTS_FILE]


def shard_names(index: Any) -> list[str]:
    """File names of an index of shards. Raises as `weight_files`."""
    shards = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
        raise InputError(f"{INDEX_FILE} of the checkpoint must hold a weight_map of file names")
    names = sorted(set(shards.values()))
    for name in names:
        if name in ("", "..") or "/" in name or "\\" in name:
            raise InputError(f"The checkpoint's index points outside its folder: {name!r}")
    return names


def is_ours(config: Any) -> bool:
    """Whether a config.json is in our own format: other libraries' say a `model_type`, and no schema."""
    return not isinstance(config, dict) or "schema" in config or "model_type" not in config
