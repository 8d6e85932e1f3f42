"""What a checkpoint must say about itself to be run: nothing here is assumed anywhere else."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mpm.errors import InputError
from mpm.labels import STREETS, LabelSet

SCHEMA = 1


@dataclass(frozen=True)
class EncoderConfig:
    """A timm ViT: `timm_model` with `timm_args`, its LayerNorm eps, and how its positions are resized."""

    timm_model: str
    timm_args: dict[str, Any] = field(default_factory=dict)
    layer_norm_eps: float = 1e-6
    position_interpolation: str = "bilinear"
    position_antialias: bool = False


@dataclass(frozen=True)
class DecoderConfig:
    """`kind` is "mask_transformer" or "linear"; the other fields describe the mask transformer."""

    kind: str
    layers: int = 0
    heads: int = 0
    width: int = 0
    layer_norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        if self.kind not in ("mask_transformer", "linear"):
            raise InputError(f'decoder kind must be "mask_transformer" or "linear", but got {self.kind!r}')


@dataclass(frozen=True, eq=False)
class SegmenterConfig:
    """A segmenter: architecture, classes, normalisation and training resolution.

    mean, std      of RGB in [0, 1]
    resolution     short side of the image in whole-image mode, in pixels
    """

    name: str
    encoder: EncoderConfig
    decoder: DecoderConfig
    labels: LabelSet
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resolution: int

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for config.json."""
        labels = self.labels
        return {
            "schema": SCHEMA,
            "name": self.name,
            "encoder": asdict(self.encoder),
            "decoder": asdict(self.decoder),
            "labels": {
                "name": labels.name,
                "ignore_index": labels.ignore_index,
                "class_names": list(labels.class_names),
                "palette": labels.palette.tolist(),
            },
            "mean": list(self.mean),
            "std": list(self.std),
            "resolution": self.resolution,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SegmenterConfig:
        """Read what `to_json` wrote. Raises InputError for another schema, a missing or an unknown field."""
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            found = data.get("schema") if isinstance(data, dict) else type(data).__name__
            raise InputError(
                f"the checkpoint's configuration must have schema {SCHEMA}, but it has {found!r}"
            )
        try:
            labels = data["labels"]
            return cls(
                name=str(data["name"]),
                encoder=EncoderConfig(**data["encoder"]),
                decoder=DecoderConfig(**data["decoder"]),
                labels=LabelSet(
                    labels["name"],
                    tuple(labels["class_names"]),
                    np.array(labels["palette"], np.uint8),
                    labels["ignore_index"],
                ),
                mean=tuple(data["mean"]),
                std=tuple(data["std"]),
                resolution=int(data["resolution"]),
            )
        except InputError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the checkpoint's configuration is not complete: {error}") from error


def streets_config() -> SegmenterConfig:
    """`streets-vit-tiny`: ViT-Tiny/16 and a two-layer mask transformer over eleven street classes.

    Its positions belong to the grid of a whole 480 x 360 image, padded to 480 x 368. Training shows it
    streets at 180 to 504 pixels on the short side; `resolution` is where it does best on CamVid val.
    """
    return SegmenterConfig(
        name="streets-vit-tiny",
        encoder=EncoderConfig("vit_tiny_patch16_224", {"img_size": [368, 480]}),
        decoder=DecoderConfig("mask_transformer", layers=2, heads=3, width=192),
        labels=STREETS,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        resolution=432,
    )
