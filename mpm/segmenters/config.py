"""What a checkpoint must say about itself to be run: nothing here is assumed anywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mpm.data.labels import STREETS, LabelSet
from mpm.errors import InputError, shortened
from mpm.merging.named import name_in
from mpm.segmenters.confidence import ConfidenceReference
from mpm.segmenters.heads.dpt_config import DptDecoderConfig
from mpm.segmenters.heads.query_config import QueryDecoderConfig

SCHEMA = 1
DECODERS = ("mask_transformer", "linear", "batchnorm_linear")
PADDINGS = ("right_bottom", "centred", "square")
RESAMPLINGS = ("opencv", "bilinear", "bicubic")
"""OpenCV's bilinear after averaging whole pixels, or with antialiasing as PIL and torchvision do it."""
FINAL_NORMS = ("norm", "fc_norm", "none")


@dataclass(frozen=True)
class EncoderConfig:
    """A timm ViT: `timm_model` with `timm_args`, its LayerNorm eps, and how its positions are resized.

    layer_norm_eps   of every LayerNorm; None leaves them as timm made them
    position_offset  added to the new grid's sides before the scale is taken (DINOv2: 0.1), 0 for none
    final_norm       the norm between the last block and the decoder: timm's "norm", or "fc_norm" for models
                     such as EVA-01 that only have one behind the pooling; then it sees each token, unpooled;
                     "none" for models that have neither
    """

    timm_model: str
    timm_args: dict[str, Any] = field(default_factory=dict)
    layer_norm_eps: float | None = 1e-6
    position_interpolation: str = "bilinear"
    position_antialias: bool = False
    position_offset: float = 0.0
    final_norm: str = "norm"

    def __post_init__(self) -> None:
        if self.position_interpolation not in ("bilinear", "bicubic"):
            raise InputError(
                f'Positions are resized "bilinear" or "bicubic", but got {self.position_interpolation!r}'
            )
        if self.position_offset < 0:
            raise InputError(f"The position offset must be 0 or more, but got {self.position_offset}")
        if self.final_norm not in FINAL_NORMS:
            raise InputError(f"final_norm is one of {', '.join(FINAL_NORMS)}, but got {self.final_norm!r}")


@dataclass(frozen=True)
class DecoderConfig:
    """`kind` is one of DECODERS; the other fields describe the mask transformer."""

    kind: str
    layers: int = 0
    heads: int = 0
    width: int = 0
    layer_norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        if self.kind not in DECODERS:
            raise InputError(f"The decoder must be one of {', '.join(DECODERS)}, but got {self.kind!r}")
        if self.kind == "mask_transformer":
            self._check_sizes()

    def _check_sizes(self) -> None:
        sizes = (self.layers, self.heads, self.width)
        whole = all(isinstance(size, int) and not isinstance(size, bool) and size >= 1 for size in sizes)
        if not whole or self.width % self.heads:
            raise InputError(
                "A mask transformer needs layers, heads and width of at least 1, and a width that its heads "
                f"divide, but got {self.layers!r}, {self.heads!r} and {self.width!r}"
            )


AnyDecoderConfig = DecoderConfig | QueryDecoderConfig | DptDecoderConfig

_DECODER_KINDS: dict[str, type[AnyDecoderConfig]] = {
    **dict.fromkeys(DECODERS, DecoderConfig),
    "queries": QueryDecoderConfig,
    "dpt": DptDecoderConfig,
}


@dataclass(frozen=True)
class SlidingConfig:
    """Square windows over the resized image, as in the published evaluations.

    resize_px          short side of the image before it is cut
    window_px          side of a window, and `stride_px` from one to the next
    max_aspect         images longer than this many short sides are scaled down to it
    stretches_padding  a window's scores, padding included, are stretched onto the window (mmsegmentation and
                       DINOv2's head) instead of cutting the padding away
    fills_window       an image lower or narrower than a window is scaled up until it is not (Segmenter's
                       authors, after `max_aspect`), instead of being cut into smaller windows
    evenly             as few windows as cover the image, spread evenly over it; sides are rounded down (EoMT)
    """

    resize_px: int
    window_px: int
    stride_px: int
    max_aspect: float = 8.0
    stretches_padding: bool = False
    fills_window: bool = False
    evenly: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.stride_px <= self.window_px or self.resize_px < 1 or self.max_aspect < 1:
            raise InputError(
                "A sliding window needs 1 <= stride_px <= window_px, resize_px and max_aspect of at least 1, "
                f"but got {self.stride_px}, {self.window_px}, {self.resize_px} and {self.max_aspect}"
            )


@dataclass(frozen=True, eq=False)
class SegmenterConfig:
    """A segmenter: architecture, classes, normalisation and training resolution.

    mean, std      of RGB in [0, 1]
    resolution     short side of the image in whole-image mode, in pixels
    padding        where zeros fill the image up to whole patches: one of PADDINGS; "square": `resolution` is
                   the long side's, and black fills the square at the right or the bottom
    resampling     how pictures are resized: one of RESAMPLINGS
    sliding        the published evaluation's window, None where there is none
    remark         a sentence that a person must know about this model, e.g. that its masks mean nothing
    recipes        texts of the recipes chosen for it, by name ("light", "fast", "fastest")
    changed        (threshold, per cent of pixels that change) of the adaptive recipe; both by `mpm calibrate`
    confidence       of unmerged masks on pictures of its kind, by `mpm calibrate` too; None: not known

    >>> import mpm
    >>> config = mpm.streets_config()
    >>> config.encoder.timm_model, config.decoder.kind, config.resolution
    ('vit_tiny_patch16_224', 'mask_transformer', 512)
    >>> again = mpm.SegmenterConfig.from_json(config.to_json())
    >>> again.to_json() == config.to_json()
    True
    """

    name: str
    encoder: EncoderConfig
    decoder: AnyDecoderConfig
    labels: LabelSet
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resolution: int
    padding: str = "right_bottom"
    sliding: SlidingConfig | None = None
    remark: str = ""
    recipes: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[tuple[float, float], ...] = ()
    confidence: ConfidenceReference | None = None
    resampling: str = "opencv"

    def __post_init__(self) -> None:
        self._check_recipes()
        if self.padding not in PADDINGS:
            raise InputError(f"The padding must be one of {', '.join(PADDINGS)}, but got {self.padding!r}")
        if self.resampling not in RESAMPLINGS:
            raise InputError(
                f"The resampling must be one of {', '.join(RESAMPLINGS)}, but got {self.resampling!r}"
            )

    def _check_recipes(self) -> None:
        if not isinstance(self.recipes, Mapping):
            raise InputError(
                f"A model's recipes are texts by their names, but got {type(self.recipes).__name__}"
            )
        for name, text in self.recipes.items():
            if not isinstance(name, str) or not isinstance(text, str):
                pair = f"{shortened(text)} for {shortened(name)}"
                raise InputError(f"A model's recipes are texts by their names, but got {pair}")
            if name_in(text) is not None:
                raise InputError(
                    f"A model's recipe {shortened(name)} must be spelled out, but got {shortened(text)}"
                )

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
            "padding": self.padding,
            "sliding": asdict(self.sliding) if self.sliding else None,
            "remark": self.remark,
            "recipes": dict(self.recipes),
            "changed": [list(pair) for pair in self.changed],
            "confidence": asdict(self.confidence) if self.confidence else None,
            "resampling": self.resampling,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SegmenterConfig:
        """Read what `to_json` wrote. Raises InputError for another schema, a missing or an unknown field."""
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            found = data.get("schema") if isinstance(data, dict) else type(data).__name__
            raise InputError(
                f"The checkpoint's configuration must have schema {SCHEMA}, but it has {found!r}"
            )
        try:
            labels = data["labels"]
            return cls(
                name=str(data["name"]),
                encoder=EncoderConfig(**data["encoder"]),
                decoder=_read_decoder(data["decoder"]),
                labels=LabelSet(
                    labels["name"],
                    tuple(labels["class_names"]),
                    np.array(labels["palette"], np.uint8),
                    labels["ignore_index"],
                ),
                mean=tuple(data["mean"]),
                std=tuple(data["std"]),
                resolution=int(data["resolution"]),
                padding=data.get("padding", "right_bottom"),
                sliding=SlidingConfig(**data["sliding"]) if data.get("sliding") else None,
                remark=str(data.get("remark", "")),
                recipes={} if data.get("recipes") is None else data["recipes"],
                changed=_pairs(data.get("changed")),
                confidence=ConfidenceReference.from_json(data.get("confidence")),
                resampling=data.get("resampling", "opencv"),
            )
        except InputError:
            raise
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise InputError(f"The checkpoint's configuration is not complete: {error}") from error


def _read_decoder(data: dict[str, Any]) -> AnyDecoderConfig:
    """By its kind. Raises InputError for a kind that does not exist."""
    kind = data["kind"]
    if kind not in _DECODER_KINDS:
        raise InputError(f"The decoder must be one of {', '.join(_DECODER_KINDS)}, but got {kind!r}")
    return _DECODER_KINDS[kind](**data)


def _pairs(rows: Any) -> tuple[tuple[float, float], ...]:
    return tuple((float(threshold), float(changed)) for threshold, changed in rows or ())


def streets_config() -> SegmenterConfig:
    """`streets-vit-tiny`: ViT-Tiny/16 and a two-layer mask transformer over eleven street classes.

    Its positions belong to the grid of a whole 480 x 360 image, padded to 480 x 368. Training shows it
    streets at 180 to 576 pixels on the short side; `resolution` is that of the method's paper.

    >>> import mpm
    >>> mpm.streets_config().labels is mpm.STREETS
    True
    """
    return SegmenterConfig(
        name="streets-vit-tiny",
        encoder=EncoderConfig("vit_tiny_patch16_224", {"img_size": [368, 480]}),
        decoder=DecoderConfig("mask_transformer", layers=2, heads=3, width=192),
        labels=STREETS,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        resolution=512,
    )
