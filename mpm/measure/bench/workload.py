"""What a benchmark runs on: a segmenter, and batches of pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import timm
import torch

from mpm.data.images import decode_image
from mpm.data.labels import LabelSet
from mpm.encoders.pick import timm_arguments
from mpm.encoders.vit import PlainViT
from mpm.errors import InputError
from mpm.segmenters.build import own_final_norm
from mpm.segmenters.config import DecoderConfig, EncoderConfig, SegmenterConfig
from mpm.segmenters.segmenter import Segmenter
from mpm.streets import render_street
from mpm.zoo.checkpoints import load_segmenter, model_names
from mpm.zoo.formats.encoders import PREFIX, EncoderName
from mpm.zoo.progress import download_bar
from mpm.zoo.random_models import is_random


@dataclass(frozen=True, eq=False)
class Workload:
    """A segmenter, pictures in batches that take turns, and the short side they are resized to."""

    segmenter: Segmenter
    trained: bool
    batches: tuple[tuple[np.ndarray, ...], ...]
    resolution: int | None
    encoder_only: bool = False

    @property
    def batch(self) -> int:
        return len(self.batches[0])


def load_model(
    name: str, device: torch.device, dtype: torch.dtype, resolution: int | None, classes: int
) -> tuple[Segmenter, bool]:
    """A registry name, a checkpoint, "timm:NAME", or any timm ViT with random weights; and whether trained.

    Of "timm:NAME" the encoder is, unless the name asks for a random one; its decoder never is.

    Raises InputError when it is none of these.
    """
    if is_random(name):
        return load_segmenter(name, device, dtype), False
    if name in model_names() or name.startswith(PREFIX) or os.path.exists(name):
        with download_bar(name) as show:
            segmenter = load_segmenter(name, device, dtype, show)
        return segmenter, not name.startswith(PREFIX) or EncoderName.parse(name).pretrained
    if not timm.is_model(name):
        raise InputError(f"No model {name!r}: give a bundled model, a checkpoint folder or a timm ViT's name")
    torch.manual_seed(0)
    segmenter = Segmenter(_random_config(name, resolution or 512, classes))
    return segmenter.to(device, dtype).eval().requires_grad_(False), False


def _random_config(name: str, resolution: int, classes: int) -> SegmenterConfig:
    """Seg-T/16's kind of head on any ViT: a mask transformer of two layers, as wide as the encoder."""
    width, arguments, final_norm = _known_of(name)
    encoder = EncoderConfig(name, {"img_size": resolution, **arguments}, final_norm=final_norm)
    palette = np.random.default_rng(0).integers(0, 256, (classes, 3), dtype=np.uint8)
    labels = LabelSet("random", tuple(f"class {number}" for number in range(classes)), palette, 255)
    decoder = DecoderConfig("mask_transformer", layers=2, heads=max(1, width // 64), width=width)
    half = (0.5, 0.5, 0.5)
    return SegmenterConfig(name, encoder, decoder, labels, half, half, resolution)


def _known_of(name: str) -> tuple[int, dict[str, Any], str]:
    """Channels of a timm ViT, what timm must be told, and which norm stands behind the last block."""
    try:
        with torch.device("meta"):
            # Another kind of model may lack some of this: an AttributeError, see below.
            vit = cast(PlainViT, timm.create_model(name, pretrained=False, num_classes=0))
            return vit.embed_dim, timm_arguments(vit), own_final_norm(vit)
    except (AttributeError, RuntimeError, TypeError) as error:
        raise InputError(f"{name!r} is no plain timm ViT: {error}") from error


def street_batches(count: int, batch: int, size_wh_px: tuple[int, int]) -> tuple[tuple[np.ndarray, ...], ...]:
    """`count` batches of synthetic streets, seeds 1, 2, ..."""
    streets = (render_street(seed, *size_wh_px).image for seed in range(1, count * batch + 1))
    pictures = [np.ascontiguousarray(street) for street in streets]
    return tuple(tuple(pictures[start : start + batch]) for start in range(0, count * batch, batch))


def picture_batches(paths: Sequence[Path], batch: int) -> tuple[tuple[np.ndarray, ...], ...]:
    """Batches of one's own pictures. Each batch holds one of them, `batch` times, so that sizes agree."""
    return tuple((decode_image(path).rgb,) * batch for path in paths)
