"""Mutual Pair Merging (arXiv 2604.05718) for Vision Transformers: merge, trace, segment, measure.

The front door: `load_segmenter(...).segment(image, schedule)` runs a segmenter and says what merged;
`apply(timm_vit, schedule)` gives the same merging to any plain timm ViT.

Names are imported on first use, so that what needs no torch (images, schedules, streets) starts at once.

>>> import mpm
>>> from mpm.streets import render_street
>>> segmenter = mpm.load_segmenter("streets-vit-tiny")
>>> run = segmenter.segment(render_street(7).image, "2,5", resolution=96)  # any PIL image will do
>>> run.labels.shape  # a class for every pixel
(360, 480)
>>> len(run.trace.token_counts)  # at the start, and after each of two insertions
3
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpm.clock import Timing
    from mpm.data.labels import STREETS, LabelSet
    from mpm.encoders.merging_vit import MergingViT, apply
    from mpm.errors import InputError
    from mpm.merging.context import Context
    from mpm.merging.grid import Grid
    from mpm.merging.merge_map import Evidence, MergeMap
    from mpm.merging.parameters import Range
    from mpm.merging.reasons import Reasons
    from mpm.merging.recipe import Recipe
    from mpm.merging.rule import Rule, load_rules, rule, rules
    from mpm.merging.rule_call import Merger
    from mpm.merging.rules.mutual import mutual_pairs
    from mpm.merging.rules.random import random_pairs
    from mpm.merging.schedule import PAPER, PRESETS, Schedule
    from mpm.merging.stage import MergeStage
    from mpm.merging.trace import MergeTrace, TraceBatch
    from mpm.segmenters.config import SegmenterConfig, streets_config
    from mpm.segmenters.drawing import draw_mask, draw_merges
    from mpm.segmenters.geometry import Geometry
    from mpm.segmenters.segmentation_run import SegmentationRun
    from mpm.segmenters.segmenter import Segmenter
    from mpm.zoo.checkpoints import load_segmenter, model_names, save_segmenter
    from mpm.zoo.entry import ModelEntry
    from mpm.zoo.model_card import model_card
    from mpm.zoo.publish import push_to_hub

__version__ = "0.2.0"
"""A plain string: the build reads it without importing anything."""

_HOMES = {
    "clock": ("Timing",),
    "data.labels": ("STREETS", "LabelSet"),
    "encoders.merging_vit": ("MergingViT", "apply"),
    "errors": ("InputError",),
    "merging.context": ("Context",),
    "merging.grid": ("Grid",),
    "merging.merge_map": ("Evidence", "MergeMap"),
    "merging.parameters": ("Range",),
    "merging.reasons": ("Reasons",),
    "merging.recipe": ("Recipe",),
    "merging.rule": ("Rule", "load_rules", "rule", "rules"),
    "merging.rule_call": ("Merger",),
    "merging.rules.mutual": ("mutual_pairs",),
    "merging.rules.random": ("random_pairs",),
    "merging.schedule": ("PAPER", "PRESETS", "Schedule"),
    "merging.stage": ("MergeStage",),
    "merging.trace": ("MergeTrace", "TraceBatch"),
    "segmenters.config": ("SegmenterConfig", "streets_config"),
    "segmenters.drawing": ("draw_mask", "draw_merges"),
    "segmenters.geometry": ("Geometry",),
    "segmenters.segmentation_run": ("SegmentationRun",),
    "segmenters.segmenter": ("Segmenter",),
    "zoo.checkpoints": ("load_segmenter", "model_names", "save_segmenter"),
    "zoo.entry": ("ModelEntry",),
    "zoo.model_card": ("model_card",),
    "zoo.publish": ("push_to_hub",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "PAPER",
    "PRESETS",
    "STREETS",
    "Context",
    "Evidence",
    "Geometry",
    "Grid",
    "InputError",
    "LabelSet",
    "MergeMap",
    "MergeStage",
    "MergeTrace",
    "Merger",
    "MergingViT",
    "ModelEntry",
    "Range",
    "Reasons",
    "Recipe",
    "Rule",
    "Schedule",
    "SegmentationRun",
    "Segmenter",
    "SegmenterConfig",
    "Timing",
    "TraceBatch",
    "apply",
    "draw_mask",
    "draw_merges",
    "load_rules",
    "load_segmenter",
    "model_card",
    "model_names",
    "mutual_pairs",
    "push_to_hub",
    "random_pairs",
    "rule",
    "rules",
    "save_segmenter",
    "streets_config",
]


if not TYPE_CHECKING:  # a type checker that saw this would take any name for one of ours

    def __getattr__(name: str) -> object:
        if name not in _HOME_OF:
            raise AttributeError(f"Module 'mpm' has no attribute {name!r}.")
        value = getattr(import_module(f"mpm.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
