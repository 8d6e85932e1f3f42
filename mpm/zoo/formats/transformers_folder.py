"""Folders as transformers' `save_pretrained` writes them, and as the hub holds them, without transformers."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mpm.errors import InputError, shortened
from mpm.zoo.folder import CONFIG_FILE, WEIGHTS_FILE, read_json, weight_files
from mpm.zoo.weights import read_weights

MAX_JSON_BYTES = 1 << 22
WORDS = {bool: "true or false", dict: "a table", float: "a number", int: "a whole number", str: "a text"}
PICKLES = ("*.bin", "*.pth", "*.pt", "*.ckpt")


@dataclass(frozen=True, eq=False)
class Settings:
    """A file of settings: each is asked for with the kind that it must have."""

    file: str
    values: Mapping[str, Any]

    def get(self, name: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """A setting, or its default where the file leaves it out. Raises InputError for another kind."""
        value = self.values.get(name)
        if value is None:
            return default
        kinds = kind if isinstance(kind, tuple) else (kind,)
        odd = isinstance(value, bool) and bool not in kinds
        if odd or not isinstance(value, kinds) or (isinstance(value, float) and not math.isfinite(value)):
            wanted = " or ".join(WORDS[one] for one in kinds)
            raise InputError(f"{self.file} must have {wanted} for {name}, but got {shortened(value)}")
        return value

    def whole(self, name: str, default: int, low: int = 1, high: int = 1 << 16) -> int:
        """A whole number within limits."""
        value = self.get(name, int, default)
        if not low <= value <= high:
            raise InputError(f"{self.file} must have {name} from {low} to {high}, but got {value}")
        return int(value)


def model_type(path: Path) -> str | None:
    """What kind of model a folder says it holds; None where it is no folder of transformers."""
    if not (path / CONFIG_FILE).is_file():
        return None
    kind = read_settings(path / CONFIG_FILE).values.get("model_type")
    return kind if isinstance(kind, str) else None


def read_settings(path: Path) -> Settings:
    """A JSON file of settings. Raises InputError where it is missing, too large or no table."""
    if os.path.isfile(path) and path.stat().st_size > MAX_JSON_BYTES:
        raise InputError(f"{path.name} is larger than the {MAX_JSON_BYTES} bytes that are read")
    if not os.path.isfile(path):
        raise InputError(f"The checkpoint has no {path.name}")
    values = read_json(path)
    if not isinstance(values, dict):
        raise InputError(f"{path.name} must be a table of settings, but got {type(values).__name__}")
    return Settings(path.name, values)


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder. Raises InputError where there are only pickles."""
    for name in weight_files(folder):
        _check_there(folder, name)
    return read_weights(folder)


def _check_there(folder: Path, name: str) -> None:
    if (folder / name).is_file():
        return
    pickle = next((path.name for kind in PICKLES for path in sorted(folder.glob(kind))), None)
    if pickle is not None:
        raise InputError(f"The checkpoint has its weights as a pickle, {pickle}: only {WEIGHTS_FILE} is read")
    raise InputError(f"The checkpoint has no {name}")


def class_names(settings: Mapping[str, Any]) -> list[str] | None:
    """In the order of their numbers, None where config.json does not really name its classes.

    Raises InputError for numbers that do not begin at 0 or leave one out.
    """
    table = settings.get("id2label")
    if not isinstance(table, dict) or not table:
        return None
    missing = next((number for number in range(len(table)) if str(number) not in table), None)
    if missing is not None:
        raise InputError(f"{CONFIG_FILE} must number its classes from 0, but id2label lacks {missing}")
    names = [table[str(number)] for number in range(len(table))]
    return None if all(re.fullmatch(r"LABEL_\d+", str(name)) for name in names) else names
