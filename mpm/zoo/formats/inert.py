"""Stand-ins for what training leaves in a pickle beside the tensors: they hold what they get and do nothing.

Histories of losses, numpy's arrays and numbers, dates, options: no segmenter needs them, but torch refuses a
file that names their classes. Under these names it makes an Inert instead, and no code of theirs runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

NAMES = (
    # mmengine's training checkpoints: losses by step in its message hub, and options.
    "mmengine.logging.history_buffer.HistoryBuffer",
    "mmengine.logging.HistoryBuffer",
    "mmengine.config.config.ConfigDict",
    "mmengine.config.config.Config",
    # numpy 1 and 2
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    *(f"numpy.{core}.numeric._frombuffer" for core in ("core", "_core")),
    "numpy.ndarray",
    "builtins.bytes",  # of an empty array
    "numpy.dtype",
    "argparse.Namespace",
    "types.SimpleNamespace",
    "torch.torch_version.TorchVersion",
    *(f"builtins.{kind}" for kind in ("list", "dict", "int", "float")),  # what a defaultdict begins with
    *(f"datetime.{name}" for name in ("datetime", "date", "time", "timedelta", "timezone")),
    *(f"pathlib.{kind}" for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")),
    *(f"pathlib._local.{kind}" for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")),
)
"""Functions and classes that stand in a file where one of them was."""


class Inert:
    """Whatever was made, with what it was made of: arguments, and the state that was set."""

    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: Any) -> Inert:
        """Unpicklers call this alone, or the class."""
        made = super().__new__(cls)
        made.args, made.state = args, None
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _plain_dict(*args: Any) -> dict[Any, Any]:
    """In a defaultdict's place: what it holds is filled in afterwards, which torch does for a dict alone."""
    return {}


STAND_INS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    *((Inert, name) for name in NAMES),
    (_plain_dict, "collections.defaultdict"),
]
"""As `torch.serialization.safe_globals` takes them."""

_WHOLE_NUMBERS = frozenset(f"{sign}{size}" for sign in "iu" for size in (1, 2, 4, 8))


def as_table(value: Any) -> dict[Any, Any]:
    """A dict as it is, and the one that a ConfigDict was made of; anything else is empty."""
    if isinstance(value, Inert) and value.args:
        value = value.args[0]
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any] | tuple[Any, ...]:
    """A list as it is, and a numpy array of whole numbers as one; anything else is empty."""
    if isinstance(value, Inert):
        return _array(value).tolist()
    return value if isinstance(value, (list, tuple)) else []


def _array(value: Inert) -> np.ndarray:
    """numpy pickles version, shape, type, order and bytes; empty where it is anything else."""
    try:
        _, shape, kind, columns_first, raw = value.state
        name, order = kind.args[0], kind.state[1]
        whole = name in _WHOLE_NUMBERS and all(isinstance(side, int) for side in shape)
        if not whole or math.prod(shape) * int(name[1]) != len(raw):
            return np.empty(0)
        order = ">" if order == ">" else "<"
        return np.frombuffer(raw, order + name).reshape(shape, order="F" if columns_first else "C")
    # A stranger's tuple may hold anything where these should be.
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError):
        return np.empty(0)
