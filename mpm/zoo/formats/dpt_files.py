"""Folders as transformers writes them: config.json, preprocessor_config.json, model.safetensors or shards."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mpm.errors import InputError, shortened
from mpm.segmenters.preprocess import PerChannel
from mpm.zoo.formats.checkpoint import HALF

CONFIG_FILE = "config.json"
PREPROCESSOR_FILE = "preprocessor_config.json"
WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = WEIGHTS_FILE + ".index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
MAX_JSON_BYTES = 1 << 22


def model_type(folder: Path) -> str | None:
    """What a folder's config.json says it is, None where nothing says so."""
    try:
        said = read_json(folder / CONFIG_FILE)
    except InputError:
        return None
    kind = said.get("model_type")
    return kind if isinstance(kind, str) else None


def read_json(path: Path) -> dict[str, Any]:
    """A table of settings. Raises InputError where it is missing, too large or no table."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise InputError(f"{path.name} is larger than the {MAX_JSON_BYTES} bytes that are read")
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError) as error:
        raise InputError(f"{path.name} of the model cannot be read: {error}") from error
    if not isinstance(table, dict):
        raise InputError(f"{path.name} must be a table of settings, but got {type(table).__name__}")
    return table


def read_safetensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder. Raises InputError where they are missing, broken, or only there as pickles."""
    weights: dict[str, Tensor] = {}
    for name in _weight_files(folder):
        try:
            weights.update(load_file(folder / name))
        except (OSError, SafetensorError) as error:
            raise InputError(f"{name} of the model cannot be read: {error}") from error
    return weights


def _weight_files(folder: Path) -> list[str]:
    if (folder / INDEX_FILE).is_file():
        shards = read_json(folder / INDEX_FILE).get("weight_map")
        if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
            raise InputError(f"{INDEX_FILE} of the model must hold a weight_map of file names")
        outside = next((name for name in shards.values() if Path(name).name != name), None)
        if outside is not None:
            raise InputError(f"the model's index points outside its folder: {shortened(outside)}")
        return sorted(set(shards.values()))
    pickled = next((name for name in PICKLES if (folder / name).exists()), None)
    if pickled is not None and not (folder / WEIGHTS_FILE).is_file():
        raise InputError(f"the model's weights are pickled, in {pickled}: only {WEIGHTS_FILE} is read")
    return [WEIGHTS_FILE]


def id2label(said: dict[str, Any]) -> list[str] | None:
    """Class names in the order of their numbers, None where config.json does not really name them."""
    table = said.get("id2label")
    if not isinstance(table, dict):
        return None
    names = [table.get(str(number)) for number in range(len(table))]
    placeholders = all(isinstance(name, str) and re.fullmatch(r"LABEL_\d+", name) for name in names)
    return None if placeholders or None in names else names  # type: ignore[return-value]  # checked by its user


@dataclass(frozen=True)
class Preprocessing:
    """How pixels are made: the short side's size, mean and standard deviation of RGB in [0, 1]."""

    short_px: int
    mean: PerChannel
    std: PerChannel

    @classmethod
    def of(cls, folder: Path) -> Preprocessing:
        """From a folder's preprocessor_config.json, old or new. Raises InputError where it is odd."""
        said = read_json(folder / PREPROCESSOR_FILE)
        scaled = said.get("do_rescale", True) and abs(255 * said.get("rescale_factor", 1 / 255) - 1) < 1e-3
        if not scaled:
            raise InputError(f"{PREPROCESSOR_FILE} must scale pixels to 0 .. 1, but it scales them otherwise")
        if not said.get("do_normalize", True):
            return cls(_short_px(said.get("size")), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        mean, std = (_per_channel(said, f"image_{what}") for what in ("mean", "std"))
        if min(std) <= 0:
            raise InputError(f"{PREPROCESSOR_FILE} must have an image_std above 0, but got {shortened(std)}")
        return cls(_short_px(said.get("size")), mean, std)


def _short_px(size: Any) -> int:
    """384, {"height": 384, "width": 384} or {"shortest_edge": 384}."""
    sides = list(size.values()) if isinstance(size, dict) else [size]
    if not sides or not all(isinstance(side, int) and side >= 1 for side in sides):
        raise InputError(f"{PREPROCESSOR_FILE} must say a size in pixels, but got {shortened(size)}")
    return min(sides)


def _per_channel(said: dict[str, Any], key: str) -> PerChannel:
    values = said.get(key, HALF)
    numbers = [values] * 3 if isinstance(values, (int, float)) else values
    if not isinstance(numbers, (list, tuple)) or len(numbers) != 3 or not all(map(_is_finite, numbers)):
        raise InputError(f"{PREPROCESSOR_FILE} must have three numbers as {key}, but got {shortened(values)}")
    return float(numbers[0]), float(numbers[1]), float(numbers[2])


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
