"""Published architectures with random weights: "NAME+random", for timing and tests; nothing is downloaded."""

from __future__ import annotations

from dataclasses import replace

from mpm.errors import InputError
from mpm.segmenters.segmenter import Segmenter
from mpm.zoo.formats import dpt, eomt
from mpm.zoo.formats.encoders import random_segmenter

SUFFIX = "+random"
DPT = "dpt-large-ade20k"
REMARK = "All weights are random: merges and masks mean nothing, timings do."


def is_random(name: str) -> bool:
    """Whether a name asks for random weights of a published architecture."""
    return name.endswith(SUFFIX) and name.removesuffix(SUFFIX) in random_names()


def random_names() -> tuple[str, ...]:
    """The models of the registry whose architecture is known without their files."""
    return (*eomt.PUBLISHED, DPT)


def load_random(name: str) -> Segmenter:
    """The model of a name such as "eomt-small-coco+random". Raises InputError for any other."""
    if not is_random(name):
        raise InputError(f"Random weights are there for {', '.join(random_names())}, but got {name!r}")
    published = name.removesuffix(SUFFIX)
    config = dpt.random_config(name) if published == DPT else eomt.published_config(published)
    return random_segmenter(replace(config, name=name, remark=REMARK))
