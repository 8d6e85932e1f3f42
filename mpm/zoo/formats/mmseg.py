"""Segmenter as mmsegmentation trained and publishes it: one .pth file: its tensors, and its classes' names.

The backbone's LayerNorms have eps 1e-6 and its positions are resized bicubically; the decoder has eps 1e-5.
Pixels are normalised to -1 .. 1, and zeros fill the image at the right and bottom.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from mpm.segmenters.config import EncoderConfig, SegmenterConfig, SlidingConfig
from mpm.zoo.formats.checkpoint import HALF, Architecture, Checkpoint, flatten_1x1, rename
from mpm.zoo.formats.classes import Told, label_set
from mpm.zoo.formats.pickled import load

LONG_SIDE_PX = 2048
"""Of the resized image, at most."""
WINDOW_OVERLAP_PX = 32
"""All published configurations step by a window's side less this: 480 of 512, 608 of 640."""

RULES = (
    (r"^backbone\.", "encoder."),
    (r"^decode_head\.", "decoder."),
    (r"^(encoder|decoder)\.layers\.", r"\1.blocks."),
    (r"\.attn\.attn\.in_proj_(weight|bias)$", r".attn.qkv.\1"),
    (r"\.attn\.attn\.out_proj\.", ".attn.proj."),
    (r"\.ffn\.layers\.0\.0\.", ".mlp.fc1."),
    (r"\.ffn\.layers\.1\.", ".mlp.fc2."),
    (r"^encoder\.ln1\.", "encoder.norm."),
    (r"\.ln([12])\.", r".norm\1."),
    (r"^encoder\.patch_embed\.projection\.", "encoder.patch_embed.proj."),
    (r"^decoder\.dec_proj\.", "decoder.proj_dec."),
    (r"^decoder\.(patch|classes)_proj\.weight$", r"decoder.proj_\1"),
    (r"^decoder\.conv_seg\.", "decoder.head."),
)
"""From mmsegmentation's names to ours, applied in this order."""


def matches(path: Path) -> bool:
    """Whether a .pth file, or a folder with a single one, may be of this format."""
    return path.suffix == ".pth" if path.is_file() else len(list(path.glob("*.pth"))) == 1


def read(path: Path, name: str, data_set: str | None = None) -> Checkpoint:
    """The checkpoint of a .pth file, or of the folder that holds it. Raises InputError where it is broken."""
    file = load(next(path.glob("*.pth")) if path.is_dir() else path)
    weights = _reshape(rename(file.tensors, RULES))
    return Checkpoint(_config(weights, name, Told.by(file.meta, data_set)), weights)


def _reshape(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Linear layers x Wᵀ become the original's matrices x W; the linear head's convolution a linear layer."""
    shaped = dict(weights)
    for name in {"decoder.proj_patch", "decoder.proj_classes"} & weights.keys():
        shaped[name] = weights[name].mT if weights[name].ndim == 2 else weights[name]
    if "decoder.head.weight" in weights:
        shaped["decoder.head.weight"] = flatten_1x1(weights["decoder.head.weight"])
    return shaped


def _config(weights: dict[str, Tensor], name: str, told: Told) -> SegmenterConfig:
    shapes = Architecture.of(weights)
    side = shapes.side_px
    labels, remark = label_set(shapes.classes, told)
    return SegmenterConfig(
        name=name,
        encoder=EncoderConfig(
            shapes.timm_model,
            shapes.timm_args((side, side)),
            layer_norm_eps=1e-6,
            position_interpolation="bicubic",
        ),
        decoder=replace(shapes.decoder, layer_norm_eps=1e-5),
        labels=labels,
        mean=HALF,
        std=HALF,
        resolution=side,
        padding="right_bottom",
        sliding=_sliding(side),
        remark=remark,
    )


def _sliding(side: int) -> SlidingConfig:
    """Each window's scores are resized to the window's own size, whatever was padded."""
    stride, max_aspect = max(1, side - WINDOW_OVERLAP_PX), max(1, LONG_SIDE_PX / side)
    return SlidingConfig(side, side, stride, max_aspect, stretches_padding=True)
