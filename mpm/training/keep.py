"""What a training run leaves in its output folder: whatever kills it, the last good state stays.

OUTPUT/model/    averaged weights, float16, as `mpm.load_segmenter` reads them
OUTPUT/state.pt  raw and averaged weights, optimiser, step and time spent: what `--resume` needs
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mpm.errors import InputError
from mpm.segmenters.segmenter import Segmenter
from mpm.zoo.checkpoints import save_segmenter

STATE_VERSION = 2
MODEL_FOLDER, STATE_FILE = "model", "state.pt"


def prepare_output(output: Path, resume: bool) -> None:
    """Makes the folder and drops what killed runs left half-written.

    InputError where it cannot be written to, or where it holds a state that `resume` does not take up.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        for leftover in output.glob(f".{MODEL_FOLDER}-*"):
            shutil.rmtree(leftover, ignore_errors=True)
    except OSError as error:
        raise InputError(f"Cannot use {output} as output folder: {error.strerror}") from error
    if not resume and (output / STATE_FILE).exists():
        raise InputError(f"{output} holds a training state: add --resume to go on, or choose another folder")


def check_classes(output: Path, class_names: Sequence[str]) -> None:
    """InputError where the folder holds a training of other classes: its state would not fit."""
    if not (output / STATE_FILE).exists():
        return
    try:
        known = json.loads((output / MODEL_FOLDER / "config.json").read_text("utf-8"))["labels"][
            "class_names"
        ]
    except (OSError, ValueError, LookupError, TypeError):
        return  # no model to ask: whatever is wrong shows when the state is loaded
    if list(known) != list(class_names):
        raise InputError(f"{output} holds a training with other classes: choose another folder")


def save_model(segmenter: Segmenter, output: Path) -> None:
    """Writes OUTPUT/model anew; the folder appears whole or not at all."""
    save_segmenter(segmenter, output / MODEL_FOLDER)


def save_state(state: dict[str, Any], output: Path) -> None:
    """Writes OUTPUT/state.pt in one step: a temporary file, flushed to the disk, then renamed."""
    target, fresh = output / STATE_FILE, output / f"{STATE_FILE}.new"
    try:
        with open(fresh, "wb") as file:
            torch.save({"version": STATE_VERSION, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)  # there only where the disk was full


def load_state(output: Path) -> dict[str, Any] | None:
    """The state of OUTPUT/state.pt on the CPU, None where there is none. InputError where it is broken."""
    path = output / STATE_FILE
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever its unpickler met
        raise InputError(f"{path} is not a readable training state; move it away to start anew") from error
    found = state.get("version") if isinstance(state, dict) else None
    if found != STATE_VERSION:
        raise InputError(f"{path} must have state version {STATE_VERSION}, but it has {found!r}")
    return state
