"""Checkpoints: a folder with config.json and sharded safetensors; a registry of names; a strict load."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import save_torch_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mpm.config import SegmenterConfig
from mpm.errors import InputError
from mpm.segmenter import Segmenter

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = WEIGHTS_FILE + ".index.json"
SHARD_BYTES = 9_000_000
"""The Hugging Face hub refuses plain files above 10 MB."""

BUNDLED = Path(__file__).resolve().parent.parent / "assets"


def model_names() -> list[str]:
    """Names that `load_segmenter` knows: the models bundled with the project."""
    return sorted(path.parent.name for path in BUNDLED.glob(f"*/{CONFIG_FILE}"))


def load_segmenter(
    name_or_path: str | os.PathLike, device: str | torch.device = "cpu", dtype: torch.dtype | None = None
) -> Segmenter:
    """A segmenter ready for inference, by registry name or by the path of a checkpoint folder.

    dtype None means float32, whatever the file holds. Nothing in a checkpoint is ever run as code. Raises
    InputError when there is no such checkpoint or when its files are broken or do not fit each other.
    """
    folder = _find(name_or_path)
    config = SegmenterConfig.from_json(_read_json(folder / CONFIG_FILE))
    segmenter = Segmenter(config)
    _load_strictly(segmenter, _read_weights(folder))
    return segmenter.to(device=device, dtype=dtype or torch.float32).eval().requires_grad_(False)


def save_segmenter(
    segmenter: Segmenter, folder: str | os.PathLike, dtype: torch.dtype = torch.float16
) -> Path:
    """Write config.json and weights in shards below 10 MB. The folder appears whole or not at all."""
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        state = {name: value.detach().cpu().to(dtype) for name, value in segmenter.state_dict().items()}
        save_torch_state_dict(state, staging, max_shard_size=SHARD_BYTES)
        text = json.dumps(segmenter.config.to_json(), indent=2) + "\n"
        (staging / CONFIG_FILE).write_text(text, encoding="utf-8")
        # Temporary folders and the shards written by safetensors are private by default; a checkpoint is not.
        staging.chmod(0o755)
        for shard in staging.iterdir():
            shard.chmod(0o644)
        _swap(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _swap(staging: Path, folder: Path) -> None:
    """Put the new folder in the old one's place; files that are no part of a checkpoint move along."""
    if not folder.exists():
        os.replace(staging, folder)
        return
    for kept in folder.iterdir():
        if not kept.name.startswith("model") and kept.name != CONFIG_FILE:
            shutil.copy2(kept, staging / kept.name)
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    os.replace(folder, old / folder.name)
    os.replace(staging, folder)
    shutil.rmtree(old, ignore_errors=True)


def _find(name_or_path: str | os.PathLike) -> Path:
    for folder in (BUNDLED / str(name_or_path), Path(name_or_path)):
        if (folder / CONFIG_FILE).is_file():
            return folder
    raise InputError(
        f"no model {str(name_or_path)!r}: give a folder holding {CONFIG_FILE} and {WEIGHTS_FILE}, or one of "
        f"{', '.join(model_names()) or 'the bundled models (none are there)'}"
    )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} of the checkpoint cannot be read: {error}") from error


def _read_weights(folder: Path) -> dict[str, Tensor]:
    names = [WEIGHTS_FILE]
    if (folder / INDEX_FILE).is_file():
        index = _read_json(folder / INDEX_FILE)
        names = sorted(set(index.get("weight_map", {}).values()))
    weights: dict[str, Tensor] = {}
    for name in names:
        if Path(name).name != name:
            raise InputError(f"the checkpoint's index points outside its folder: {name!r}")
        try:
            weights.update(load_file(folder / name))
        except (OSError, SafetensorError) as error:
            raise InputError(f"{name} of the checkpoint cannot be read: {error}") from error
    return weights


def _load_strictly(segmenter: Segmenter, weights: dict[str, Tensor]) -> None:
    """Names and shapes must match one for one."""
    own = segmenter.state_dict()
    missing, unknown = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
    wrong = sorted(name for name in own.keys() & weights.keys() if own[name].shape != weights[name].shape)
    for what, names in (("lacks", missing), ("has unknown", unknown), ("has another shape for", wrong)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise InputError(f"the checkpoint does not fit its configuration: it {what} {names[0]}{more}")
    segmenter.load_state_dict(weights)
