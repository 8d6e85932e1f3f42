"""A segmenter small enough to train in a test, and batches that are easy to learn."""

import torch
from torch import nn

from mpm.data.labels import STREETS
from mpm.segmenters.config import DecoderConfig, EncoderConfig, SegmenterConfig, streets_config
from mpm.segmenters.segmenter import Segmenter
from mpm.training import optimise
from mpm.training.batches import Batch
from mpm.training.initialise import initialise
from mpm.training.loop import Learner


def tiny_config() -> SegmenterConfig:
    streets = streets_config()
    return SegmenterConfig(
        name="tiny",
        encoder=EncoderConfig(
            "vit_tiny_patch16_224", {"img_size": [64, 64], "depth": 2, "embed_dim": 32, "num_heads": 2}
        ),
        decoder=DecoderConfig("mask_transformer", layers=1, heads=2, width=32),
        labels=STREETS,
        mean=streets.mean,
        std=streets.std,
        resolution=64,
    )


def tiny_learner(total_minutes=None, peak_rate=1.0) -> Learner:
    torch.manual_seed(0)
    model = Segmenter(tiny_config())
    initialise(model)
    loss = optimise.StreetLoss(torch.ones(11), STREETS.ignore_index)
    return Learner(model, loss, torch.device("cpu"), total_minutes, peak_rate)


def tiny_batch(seed: int) -> Batch:
    """Images whose brightness is their class: easy to learn."""
    generator = torch.Generator().manual_seed(seed)
    labels = (
        torch.randint(0, 3, (4, 4, 4), generator=generator).repeat_interleave(8, 1).repeat_interleave(8, 2)
    )
    pixels = (labels.float() - 1).unsqueeze(1).repeat(1, 3, 1, 1)
    return Batch(nn.functional.interpolate(pixels, scale_factor=2), labels)


def endless():
    step = 0
    while True:
        yield tiny_batch(step)
        step += 1
