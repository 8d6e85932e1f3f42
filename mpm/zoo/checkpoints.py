"""Checkpoints: ours are folders with config.json and sharded safetensors; every format is loaded strictly."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import torch
from huggingface_hub import save_torch_state_dict
from torch import Tensor

from mpm.errors import InputError
from mpm.files import write_json
from mpm.runtimes import check_runtime
from mpm.segmenters.config import SegmenterConfig
from mpm.segmenters.segmenter import Segmenter
from mpm.zoo import formats, hub, random_models, registry
from mpm.zoo.download import Progress
from mpm.zoo.folder import CONFIG_FILE, is_ours, read_json
from mpm.zoo.formats import encoders
from mpm.zoo.formats.checkpoint import Checkpoint
from mpm.zoo.weights import read_weights

SHARD_BYTES = 9_000_000
"""The Hugging Face hub refuses plain files above 10 MB."""


def model_names() -> list[str]:
    """Names that `load_segmenter` knows: models in the box, then those that are downloaded on first use.

    >>> import mpm
    >>> "streets-vit-tiny" in mpm.model_names()
    True
    """
    return [entry.name for entry in registry.entries()]


def load_segmenter(
    name_or_path: str | os.PathLike[str],
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    progress: Progress | None = None,
    runtime: str = "torch",
    number_format: str | None = None,
) -> Segmenter:
    """A segmenter ready for inference.

    name_or_path  a name of `model_names`, downloaded on first use; the path of a checkpoint, ours or in a
                  published format (see `mpm.zoo.formats`); "user/model" or "user/model@revision" at the
                  Hugging Face hub, where no path has that name (see `mpm.zoo.hub`); or "timm:NAME", a plain
                  timm ViT as encoder with a random decoder (see `mpm.zoo.formats.encoders`); or
                  "NAME+random", a published architecture with random weights (see `mpm.zoo.random_models`)
    dtype         None means float32, whatever the file holds
    progress      called as progress(done_bytes, total_bytes) during a download
    runtime       "torch", or one that is installed besides: "onnxruntime" or "openvino", on the CPU
    number_format  that the runtime computes in: see `Segmenter.with_runtime`

    Nothing in a checkpoint is ever run as code. Raises InputError when there is no such checkpoint, when it
    cannot be downloaded, when its files are broken or do not fit each other, when `dtype` would make a weight
    infinite, and for a runtime or number format as `Segmenter.with_runtime`.

    >>> import mpm
    >>> segmenter = mpm.load_segmenter("streets-vit-tiny")
    >>> segmenter.device, segmenter.dtype
    (device(type='cpu'), torch.float32)
    """
    check_runtime(runtime, number_format)
    if runtime == "torch" and number_format is not None:
        dtype = getattr(torch, number_format)
    if str(name_or_path).startswith(encoders.PREFIX):
        segmenter = encoders.load(str(name_or_path))
    elif random_models.is_random(str(name_or_path)):
        segmenter = random_models.load_random(str(name_or_path))
    else:
        checkpoint = _read(name_or_path, progress)
        segmenter = _with_weights(checkpoint)
    if dtype is not None:
        _check_range(segmenter, dtype)
    segmenter = segmenter.to(device=device, dtype=dtype or torch.float32).eval().requires_grad_(False)
    return segmenter if runtime == "torch" else segmenter.with_runtime(runtime, number_format)


def save_segmenter(
    segmenter: Segmenter, folder: str | os.PathLike[str], dtype: torch.dtype = torch.float16
) -> Path:
    """Write config.json and weights in shards below 10 MB. The folder appears whole or not at all.

    A tensor with values beyond those of `dtype` (float16: 65,504) is stored as it is: none becomes infinite.

    >>> import tempfile
    >>> import mpm
    >>> segmenter = mpm.load_segmenter("streets-vit-tiny")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = mpm.save_segmenter(segmenter, f"{folder}/mine")
    ...     again = mpm.load_segmenter(path)
    >>> again.class_names == segmenter.class_names
    True
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        state = {name: _stored(value, dtype) for name, value in segmenter.state_dict().items()}
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


def save_config(name_or_path: str | os.PathLike[str], config: SegmenterConfig) -> Path:
    """Put another configuration beside the weights of a checkpoint folder of ours, whole or not at all.

    Raises InputError for a model that has no such folder.
    """
    path = config_file(name_or_path)
    write_json(path, config.to_json())
    return path


def config_file(name_or_path: str | os.PathLike[str]) -> Path:
    """The configuration of a model in the box or in a checkpoint folder of ours. Raises as `save_config`."""
    entry = registry.find(str(name_or_path))
    path = (Path(name_or_path) if entry is None else entry.folder) / CONFIG_FILE
    if (entry and entry.hub) or not os.path.isfile(path) or not is_ours(read_json(path)):
        raise InputError(f"{str(name_or_path)!r} is no checkpoint folder of ours: save it as one first")
    return path


def _stored(value: Tensor, dtype: torch.dtype) -> Tensor:
    """As it is written: counters, such as BatchNorm's, stay integers, and large values finite."""
    value = value.detach().cpu()
    if not value.is_floating_point():
        return value
    return value if _exceeds(value, dtype) else value.to(dtype)


def _exceeds(value: Tensor, dtype: torch.dtype) -> bool:
    """Whether a type would make a finite value infinite, or its own largest."""
    return bool(((value.abs() > torch.finfo(dtype).max) & value.isfinite()).any())


def _check_range(segmenter: Segmenter, dtype: torch.dtype) -> None:
    if not dtype.is_floating_point:
        raise InputError(f"A model runs in a floating point type, but got {dtype}")
    for name, value in segmenter.state_dict().items():
        if value.is_floating_point() and _exceeds(value, dtype):
            raise InputError(
                f"{name} has values up to {float(value.abs().max()):.3g}, but {dtype} ends at "
                f"{torch.finfo(dtype).max:.3g}: load it as torch.float32"
            )


def _swap(staging: Path, folder: Path) -> None:
    """Put the new folder in the old one's place; files that are no part of a checkpoint move along."""
    if not folder.exists():
        os.replace(staging, folder)
        return
    for kept in folder.iterdir():
        if not kept.name.startswith("model") and kept.name != CONFIG_FILE:
            copy = shutil.copytree if kept.is_dir() else shutil.copy2
            copy(kept, staging / kept.name)
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    os.replace(folder, old / folder.name)
    os.replace(staging, folder)
    shutil.rmtree(old, ignore_errors=True)


def _read(name_or_path: str | os.PathLike[str], progress: Progress | None) -> Checkpoint:
    text = str(name_or_path)
    if entry := registry.find(text):
        return _read_files(registry.fetch(entry, progress), entry.name, entry.data_set)
    # Path's own questions raise for a name that is too long; os.path's say no.
    if os.path.exists(text):
        entry = registry.published_at(Path(text))
        return _read_files(Path(text), None, entry.data_set if entry else None)
    source = hub.parse(text)
    if source is None:
        raise InputError(
            f"No model {text!r}: give the path of a checkpoint, USER/MODEL of Hugging Face's hub, timm:NAME, "
            f"or one of {', '.join(model_names())}"
        )
    entry = registry.at_hub(source.repo)
    folder = registry.fetch_from_hub(source, progress)
    return _read_files(folder, source.repo.partition("/")[2], entry.data_set if entry else None)


def _read_files(path: Path, name: str | None, data_set: str | None) -> Checkpoint:
    """A folder of ours, or a published format: another library's config.json names a `model_type`."""
    if os.path.isfile(path / CONFIG_FILE):
        config = read_json(path / CONFIG_FILE)
        if is_ours(config):
            return Checkpoint(SegmenterConfig.from_json(config), read_weights(path))
    return formats.read(path, name, data_set)


def _with_weights(checkpoint: Checkpoint) -> Segmenter:
    """The segmenter of a checkpoint. Nothing is allocated before names and shapes were found to match."""
    with torch.device("meta"):
        segmenter = Segmenter(checkpoint.config)
    stored = segmenter.state_dict()
    _check_fit(stored, checkpoint.weights)
    if all(name in stored for name, _ in segmenter.named_buffers()):
        segmenter = segmenter.to_empty(device="cpu")  # drawing random weights would take longer than loading
    else:
        segmenter = Segmenter(checkpoint.config)  # EVA has constants of its own, which no checkpoint brings
    segmenter.load_state_dict(checkpoint.weights)
    return segmenter


def _check_fit(own: dict[str, Tensor], weights: dict[str, Tensor]) -> None:
    """Names and shapes must match one for one."""
    missing, unknown = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
    wrong = sorted(name for name in own.keys() & weights.keys() if own[name].shape != weights[name].shape)
    for what, names in (("lacks", missing), ("has unknown", unknown), ("has another shape for", wrong)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise InputError(f"The checkpoint does not fit its configuration: it {what} {names[0]}{more}")
