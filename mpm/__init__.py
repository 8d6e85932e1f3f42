"""Mutual Pair Merging (arXiv 2604.05718) for Vision Transformers: merge, trace, segment, measure.

The front door: `load_segmenter(...).segment(image, schedule)` runs a segmenter and says what merged;
`apply(timm_vit, schedule)` gives the same merging to any plain timm ViT.

Names are imported on first use, so that what needs no torch (images, schedules, streets) starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpm.checkpoints import load_segmenter, model_names, save_segmenter
    from mpm.config import SegmenterConfig, streets_config
    from mpm.encoder import MergingViT, apply
    from mpm.errors import InputError
    from mpm.grid import Geometry, Grid
    from mpm.labels import STREETS, LabelSet
    from mpm.merge_map import MergeMap
    from mpm.pairing import Merger, mutual_pairs, random_pairs
    from mpm.registry import ModelEntry
    from mpm.schedule import PAPER, PRESETS, Schedule
    from mpm.segmenter import SegmentationRun, Segmenter
    from mpm.timing import Timing
    from mpm.trace import MergeStage, MergeTrace, TraceBatch

_HOMES = {
    "checkpoints": ("load_segmenter", "model_names", "save_segmenter"),
    "config": ("SegmenterConfig", "streets_config"),
    "encoder": ("MergingViT", "apply"),
    "errors": ("InputError",),
    "grid": ("Geometry", "Grid"),
    "labels": ("STREETS", "LabelSet"),
    "merge_map": ("MergeMap",),
    "pairing": ("Merger", "mutual_pairs", "random_pairs"),
    "registry": ("ModelEntry",),
    "schedule": ("PAPER", "PRESETS", "Schedule"),
    "segmenter": ("SegmentationRun", "Segmenter"),
    "timing": ("Timing",),
    "trace": ("MergeStage", "MergeTrace", "TraceBatch"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "PAPER",
    "PRESETS",
    "STREETS",
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
    "Schedule",
    "SegmentationRun",
    "Segmenter",
    "SegmenterConfig",
    "Timing",
    "TraceBatch",
    "apply",
    "load_segmenter",
    "model_names",
    "mutual_pairs",
    "random_pairs",
    "save_segmenter",
    "streets_config",
]


def __getattr__(name: str):
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mpm' has no attribute {name!r}")
    value = getattr(import_module(f"mpm.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
