"""EoMT as transformers and the hub hold it: config.json, preprocessor_config.json, model.safetensors.

The encoder is a plain ViT with registers and layer scale, whose positions belong to the patches alone. What
the image processor pads is panoptic, what it splits into windows is semantic. Masked attention helps in
training and is annealed away; a checkpoint that still wants it is refused, since merged tokens have no mask.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from mpm.data.labels import LabelSet, by_name
from mpm.errors import InputError
from mpm.segmenters.config import EncoderConfig, SegmenterConfig, SlidingConfig
from mpm.segmenters.heads.query_config import QueryDecoderConfig
from mpm.zoo.folder import CONFIG_FILE
from mpm.zoo.formats.checkpoint import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    PLAIN_VIT,
    Checkpoint,
    check_number,
    rename,
    stacked,
)
from mpm.zoo.formats.classes import Told, label_set
from mpm.zoo.formats.preprocessing import PREPROCESSOR_FILE, Preprocessing
from mpm.zoo.formats.transformers_folder import (
    Settings,
    class_names,
    model_type,
    read_settings,
    read_tensors,
)

MODEL_TYPE = "eomt"
SWIGLU_VIT = "vit_giant_patch14_reg4_dinov2"
"""timm's ViT with gated MLPs; its sizes are overridden."""
THINGS = {"coco-panoptic": tuple(range(80)), "cityscapes": tuple(range(11, 19))}
"""Classes that can be counted: COCO's objects; Cityscapes' people and vehicles."""
NO_OBJECT, NO_OBJECT_COLOUR = "no object", (56, 56, 56)
LARGEST_SIDE_PX = 4096

SMALL = {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6, "num_blocks": 3}
BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "num_blocks": 3}
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "num_blocks": 4}

PUBLISHED: dict[str, tuple[str, dict[str, Any], bool]] = {
    "eomt-small-coco": ("coco-panoptic", {**SMALL, "image_size": 640, "num_queries": 200}, False),
    "eomt-base-coco": ("coco-panoptic", {**BASE, "image_size": 640, "num_queries": 200}, False),
    "eomt-large-ade20k": ("ade20k", {**LARGE, "image_size": 512, "num_queries": 100}, True),
    "eomt-large-cityscapes": ("cityscapes", {**LARGE, "image_size": 1024, "num_queries": 100}, True),
}
"""Label set, settings, and whether the image processor splits: of the published models that we name."""

LEFT_OVER = ("criterion.empty_weight", "attn_mask_probs", "embeddings.mask_token")
"""What only training wants."""

RULES = (
    (r"^embeddings\.cls_token$", "encoder.cls_token"),
    (r"^embeddings\.register_tokens$", "encoder.reg_token"),
    (r"^embeddings\.position_embeddings\.weight$", "encoder.pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "encoder.patch_embed.proj."),
    (r"^layernorm\.", "encoder.norm."),
    (r"^layers\.", "encoder.blocks."),
    (r"\.attention\.out_proj\.", ".attn.proj."),
    (r"\.layer_scale([12])\.lambda1$", r".ls\1.gamma"),
    (r"\.mlp\.down_proj\.", ".mlp.fc2."),
    (r"^query\.weight$", "decoder.query"),
    (r"^upscale_block\.block\.(\d+)\.conv1\.", r"decoder.upscale.\1.grow."),
    (r"^upscale_block\.block\.(\d+)\.conv2\.", r"decoder.upscale.\1.mix."),
    (r"^upscale_block\.block\.(\d+)\.layernorm2d\.", r"decoder.upscale.\1.norm."),
    (r"^mask_head\.fc1\.", "decoder.mask_head.0."),
    (r"^mask_head\.fc2\.", "decoder.mask_head.2."),
    (r"^mask_head\.fc3\.", "decoder.mask_head.4."),
    (r"^class_predictor\.", "decoder.class_head."),
)
"""From transformers' names to ours, applied in this order."""

FUSED = (
    ("attn.qkv", ("attention.q_proj", "attention.k_proj", "attention.v_proj")),
    ("mlp.fc1", ("mlp.gate_proj", "mlp.up_proj")),
)
"""Layers of ours that are several of theirs, one on the other."""


def matches(path: Path) -> bool:
    """Whether a folder is of this format."""
    return path.is_dir() and (model_type(path) or "").startswith(MODEL_TYPE)


def read(path: Path, name: str, data_set: str | None = None) -> Checkpoint:
    """The checkpoint of a folder. Raises InputError where its files are broken, or it cannot be run here."""
    settings = read_settings(path / CONFIG_FILE)
    _check_kind(settings)
    config = _config(settings, Preprocessing.of(path, _default(settings)), name, data_set)
    tensors = read_tensors(path)
    _check_masked_attention(tensors)
    # Without registers transformers keeps an empty tensor for them.
    kept = {key: value for key, value in tensors.items() if key not in LEFT_OVER and value.numel()}
    return Checkpoint(config, _reshape(rename(_fused(kept), RULES)))


def published_config(name: str) -> SegmenterConfig:
    """The configuration of a model in PUBLISHED, without its files."""
    data_set, values, splits = PUBLISHED[name]
    classes = {str(number): title for number, title in enumerate(by_name(data_set).class_names)}
    settings = Settings(CONFIG_FILE, {"model_type": MODEL_TYPE, "id2label": classes, **values})
    return _config(settings, replace(_default(settings), splits=splits, pads=not splits), name, data_set)


def _check_kind(settings: Settings) -> None:
    kind = settings.values["model_type"]
    if kind != MODEL_TYPE:
        raise InputError(
            f"This checkpoint is of the class {kind!r}: DINOv3's EoMT is published as differences to weights "
            "that need an agreement, and is not read"
        )
    if settings.get("hidden_act", str, "gelu") != "gelu":
        raise InputError(f"EoMT is run with gelu, but {settings.file} has {settings.values['hidden_act']!r}")


def _check_masked_attention(tensors: dict[str, Tensor]) -> None:
    left = tensors.get("attn_mask_probs")
    if left is None:
        raise InputError(
            "This checkpoint does not say whether it masks the attention of its queries: it has no "
            "attn_mask_probs"
        )
    if bool((left.float() != 0).any()):
        raise InputError(
            "This checkpoint still masks the attention of its queries (attn_mask_probs is not 0), which "
            "merged tokens cannot follow: it was not trained to its end"
        )


def _config(settings: Settings, pixels: Preprocessing, name: str, data_set: str | None) -> SegmenterConfig:
    side = _side(settings.values.get("image_size", 640), settings.file)
    depth = settings.whole("num_hidden_layers", 24, high=200)
    panoptic = _is_panoptic(pixels)
    names = class_names(settings.values)
    count = check_number(len(settings.get("id2label", dict, {})) or settings.whole("num_labels", 2))
    labels, remark = label_set(count, Told(names, data_sets=(data_set,) if data_set else ()))
    decoder = QueryDecoderConfig(
        "queries",
        settings.whole("num_queries", 200),
        settings.whole("num_blocks", 4, high=depth),
        settings.whole("num_upscale_blocks", 2, low=0, high=4),
        "panoptic" if panoptic else "semantic",
        _things(labels) if panoptic else (),
    )
    size = pixels.side_px
    if panoptic and labels.name not in THINGS:
        remark = f"{remark} Nobody says which classes can be counted: all are.".strip()
    return SegmenterConfig(
        name=name,
        encoder=_encoder(settings, side, depth),
        decoder=decoder,
        labels=_with_no_object(labels) if panoptic else labels,
        mean=pixels.mean,
        std=pixels.std,
        resolution=size,
        padding="square" if panoptic else "right_bottom",
        sliding=None if panoptic else SlidingConfig(size, size, size, evenly=True),
        remark=remark,
        resampling=pixels.resampling,
    )


def _is_panoptic(pixels: Preprocessing) -> bool:
    if pixels.splits == pixels.pads:
        raise InputError(
            f"{PREPROCESSOR_FILE} must either split pictures or pad them: it says which task it is"
        )
    return pixels.pads


def _encoder(settings: Settings, side: int, depth: int) -> EncoderConfig:
    width = settings.whole("hidden_size", 1024)
    gated = settings.get("use_swiglu_ffn", bool, False)
    ratio = float(settings.get("mlp_ratio", (int, float), 4))
    heads = settings.whole("num_attention_heads", 16, high=width)
    patch = _side(settings.values.get("patch_size", 16), settings.file)
    if width % heads:
        raise InputError(f"{width} channels cannot be split among {heads} attention heads")
    if side % patch:
        raise InputError(f"Images of {side} pixels cannot be cut into patches of {patch}")
    arguments: dict[str, Any] = {
        "img_size": [side, side],
        "patch_size": patch,
        "embed_dim": width,
        "depth": depth,
        "num_heads": heads,
        # Two thirds of the usual width, in eights, twice: a gated MLP has two layers side by side.
        "mlp_ratio": 2 * _in_eights(int(width * ratio * 2 / 3)) / width if gated else ratio,
        "reg_tokens": settings.whole("num_register_tokens", 4, low=0, high=64),
        "no_embed_class": True,
        "init_values": 1.0,
    }
    eps = float(settings.get("layer_norm_eps", float, 1e-6))
    return EncoderConfig(SWIGLU_VIT if gated else PLAIN_VIT, arguments, eps, "bicubic", True)


def _in_eights(count: int) -> int:
    return (count + 7) // 8 * 8


def _side(value: Any, file: str) -> int:
    """One side of a square, told once or twice."""
    sides = value if isinstance(value, list) else [value]
    whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    if not whole or len(set(sides)) != 1 or not 1 <= sides[0] <= LARGEST_SIDE_PX:
        raise InputError(f"{file} must have square images and patches of whole pixels, but got {value!r:.60}")
    return int(sides[0])


def _default(settings: Settings) -> Preprocessing:
    """What EoMT's image processor does unless it is told otherwise."""
    side = _side(settings.values.get("image_size", 640), settings.file)
    return Preprocessing(side, IMAGENET_MEAN, IMAGENET_STD)


def _with_no_object(labels: LabelSet) -> LabelSet:
    palette = np.concatenate([labels.palette, np.array([NO_OBJECT_COLOUR], np.uint8)])
    return LabelSet(labels.name, (*labels.class_names, NO_OBJECT), palette, labels.ignore_index)


def _things(labels: LabelSet) -> tuple[int, ...]:
    """Which classes can be counted, where that is known; of other data sets all are taken for things."""
    return THINGS.get(labels.name, tuple(range(len(labels.class_names))))


def _fused(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    fused = dict(tensors)
    for ours, theirs in FUSED:
        first, *_ = theirs
        for name in [name for name in tensors if f".{first}." in name]:
            names = [name.replace(first, part) for part in theirs]
            fused[name.replace(first, ours)] = stacked(fused, names)
    return fused


def _reshape(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tables of embeddings become batches of one."""
    tables = ("encoder.pos_embed", "decoder.query")
    return {
        name: value[None] if name in tables and value.ndim == 2 else value for name, value in weights.items()
    }
