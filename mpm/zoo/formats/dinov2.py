"""DINOv2 with its published linear segmentation head: a folder with the backbone's and the head's .pth file.

Layer scale, LayerNorm eps 1e-6, and positions resized bicubically with an offset of 0.1; zeros fill the image
on all sides. The head sees the patch tokens of the last block, normalised: BatchNorm, then one linear layer.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from mpm.errors import InputError
from mpm.segmenters.config import EncoderConfig, SegmenterConfig, SlidingConfig
from mpm.zoo.formats.checkpoint import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Architecture,
    Checkpoint,
    flatten_1x1,
    rename,
    without,
)
from mpm.zoo.formats.classes import Told, label_set
from mpm.zoo.formats.pickled import load, load_tensors

SLIDING = SlidingConfig(512, 512, 341, max_aspect=4, stretches_padding=True)
HEAD_RULES = ((r"^decode_head\.conv_seg\.", "decoder.head."), (r"^decode_head\.", "decoder."))
LAYER_SCALE = 1e-5
"""Any value does: it only makes timm build the layer scales that the file then fills."""


def matches(path: Path) -> bool:
    """Whether a folder holds one backbone and one head."""
    return path.is_dir() and len(list(path.glob("*_head.pth"))) == 1 and len(list(path.glob("*.pth"))) == 2


def read(path: Path, name: str, data_set: str | None = None) -> Checkpoint:
    """The checkpoint of a folder. Raises InputError where its files are broken or do not fit each other."""
    file = next(path.glob("*_head.pth"))
    backbone = next(other for other in path.glob("*.pth") if other != file)
    head = load(file)
    weights = {**_backbone(backbone), **_head(file, head.tensors)}
    return Checkpoint(_config(weights, name, Told.by(head.meta, data_set)), weights)


def _backbone(file: Path) -> dict[str, Tensor]:
    """The mask token only serves pre-training."""
    return rename(without(load_tensors(file), "mask_token"), [("^", "encoder.")])


def _head(file: Path, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    head = rename(tensors, HEAD_RULES)
    strangers = [name for name in head if not name.startswith("decoder.")]
    if strangers:
        raise InputError(f"{file.name} must hold a decode_head only, but got {strangers[0]}")
    if "decoder.head.weight" in head:
        head["decoder.head.weight"] = flatten_1x1(head["decoder.head.weight"])
    return head


def _config(weights: dict[str, Tensor], name: str, told: Told) -> SegmenterConfig:
    shapes = Architecture.of(weights)
    labels, remark = label_set(shapes.classes, told)
    side = shapes.side_px
    return SegmenterConfig(
        name=name,
        encoder=EncoderConfig(
            shapes.timm_model,
            shapes.timm_args((side, side), init_values=LAYER_SCALE),
            layer_norm_eps=1e-6,
            position_interpolation="bicubic",
            position_offset=0.1,
        ),
        decoder=shapes.decoder,
        labels=labels,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        resolution=SLIDING.resize_px,
        padding="centred",
        sliding=SLIDING,
        remark=remark,
    )
