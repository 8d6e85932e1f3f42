"""What a configuration describes, built with random weights: the timm ViT and the decoder."""

from __future__ import annotations

import timm
from timm.layers.patch_embed import PatchEmbed
from torch import nn

from mpm.encoders.pick import is_supported, why_unsupported
from mpm.encoders.vit import PlainViT, PositionResizing
from mpm.errors import InputError
from mpm.segmenters.config import EncoderConfig, SegmenterConfig
from mpm.segmenters.heads import BatchNormLinear, LinearDecoder, MaskTransformer
from mpm.segmenters.heads.dpt import DptHead
from mpm.segmenters.heads.dpt_config import DptDecoderConfig
from mpm.segmenters.heads.queries import QueryHead
from mpm.segmenters.heads.query_config import QueryDecoderConfig


def build_encoder(config: EncoderConfig) -> PlainViT:
    """The timm ViT of a configuration, with random weights. Raises InputError for any other model."""
    encoder = supported(_create(config))
    if not isinstance(encoder.patch_embed, PatchEmbed):
        raise InputError(
            "The encoder must cut the image into patches by one convolution, but got "
            f"{type(encoder.patch_embed).__name__}"
        )
    if config.layer_norm_eps is not None:
        for module in encoder.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = config.layer_norm_eps
    place_final_norm(encoder, config)
    return encoder


def position_resizing(config: EncoderConfig) -> PositionResizing:
    """How positions are resized to another grid."""
    return PositionResizing(config.position_interpolation, config.position_antialias, config.position_offset)


def _create(config: EncoderConfig) -> nn.Module:
    # Names such as "hf-hub:..." would make timm fetch a stranger's configuration.
    if not timm.is_model(config.timm_model):
        raise InputError(f"timm has no model {config.timm_model!r}")
    try:
        return timm.create_model(config.timm_model, pretrained=False, num_classes=0, **config.timm_args)
    except (AssertionError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(f"timm cannot build the encoder {config.timm_model!r}: {error}") from error


def supported(encoder: nn.Module) -> PlainViT:
    """The encoder itself. Raises InputError for one that the loop cannot run."""
    if not is_supported(encoder):
        raise InputError(
            f"The encoder must be a plain timm VisionTransformer, but got {why_unsupported(encoder)}"
        )
    return encoder


def place_final_norm(encoder: PlainViT, config: EncoderConfig) -> None:
    """Make `encoder.norm` the norm that the decoder sees, whatever timm calls it: changes the encoder."""
    own = own_final_norm(encoder)
    if config.final_norm == "fc_norm":
        encoder.norm, encoder.fc_norm = encoder.fc_norm, nn.Identity()
    if isinstance(encoder.norm, nn.Identity) and config.final_norm != "none":
        raise InputError(
            f"{config.timm_model} has no {config.final_norm!r} for the decoder to see: try final_norm {own!r}"
        )


def own_final_norm(encoder: PlainViT) -> str:
    """Which of FINAL_NORMS a timm ViT, as timm made it, has behind its last block."""
    names = (name for name in ("norm", "fc_norm") if not isinstance(getattr(encoder, name), nn.Identity))
    return next(names, "none")


def build_decoder(config: SegmenterConfig, encoder_width: int) -> nn.Module:
    """The decoder of a configuration, with random weights."""
    decoder, classes = config.decoder, len(config.labels.class_names)
    if isinstance(decoder, QueryDecoderConfig):
        return QueryHead(decoder, encoder_width, classes - (decoder.task == "panoptic"))
    if isinstance(decoder, DptDecoderConfig):
        return DptHead(encoder_width, classes, decoder)
    if decoder.kind == "linear":
        return LinearDecoder(encoder_width, classes)
    if decoder.kind == "batchnorm_linear":
        return BatchNormLinear(encoder_width, classes)
    return MaskTransformer(
        encoder_width, classes, decoder.layers, decoder.heads, decoder.width, decoder.layer_norm_eps
    )
