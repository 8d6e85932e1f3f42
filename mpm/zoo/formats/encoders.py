"""Any plain timm ViT as encoder, for timing and for merge maps: "timm:NAME[+mask|+linear][+random]".

    timm:vit_base_patch16_224.augreg_in21k          pretrained, with a mask transformer behind it
    timm:eva_giant_patch14_336.clip_ft_in1k+linear  with a linear decoder
    timm:deit3_small_patch16_224+random             random weights all over, nothing downloaded

Pretrained weights come through timm and the Hugging Face hub, which keep their own cache. The decoder is
always random, with a fixed seed: how tokens merge is the real encoder's, the masks mean nothing.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any, cast

import timm
import torch
from torch import nn

from mpm.data.labels import by_name
from mpm.encoders.pick import timm_arguments
from mpm.encoders.vit import PlainViT
from mpm.errors import InputError
from mpm.segmenters.build import own_final_norm, place_final_norm, supported
from mpm.segmenters.config import DecoderConfig, EncoderConfig, SegmenterConfig
from mpm.segmenters.segmenter import Segmenter

PREFIX = "timm:"
SEED = 0
MASK_LAYERS = 2
LABELS = "ade20k"


@dataclass(frozen=True)
class EncoderName:
    """What stands behind "timm:"."""

    model: str
    decoder: str = "mask"
    pretrained: bool = True

    @classmethod
    def parse(cls, text: str) -> EncoderName:
        """From "timm:NAME[+mask|+linear][+random]". Raises InputError for anything else."""
        model, *options = text.removeprefix(PREFIX).split("+")
        decoders = [option for option in options if option in ("mask", "linear")]
        others = [option for option in options if option not in ("mask", "linear", "random")]
        if not model or others or len(decoders) > 1:
            raise InputError(f"Expected {PREFIX}NAME[+mask|+linear][+random], but got {text!r}")
        # Names such as "hf-hub:..." would make timm fetch a stranger's configuration.
        if not timm.is_model(model):
            raise InputError(f"timm has no model {model!r}")
        return cls(model, decoders[0] if decoders else cls.decoder, pretrained="random" not in options)


def load(text: str) -> Segmenter:
    """The segmenter that a "timm:..." name stands for, on CPU.

    Raises InputError where timm has no such model, where it is no plain ViT, or where its pretrained weights
    cannot be had.
    """
    name = EncoderName.parse(text)
    encoder = _create(name)
    segmenter = random_segmenter(_config(text, name, encoder))
    if name.pretrained:
        place_final_norm(encoder, segmenter.config.encoder)
        segmenter.encoder.load_state_dict(encoder.state_dict())
    return segmenter


def random_segmenter(config: SegmenterConfig) -> Segmenter:
    """A segmenter whose random weights are the same every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return Segmenter(config)


def encoder_config(encoder: PlainViT, model: str) -> EncoderConfig:
    """How timm itself would run one of its ViT.

    The decoder sees timm's `norm`, or `fc_norm` in models (EVA-01, average-pooled ViT) that have no other,
    or the last block's own output.
    """
    return EncoderConfig(
        model,
        timm_arguments(encoder),
        layer_norm_eps=None,
        position_interpolation="bicubic",
        position_antialias=True,
        final_norm=own_final_norm(encoder),
    )


def _create(name: EncoderName) -> PlainViT:
    """timm's model, which is asked what it is before anything is downloaded."""
    with torch.device("meta"):
        blank = _made(name, pretrained=False)
    try:
        arguments = timm_arguments(supported(blank))
    except InputError as error:
        raise InputError(f"{error.open_ended}{_plain_one(name.model)}") from error
    return supported(_made(name, pretrained=name.pretrained, **arguments))


def _made(name: EncoderName, **arguments: Any) -> nn.Module:
    try:
        return timm.create_model(name.model, num_classes=0, **arguments)
    # timm, the hub and their HTTP libraries each have errors of their own for a file that cannot be had.
    except Exception as error:
        what = textwrap.shorten(str(error), 160, placeholder="…").rstrip(".")
        hint = f"; {PREFIX}{name.model}+random needs no download" if name.pretrained else ""
        raise InputError(f"{PREFIX}{name.model} cannot be loaded: {what}{hint}") from error


def _plain_one(model: str) -> str:
    """Advice: timm has many an encoder twice, as a NaFlexVit and as a plain ViT."""
    plain = model.removeprefix("naflex")
    return f": try {PREFIX}{plain}" if plain != model and timm.is_model(plain) else ""


def _config(text: str, name: EncoderName, encoder: PlainViT) -> SegmenterConfig:
    how = encoder_config(encoder, name.model)
    published = cast(dict[str, Any], encoder.pretrained_cfg)  # timm sets it behind the class' back
    return SegmenterConfig(
        name=text,
        encoder=how,
        decoder=_decoder(name.decoder, encoder),
        labels=by_name(LABELS),
        mean=tuple(published["mean"]),
        std=tuple(published["std"]),
        resolution=min(encoder.patch_embed.img_size),
        remark=_remark(name, published.get("license")),
    )


def _decoder(kind: str, encoder: PlainViT) -> DecoderConfig:
    """As wide as the encoder, and with as many heads."""
    if kind == "linear":
        return DecoderConfig("linear")
    # Blocks with attention side by side hold theirs deeper, or are attention themselves.
    heads = next(part.num_heads for part in encoder.blocks[0].modules() if hasattr(part, "num_heads"))
    return DecoderConfig("mask_transformer", MASK_LAYERS, cast(int, heads), encoder.embed_dim)


def _remark(name: EncoderName, licence: str | None) -> str:
    if not name.pretrained:
        return "All weights are random: merges and masks mean nothing, timings do."
    return f"The decoder is random: merges are real, masks mean nothing. Encoder: {licence or 'see timm'}."
