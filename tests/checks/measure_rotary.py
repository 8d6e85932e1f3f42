"""Where a merged token stands in a rotary table: at its representative, or at the mean of its patches.

    python tests/checks/measure_rotary.py [--model dinov3] [--steps 1200] [--keep FILE] [--camvid DIR]

Trains a small rotary encoder with a mask decoder on synthetic streets (one thread, a fixed seed, rates by
the step and not by the clock), then runs every recipe both ways over held-out streets, and over photographs
that it never saw where a folder is given. A picture is its own pair: both ways are held against the unmerged
masks and against the truth. Intervals are 95 % percentile bootstraps over the pictures.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from timm.layers.pos_embed_sincos import (  # noqa: E402
    build_fourier_pos_embed,
    get_mixed_grid,
    make_coords_dinov3,
)
from torch import Tensor, nn  # noqa: E402

from mpm.data.datasets import CamVid, FirstOf, Sample, held_out_streets, training_streets  # noqa: E402
from mpm.data.labels import STREETS  # noqa: E402
from mpm.encoders.base import Encoder, TokenState  # noqa: E402
from mpm.encoders.rope import RopeEncoder  # noqa: E402
from mpm.encoders.run import encode  # noqa: E402
from mpm.encoders.vit import PositionResizing  # noqa: E402
from mpm.measure.metrics import ConfusionMatrix  # noqa: E402
from mpm.merging.grid import Grid  # noqa: E402
from mpm.merging.recipe import Recipe  # noqa: E402
from mpm.merging.trace import MergeTrace  # noqa: E402
from mpm.segmenters.config import DecoderConfig, EncoderConfig, SegmenterConfig  # noqa: E402
from mpm.segmenters.segmenter import Segmenter  # noqa: E402
from mpm.training.batches import BatchMaker, BatchRecipe, ScenePool  # noqa: E402
from mpm.training.initialise import initialise_attention  # noqa: E402
from mpm.training.optimise import StreetLoss, StreetOptimiser, class_weights, update_average  # noqa: E402

MODELS = {
    "axial": "vit_small_patch16_rope_224",
    "dinov3": "vit_small_patch16_dinov3",
    "mixed": "vit_small_patch16_rope_mixed_224",
    "eva02": "eva02_tiny_patch14_224",
}
"""All but EVA-02 know of places by their rotary tables alone."""
WIDTH, DEPTH, HEADS = 192, 6, 3
RECIPES = ("1,3", "1,3|decode-merged", "0,2,4", "regions@0", "regions@0|residual", "regions(0.9,16)@0")
WARM_UP, TOKENS_PER_STEP, DRAWS = 50, 2048, 2000


class MeanRope(RopeEncoder):
    """Each token is turned as at the mean place of its patches: all angles are linear in the place."""

    def _table(self, state: TokenState) -> Tensor:
        if state.positions is None:
            return super()._table(state)
        angles = patch_angles(self.module.rope, state.grid)
        if self.module.rope_mixed:
            angles = angles[state.block]
        means = group_means(angles, state)
        waves = torch.stack([means.sin(), means.cos()])
        half = getattr(self.module.blocks[0].attn, "rotate_half", False)
        sines, cosines = torch.cat([waves, waves], -1) if half else waves.repeat_interleave(2, -1)
        table = torch.cat([sines, cosines], -1)
        return table[None] if self.module.rope_mixed else table[None, None]


class UnturnedRope(RopeEncoder):
    """No token is turned at all, from the first block on: what the table is worth to the model."""

    def _table(self, state: TokenState) -> Tensor:
        table = super()._table(state).clone()
        sines, cosines = table.chunk(2, -1)
        return torch.cat([torch.zeros_like(sines), torch.ones_like(cosines)], -1)


def patch_angles(rope: nn.Module, grid: Grid) -> Tensor:
    """Angles before sine and cosine, by timm's own grids: (N, D / 2), or (depth, heads, N, D / 2)."""
    shape = [grid.rows, grid.cols]
    if hasattr(rope, "freqs"):
        x, y = get_mixed_grid(shape, rope.grid_indexing)
        return x[:, None] * rope.freqs[0][..., None, :] + y[:, None] * rope.freqs[1][..., None, :]
    if hasattr(rope, "periods"):
        places = make_coords_dinov3(*shape, rope.normalize_coords, rope.grid_indexing, rope.grid_offset)
        return (2 * math.pi * places[:, :, None] / rope.periods).flatten(1)
    how = {"grid_offset": rope.grid_offset, "grid_indexing": rope.grid_indexing}
    places = build_fourier_pos_embed(
        shape, rope.bands, in_pixels=False, ref_feat_shape=rope.ref_feat_shape, include_grid=True, **how
    )[0]
    return (places * rope.bands).flatten(2).flatten(0, 1)


def group_means(rows: Tensor, state: TokenState) -> Tensor:
    """Means over the patches behind each token, for one image: (..., N, C) -> (..., M, C)."""
    whole = state.whole_map()
    sums = rows.new_zeros(*rows.shape[:-2], state.counts[0], rows.shape[-1])
    return sums.index_add(-2, whole.index[0], rows) / whole.group_sizes()[0].unsqueeze(-1)


class Placed(Segmenter):
    """A segmenter whose encoder is run by the class `kind`."""

    kind: type[RopeEncoder] = RopeEncoder

    @property
    def runner(self) -> Encoder:
        return self.kind(self.encoder, PositionResizing())

    def by(self, kind: type[RopeEncoder]) -> Placed:
        """The same weights, run by another class."""
        other = Placed(self.config)
        other.load_state_dict(self.state_dict())
        other.kind = kind
        return other.eval()


def segmenter_of(model: str) -> Placed:
    """Random weights: the family's own blocks and table, six of them, a mask transformer of one layer."""
    size = {"embed_dim": WIDTH, "depth": DEPTH, "num_heads": HEADS, "init_values": None, "patch_size": 16}
    norm = "fc_norm" if model == "eva02" else "norm"
    encoder = EncoderConfig(MODELS[model], {**size, "dynamic_img_size": True}, None, final_norm=norm)
    decoder = DecoderConfig("mask_transformer", 1, HEADS, WIDTH)
    return Placed(SegmenterConfig(model, encoder, decoder, STREETS, (0.5,) * 3, (0.5,) * 3, 368))


@torch.inference_mode()
def check_groups_of_one(segmenter: Placed) -> None:
    """A token that stands for one patch must have exactly the table's own row."""
    pixels = torch.randn(1, 3, 12 * segmenter.patch_px, 16 * segmenter.patch_px)
    ways = [segmenter.by(kind).runner for kind in (RopeEncoder, MeanRope)]
    (state,) = encode(ways[0], pixels, Recipe.parse("0"))
    alone = state.whole_map().group_sizes()[0] == 1
    for block in range(segmenter.depth):
        kept, mean = (one._table(replace(state, block=block))[..., alone, :] for one in ways)
        assert alone.any() and torch.equal(kept, mean)


def train(segmenter: Placed, steps: int, seed: int) -> Placed:
    """The averaged model after so many steps on synthetic streets."""
    initialise_attention(segmenter)
    average = segmenter.by(RopeEncoder)
    few = training_streets(16)
    classes = len(STREETS.class_names)
    counts = sum(np.bincount(labels.ravel(), minlength=classes + 1)[:classes] for _, labels in few)
    loss = StreetLoss(class_weights(torch.from_numpy(counts)), STREETS.ignore_index)
    config = segmenter.config
    recipe = BatchRecipe(16, config.mean, config.std, STREETS.ignore_index, TOKENS_PER_STEP)
    make, optimiser = BatchMaker(recipe, None, ScenePool(), seed), StreetOptimiser(segmenter)
    start = time.time()
    segmenter.train()
    for step in range(steps):
        batch = make(step)
        found = loss(segmenter(batch.pixels), batch.labels)
        found.backward()
        optimiser.step(min(1, (step + 1) / WARM_UP, (steps - step) / (0.6 * steps)))
        update_average(average, segmenter, step)
        if step % 50 == 0:
            print(f"step {step}: loss {found.item():.3f}, {time.time() - start:.0f} s", flush=True)
    return average


@dataclass
class Way:
    """What one way of placing tokens gave for one recipe: an entry a picture.

    agreement  share of the pixels that have the unmerged mask's class
    matrices   (classes, classes) pixels: true class, found class
    kept       share of the tokens that are left after the last block
    away       of each token that stands for several patches: its mean's distance, see `distances`
    """

    agreement: list[float] = field(default_factory=list)
    matrices: list[np.ndarray] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)
    away: list[np.ndarray] = field(default_factory=list)


def distances(trace: MergeTrace) -> np.ndarray:
    """Of each token that stands for several patches: from its representative to their mean, in patches."""
    last = trace.groups(len(trace.stages))
    names, groups, sizes = np.unique(last, return_inverse=True, return_counts=True)
    places = np.stack(np.divmod(np.arange(trace.grid.size), trace.grid.cols), 1)
    means = [np.bincount(groups.ravel(), places[:, axis]) / sizes for axis in (0, 1)]
    return np.linalg.norm(np.stack(means, 1) - places[names], axis=1)[sizes > 1]


def measure(segmenter: Placed, pictures: Iterable[Sample], recipes: Iterable[str]) -> dict:
    """Of (recipe, way) what all pictures gave."""
    kinds = {"representative": RopeEncoder, "mean": MeanRope, "unturned": UnturnedRope}
    ways = {name: segmenter.by(kind) for name, kind in kinds.items()}
    cases = [("none", "representative"), ("none", "unturned")]
    cases += [(recipe, name) for recipe in recipes for name in ("representative", "mean")]
    found = {case: Way() for case in cases}
    for image, truth in pictures:
        baseline = ways["representative"].segment(image, "none").labels
        for (recipe, name), way in found.items():
            run = ways[name].segment(image, recipe)
            way.agreement.append(float((run.labels == baseline).mean()))
            way.kept.append(run.trace.token_counts[-1] / run.grid.size)
            matrix = ConfusionMatrix(len(STREETS.class_names), STREETS.ignore_index)
            matrix.add(run.labels, truth)
            way.matrices.append(matrix.counts)
            if name == "mean":
                way.away.append(distances(run.trace))
    return found


def mean_iou(counts: np.ndarray) -> np.ndarray:
    """(..., C, C) -> (...): over the classes that occur."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    union = counts.sum(-1) + counts.sum(-2) - hits
    return np.nanmean(np.where(union > 0, hits / np.maximum(union, 1), np.nan), -1)


def interval(draws: np.ndarray) -> str:
    low, high = np.percentile(draws, [2.5, 97.5])
    return f"[{low:+.2f}, {high:+.2f}]"


def show(title: str, found: dict) -> None:
    """Prints a row a recipe and way, and mean less representative with its interval, in points."""
    print(f"\n{title}: {len(found['none', 'unturned'].agreement)} pictures")
    for (recipe, name), way in found.items():
        agreement, iou = 100 * np.mean(way.agreement), 100 * mean_iou(np.sum(way.matrices, 0))
        kept = 100 * np.mean(way.kept)
        told = f"agreement {agreement:6.2f} %  mIoU {iou:6.2f} %  tokens kept {kept:5.1f} %"
        print(f"{recipe:20} {name:15} {told}")
        if name == "mean":
            show_difference(way, found[recipe, "representative"])


def show_difference(mean: Way, kept: Way) -> None:
    apart = 100 * (np.array(mean.agreement) - np.array(kept.agreement))
    picks = np.random.default_rng(0).integers(len(apart), size=(DRAWS, len(apart)))
    first, second = (np.array(way.matrices) for way in (mean, kept))
    drawn = np.array([mean_iou(first[pick].sum(0)) - mean_iou(second[pick].sum(0)) for pick in picks])
    whole = mean_iou(first.sum(0)) - mean_iou(second.sum(0))
    told = f"agreement {apart.mean():+.2f} {interval(apart[picks].mean(1))}"
    print(f"{'':20} {'  difference':15} {told}  mIoU {100 * whole:+.2f} {interval(100 * drawn)}")
    away = np.concatenate(mean.away)
    told = f"mean {away.mean():.2f}, median {np.median(away):.2f}, 95 % below {np.percentile(away, 95):.2f}"
    print(f"{'':20} {'  patches away':15} {told}", flush=True)


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=MODELS, default="axial")
    parser.add_argument("--steps", type=int, default=1200, help="of training; none where FILE is there")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--streets", type=int, default=64, help="held-out synthetic streets")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the weights, or take those kept")
    parser.add_argument("--camvid", type=Path, metavar="DIR", help="also over its train photographs")
    parser.add_argument("--photographs", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    segmenter = segmenter_of(options.model)
    if options.keep and options.keep.is_file():
        segmenter.load_state_dict(torch.load(options.keep, weights_only=True))
    else:
        segmenter = train(segmenter, options.steps, options.seed)
        if options.keep:
            torch.save(segmenter.state_dict(), options.keep)
    check_groups_of_one(segmenter.eval())
    show("held-out streets", measure(segmenter, held_out_streets(options.streets), RECIPES))
    if options.camvid:
        # Something is chosen here, and nothing must be chosen on val. Nothing was trained on train.
        photographs = FirstOf(CamVid(options.camvid, "train"), options.photographs)
        show("photographs", measure(segmenter, photographs, RECIPES))


if __name__ == "__main__":
    main()
