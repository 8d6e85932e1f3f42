"""DPT for semantic segmentation, a plain ViT with a convolutional head, as transformers writes it.

A folder: config.json with "model_type": "dpt", preprocessor_config.json, model.safetensors (or its shards).
`Intel/dpt-large-ade` is one: Ranftl et al., ICCV 2021, arXiv 2103.13413. What config.json leaves out has
transformers' default. Positions are resized bilinearly; the ViT's own final norm is in the file, but the head
reads the blocks' outputs before it. The publisher squeezes every picture to a square of the preprocessor's
size; here its short side gets that size and the aspect stays, as with every other model, and zeros fill the
image at the right and bottom. Left out: the auxiliary head of the training, the pooler, and the residual unit
of the first fusion for what was fused before it: nothing was.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from torch import Tensor

from mpm.data.labels import ADE20K
from mpm.errors import InputError, shortened
from mpm.segmenters.config import EncoderConfig, SegmenterConfig
from mpm.segmenters.heads.dpt_config import DptDecoderConfig
from mpm.zoo.folder import CONFIG_FILE
from mpm.zoo.formats.checkpoint import (
    HALF,
    PLAIN_VIT,
    Checkpoint,
    VitShapes,
    check_number,
    rename,
    shape_of,
    stacked,
)
from mpm.zoo.formats.classes import Told, label_set
from mpm.zoo.formats.preprocessing import Preprocessing
from mpm.zoo.formats.transformers_folder import class_names, model_type, read_settings, read_tensors

MODEL_TYPE = "dpt"
TAPS = (2, 5, 8, 11)
NECK_WIDTHS = (96, 192, 384, 768)
FACTORS = (4, 2, 1, 0.5)

DEFAULT = Preprocessing(384, HALF, HALF, "bicubic")
"""What DPT's image processor does unless it is told otherwise."""

UNUSED = r"^(dpt\.pooler|auxiliary_head|classifier|neck\.fusion_stage\.layers\.0\.residual_layer1)\."

RULES = (
    (r"^dpt\.embeddings\.cls_token$", "encoder.cls_token"),
    (r"^dpt\.embeddings\.position_embeddings$", "encoder.pos_embed"),
    (r"^dpt\.embeddings\.patch_embeddings\.projection\.", "encoder.patch_embed.proj."),
    (r"^dpt\.encoder\.layer\.", "encoder.blocks."),
    (r"^dpt\.layernorm\.", "encoder.norm."),
    (r"\.attention\.attention\.(query|key|value)\.", r".attn.\1."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"^(encoder\.blocks\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"^neck\.reassemble_stage\.readout_projects\.(\d+)\.0\.", r"decoder.reassemble.\1.readout."),
    (r"^neck\.reassemble_stage\.layers\.(\d+)\.projection\.", r"decoder.reassemble.\1.project."),
    (r"^neck\.reassemble_stage\.layers\.(\d+)\.resize\.", r"decoder.reassemble.\1.resize."),
    (r"^neck\.convs\.(\d+)\.", r"decoder.reassemble.\1.narrow."),
    (r"^neck\.fusion_stage\.layers\.(\d+)\.projection\.", r"decoder.fusion.\1.project."),
    (r"^neck\.fusion_stage\.layers\.(\d+)\.residual_layer1\.", r"decoder.fusion.\1.enter."),
    (r"^neck\.fusion_stage\.layers\.(\d+)\.residual_layer2\.", r"decoder.fusion.\1.refine."),
    (r"\.convolution([12])\.", r".conv\1."),
    (r"\.batch_norm([12])\.", r".norm\1."),
    (r"^head\.head\.([01])\.", r"decoder.classify.\1."),
    (r"^head\.head\.4\.", "decoder.classify.3."),
)
"""From transformers' names to ours, applied in this order."""


def matches(path: Path) -> bool:
    """Whether a folder says that it holds a DPT."""
    return path.is_dir() and model_type(path) == MODEL_TYPE


def read(path: Path, name: str, data_set: str | None = None) -> Checkpoint:
    """The checkpoint of a folder. Raises InputError where files are broken, disagree or hold another DPT."""
    said = dict(read_settings(path / CONFIG_FILE).values)
    try:
        _check_kind(said)
        weights = _renamed(read_tensors(path))
        config = _config(said, weights, name, data_set, Preprocessing.of(path, DEFAULT))
    except InputError:
        raise
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise InputError(f"{CONFIG_FILE} of the model lacks or misstates a setting: {error}") from error
    return Checkpoint(config, weights)


def random_config(name: str) -> SegmenterConfig:
    """`Intel/dpt-large-ade` without its weights: its sizes, classes and resolution, for timing alone."""
    vit_l = {"img_size": [384, 384], "patch_size": 16, "embed_dim": 1024, "depth": 24, "num_heads": 16}
    return SegmenterConfig(
        name=name,
        encoder=EncoderConfig(PLAIN_VIT, vit_l, layer_norm_eps=1e-12),
        decoder=DptDecoderConfig(
            MODEL_TYPE, (5, 11, 17, 23), (256, 512, 1024, 1024), batch_norm=True, residual_bias=False
        ),
        labels=ADE20K,
        mean=HALF,
        std=HALF,
        resolution=480,
        resampling="bicubic",
    )


def _check_kind(said: dict[str, Any]) -> None:
    """Raises InputError for what else goes by the name of DPT."""
    if said.get("is_hybrid") or said.get("backbone_config") or said.get("backbone"):
        raise InputError(
            "A DPT with another backbone (hybrid, DINOv2, Swin) is not read: only the plain ViT's is"
        )
    if "DPTForDepthEstimation" in (said.get("architectures") or ()):
        raise InputError("This DPT estimates depth: only one for semantic segmentation is read")
    if said.get("hidden_act", "gelu") != "gelu":
        raise InputError(f"A DPT's activation must be gelu, but got {shortened(said['hidden_act'])}")


def _renamed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Under our names; query, key and value become one projection."""
    kept = {name: value for name, value in weights.items() if not re.match(UNUSED, name)}
    renamed = rename(kept, RULES)
    for name in [name for name in renamed if ".attn.query." in name]:
        parts = [name.replace(".query.", f".{part}.") for part in ("query", "key", "value")]
        renamed[name.replace(".query.", ".qkv.")] = stacked(renamed, parts)
    return renamed


def _config(
    said: dict[str, Any], weights: dict[str, Tensor], name: str, data_set: str | None, pixels: Preprocessing
) -> SegmenterConfig:
    shapes = VitShapes.of_encoder(weights)
    decoder = _decoder(said, weights)
    classes = check_number(shape_of(weights, "decoder.classify.3.weight", 4)[0])
    labels, remark = label_set(classes, Told(class_names(said), data_sets=(data_set,) if data_set else ()))
    _check_agreement(said, shapes, decoder)
    return SegmenterConfig(
        name=name,
        encoder=_encoder(said, weights, shapes),
        decoder=decoder,
        labels=labels,
        mean=pixels.mean,
        std=pixels.std,
        resolution=pixels.side_px,
        padding="right_bottom",
        remark=remark,
        resampling=pixels.resampling,
    )


def _encoder(said: dict[str, Any], weights: dict[str, Tensor], shapes: VitShapes) -> EncoderConfig:
    hidden = shape_of(weights, "encoder.blocks.0.mlp.fc1.weight", 2)[0]
    arguments = shapes.timm_args(
        (shapes.side_px, shapes.side_px),
        int(said.get("num_attention_heads", 12)),
        mlp_ratio=hidden / shapes.width,
        qkv_bias=bool(said.get("qkv_bias", True)),
    )
    return EncoderConfig(PLAIN_VIT, arguments, layer_norm_eps=float(said.get("layer_norm_eps", 1e-12)))


def _decoder(said: dict[str, Any], weights: dict[str, Tensor]) -> DptDecoderConfig:
    """The head that the settings name. Its widths are the tensors': a small file builds no huge model."""
    taps = tuple(sorted(said.get("backbone_out_indices", TAPS)))
    if said.get("head_in_index", -1) not in (-1, len(taps) - 1):
        raise InputError(
            f"A DPT's head must read the last fusion, but got {shortened(said['head_in_index'])}"
        )
    if "decoder.classify.1.running_mean" not in weights:
        raise InputError("This DPT has no head for semantic segmentation")
    widths = [shape_of(weights, f"decoder.reassemble.{i}.project.weight", 4)[0] for i in range(len(taps))]
    told = said.get("neck_hidden_sizes", NECK_WIDTHS)
    if list(told) != widths:
        raise InputError(
            f"{CONFIG_FILE} says neck_hidden_sizes {shortened(told)}, but the tensors have "
            f"{shortened(widths)}"
        )
    batch_norm = bool(said.get("use_batch_norm_in_fusion_residual", False))
    bias = said.get("use_bias_in_fusion_residual")
    return DptDecoderConfig(
        MODEL_TYPE,
        taps=taps,
        neck_widths=tuple(widths),
        fusion_width=shape_of(weights, "decoder.reassemble.0.narrow.weight", 4)[0],
        readout=said.get("readout_type", "project"),
        factors=tuple(said.get("reassemble_factors", FACTORS)),
        batch_norm=batch_norm,
        residual_bias=not batch_norm if bias is None else bool(bias),
    )


def _check_agreement(said: dict[str, Any], shapes: VitShapes, decoder: DptDecoderConfig) -> None:
    """The settings must say what the tensors say."""
    tensors = {
        "hidden_size": (shapes.width, 768),
        "num_hidden_layers": (shapes.depth, 12),
        "patch_size": (shapes.patch_px, 16),
        "fusion_hidden_size": (decoder.fusion_width, 256),
    }
    for key, (value, default) in tensors.items():
        if said.get(key, default) != value:
            raise InputError(
                f"{CONFIG_FILE} says {key} {shortened(said.get(key, default))}, but the tensors have {value}"
            )
    if decoder.taps[-1] >= shapes.depth:
        raise InputError(
            f"{CONFIG_FILE} names block {decoder.taps[-1]}, but the encoder has {shapes.depth} blocks"
        )
