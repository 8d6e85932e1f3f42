"""Where a merged token stands in a rotary table: at its representative, or at the mean of its patches?

    python tests/checks/measure_rotary.py [--model dinov3] [--steps 1200] [--keep FILE] [--camvid DIR]

Trains a small rotary encoder with a mask decoder on synthetic streets (one thread, a fixed seed, rates by
the step and not by the clock), then runs every recipe each way over held-out streets, and over photographs
that it never saw where a folder is given. A picture is its own pair: all ways are held against the unmerged
masks and against the truth. Intervals are 95 % percentile bootstraps over the pictures.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from mpm.data.datasets import CamVid, FirstOf, Sample, held_out_streets, training_streets  # noqa: E402
from mpm.data.labels import STREETS  # noqa: E402
from mpm.encoders.base import Encoder, TokenState  # noqa: E402
from mpm.encoders.rope import RopeEncoder  # noqa: E402
from mpm.encoders.vit import PositionResizing  # noqa: E402
from mpm.measure.metrics import ConfusionMatrix  # noqa: E402
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


class RepresentativeRope(RopeEncoder):
    """Each token is turned as its representative was: timm's own way for tokens that patch dropout keeps."""

    def _away(self, state: TokenState, positions: Tensor) -> Tensor:
        return torch.zeros(*positions.shape, 2)


class MeanRope(RopeEncoder):
    """Each token is turned as at the mean of its patches, wherever that lies."""

    def _away(self, state: TokenState, positions: Tensor) -> Tensor:
        patch, index = torch.arange(state.grid.size), state.whole_map().index
        places = torch.stack([patch // state.grid.cols, patch % state.grid.cols], 1).float()
        sums = torch.zeros(*positions.shape, 2).index_add(1, index[0], places[None])  # one image, on CPU
        sizes = state.whole_map().group_sizes().unsqueeze(-1)
        return sums / sizes - places[positions]


class UnturnedRope(RopeEncoder):
    """No token is turned at all: what the table is worth to the model."""

    def _table(self, state: TokenState) -> Tensor:
        sines, cosines = super()._table(state).chunk(2, -1)
        return torch.cat([torch.zeros_like(sines), torch.ones_like(cosines)], -1)


WAYS = {"representative": RepresentativeRope, "mean": MeanRope, "mean if inside": RopeEncoder}
"""The last is how the library does it."""


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
    ways = {name: segmenter.by(kind) for name, kind in {**WAYS, "unturned": UnturnedRope}.items()}
    found = {("none", name): Way() for name in ("representative", "unturned")}
    found |= {(recipe, name): Way() for recipe in recipes for name in WAYS}
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
    """Prints a row a recipe and way, and what it has over the representative, with intervals, in points."""
    print(f"\n{title}: {len(found['none', 'unturned'].agreement)} pictures")
    for (recipe, name), way in found.items():
        agreement, iou = 100 * np.mean(way.agreement), 100 * mean_iou(np.sum(way.matrices, 0))
        kept = 100 * np.mean(way.kept)
        told = f"agreement {agreement:6.2f} %  mIoU {iou:6.2f} %  tokens kept {kept:5.1f} %"
        print(f"{recipe:20} {name:15} {told}")
        if name in WAYS and name != "representative":
            show_difference(way, found[recipe, "representative"])
        if way.away:
            away = np.concatenate(way.away)
            told = f"mean {away.mean():.2f}, median {np.median(away):.2f}, 95 % below "
            print(f"{'':20} {'  patches away':15} {told}{np.percentile(away, 95):.2f}", flush=True)


def show_difference(mean: Way, kept: Way) -> None:
    apart = 100 * (np.array(mean.agreement) - np.array(kept.agreement))
    picks = np.random.default_rng(0).integers(len(apart), size=(DRAWS, len(apart)))
    first, second = (np.array(way.matrices) for way in (mean, kept))
    drawn = np.array([mean_iou(first[pick].sum(0)) - mean_iou(second[pick].sum(0)) for pick in picks])
    whole = mean_iou(first.sum(0)) - mean_iou(second.sum(0))
    told = f"agreement {apart.mean():+.2f} {interval(apart[picks].mean(1))}"
    print(f"{'':20} {'  difference':15} {told}  mIoU {100 * whole:+.2f} {interval(100 * drawn)}")


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
    show("held-out streets", measure(segmenter, held_out_streets(options.streets), RECIPES))
    if options.camvid:
        # Something is chosen here, and nothing must be chosen on val. Nothing was trained on train.
        photographs = FirstOf(CamVid(options.camvid, "train"), options.photographs)
        show("photographs", measure(segmenter, photographs, RECIPES))


if __name__ == "__main__":
    main()
