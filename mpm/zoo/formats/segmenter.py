"""Segmenter as its authors publish it (rstrudel/segmenter): checkpoint.pth, and variant.yml beside it.

LayerNorms have eps 1e-5, positions are resized bilinearly, zeros fill the image at the right and bottom.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor

from mpm.errors import InputError
from mpm.segmenters.config import EncoderConfig, SegmenterConfig, SlidingConfig
from mpm.zoo.formats.checkpoint import HALF, IMAGENET_MEAN, IMAGENET_STD, Architecture, Checkpoint, without
from mpm.zoo.formats.classes import Told, label_set
from mpm.zoo.formats.pickled import load_tensors

WEIGHTS_FILE = "checkpoint.pth"
VARIANT_FILE = "variant.yml"
LAYER_NORM_EPS = 1e-5
MAX_VARIANT_BYTES = 1 << 16

NORMALISATION = {"vit": (HALF, HALF), "deit": (IMAGENET_MEAN, IMAGENET_STD)}
"""Mean and standard deviation of RGB in [0, 1], by the names in variant.yml."""

DATA_SETS = {
    "ade20k": ("ade20k",),
    "cityscapes": ("cityscapes",),
    "pascal_context": ("pascal-context-60", "pascal-context-59"),
}
"""Label sets by the names of data sets in variant.yml."""

MAX_ASPECT = {"ade20k": 4, "cityscapes": 2}
"""Long side of the resized image, in short sides; the file does not say. Pascal Context: 8."""

CLASSIFIER = tuple(f"encoder.{head}.{part}" for head in ("head", "head_dist") for part in ("weight", "bias"))
"""Left over from the encoder's pre-training on ImageNet; no segmentation runs it."""


class _VariantLoader(yaml.SafeLoader):  # type: ignore[misc]  # yaml comes without types
    """Plain YAML, and the tuples that PyYAML itself wrote into the published files."""


_VariantLoader.add_constructor(
    "tag:yaml.org,2002:python/tuple", lambda loader, node: tuple(loader.construct_sequence(node))
)


def matches(path: Path) -> bool:
    """Whether a folder, or a .pth file, is of this format."""
    folder = path if path.is_dir() else path.parent
    return (folder / VARIANT_FILE).is_file() and (path.is_dir() or path.suffix == ".pth")


def read(path: Path, name: str, data_set: str | None = None) -> Checkpoint:
    """The checkpoint of a folder or .pth file. Raises InputError where its files are broken or disagree."""
    file = path / WEIGHTS_FILE if path.is_dir() else path
    variant = _read_variant(file.parent / VARIANT_FILE)
    weights = without(load_tensors(file), *CLASSIFIER)
    try:
        return Checkpoint(_config(variant, weights, name, _told(variant, data_set)), weights)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{VARIANT_FILE} of the checkpoint lacks or misstates {error}") from error


def _read_variant(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_VARIANT_BYTES:
            raise InputError(f"{path.name} is larger than the {MAX_VARIANT_BYTES} bytes that are read")
        variant = yaml.load(path.read_text(encoding="utf-8"), _VariantLoader)
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path.name} of the checkpoint cannot be read: {reason}") from error
    if not isinstance(variant, dict):
        raise InputError(f"{path.name} must be a table of settings, but got {type(variant).__name__}")
    return variant


def _told(variant: dict[str, Any], data_set: str | None) -> Told:
    """The data set that the settings name, else the one that the publisher's table names."""
    settings = variant.get("dataset_kwargs")
    named = settings.get("dataset") if isinstance(settings, dict) else None
    if named is None:
        return Told(data_sets=(data_set,) if data_set else ())
    return Told(data_sets=DATA_SETS.get(str(named).lower().replace("-", "_"), ()))


def _config(variant: dict[str, Any], weights: dict[str, Tensor], name: str, told: Told) -> SegmenterConfig:
    net = variant["net_kwargs"]
    shapes = Architecture.of(weights)
    labels, remark = label_set(shapes.classes, told)
    _check_agreement(net, shapes)
    mean, std = NORMALISATION[net["normalization"]]
    resize_px, window_px, stride_px = (
        int(variant["inference_kwargs"][key]) for key in ("im_size", "window_size", "window_stride")
    )
    return SegmenterConfig(
        name=name,
        encoder=EncoderConfig(
            shapes.timm_model,
            shapes.timm_args(_sides(net["image_size"]), int(net["n_heads"])),
            layer_norm_eps=LAYER_NORM_EPS,
            position_interpolation="bilinear",
        ),
        decoder=replace(shapes.decoder, layer_norm_eps=LAYER_NORM_EPS),
        labels=labels,
        mean=mean,
        std=std,
        resolution=resize_px,
        padding="right_bottom",
        sliding=SlidingConfig(
            resize_px, window_px, stride_px, MAX_ASPECT.get(labels.name, 8), fills_window=True
        ),
        remark=remark,
    )


def _check_agreement(net: dict[str, Any], shapes: Architecture) -> None:
    """The settings must say what the tensors say."""
    told = {
        "d_model": shapes.width,
        "n_layers": shapes.depth,
        "patch_size": shapes.patch_px,
        "n_cls": shapes.classes,
        "distilled": shapes.distilled,
    }
    for key, value in told.items():
        if net.get(key, value) != value:
            raise InputError(f"{VARIANT_FILE} says {key} {net[key]}, but the tensors have {value}")


def _sides(image_size: Any) -> tuple[int, int]:
    """Height and width in pixels; one number stands for both."""
    if isinstance(image_size, int):
        return image_size, image_size
    height, width = image_size
    return int(height), int(width)
