"""Mutual Pair Merging (arXiv 2604.05718) for Vision Transformers: merge, trace, segment, measure.

The front door: `load_segmenter(...).segment(image, schedule)` runs a segmenter and says what merged;
`apply(timm_vit, schedule)` gives the same merging to any plain timm ViT.
"""

from mpm.checkpoints import load_segmenter, model_names, save_segmenter
from mpm.config import SegmenterConfig, streets_config
from mpm.encoder import MergingViT, apply
from mpm.errors import InputError
from mpm.grid import Geometry, Grid
from mpm.labels import STREETS, LabelSet
from mpm.merge_map import MergeMap
from mpm.pairing import Merger, mutual_pairs, random_pairs
from mpm.schedule import PAPER, PRESETS, Schedule
from mpm.segmenter import SegmentationRun, Segmenter
from mpm.timing import Timing
from mpm.trace import MergeStage, MergeTrace, TraceBatch

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
