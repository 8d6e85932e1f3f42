"""A segmenter of three blocks that fits small pictures, with a sliding window."""

from __future__ import annotations

from mpm.data.labels import STREETS
from mpm.segmenters.config import DecoderConfig, EncoderConfig, SegmenterConfig, SlidingConfig, streets_config

WINDOW = SlidingConfig(resize_px=48, window_px=48, stride_px=24)


def small_config(**changes) -> SegmenterConfig:
    streets = streets_config()
    fields = {
        "name": "small",
        "encoder": EncoderConfig("vit_tiny_patch16_224", {"img_size": [64, 64], "depth": 3}),
        "decoder": DecoderConfig("linear"),
        "labels": STREETS,
        "mean": streets.mean,
        "std": streets.std,
        "resolution": 64,
        "sliding": WINDOW,
    }
    return SegmenterConfig(**{**fields, **changes})
