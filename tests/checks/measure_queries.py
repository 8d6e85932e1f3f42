"""Should queries be told how many patches a merged token stands for? Measured on an EoMT trained here.

    python tests/checks/measure_queries.py [--steps 600] [--pictures 40] [--keep FILE]

The bundled encoder gets sixteen queries in its last three blocks and EoMT's head, is trained on synthetic
streets with a fixed seed, and runs each recipe three ways over held-out streets: nobody is told of sizes,
everybody is (the option `sizes`), or the queries alone are, by log(size) on their rows of attention.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[up]) for up in (1, 2))

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import Tensor  # noqa: E402

import mpm  # noqa: E402
from mpm.encoders.base import TokenState  # noqa: E402
from mpm.encoders.queries import QueryEncoder  # noqa: E402
from mpm.measure.metrics import ConfusionMatrix  # noqa: E402
from mpm.segmenters.heads.query_config import QueryDecoderConfig  # noqa: E402
from mpm.segmenters.run import run  # noqa: E402
from mpm.streets import Street, render_street  # noqa: E402

QUERIES, BLOCKS, CELL_PX = 16, 3, 4
SIZE_WH_PX, CROP_PX, BATCH = (352, 256), 256, 4
RATE, HEAD_RATE = 1e-4, 1e-3
FIRST_TRAINING_SEED, FIRST_HELD_OUT_SEED = 1_000_000, 1
RECIPES = ("2,5", "0,2,4,6,8", "regions@0,1", "regions@0+regions(largest=6)@1+3")
DRAWS = 2000


class ToldQueries(QueryEncoder):
    """log(size) is added where queries look at tokens, and nowhere else."""

    def attention_arguments(self, state: TokenState) -> dict[str, Tensor]:
        if state.log_sizes is None:
            return {}
        joined = state.prefix > self.module.num_prefix_tokens
        length = state.tokens.shape[1]
        bias = state.log_sizes.new_zeros(len(state.tokens), 1, length, length)
        if joined:
            bias[:, :, : self.queries.shape[1]] = state.log_sizes[:, None, None, :]
        return {"attn_mask": bias}


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--pictures", type=int, default=40, help="held-out streets")
    parser.add_argument("--keep", type=Path, help="a file for the trained weights, used again if it is there")
    options = parser.parse_args()
    segmenter = untrained()
    if options.keep and options.keep.is_file():
        segmenter.load_state_dict(torch.load(options.keep, weights_only=True))
    else:
        train(segmenter, options.steps)
        if options.keep:
            torch.save(segmenter.state_dict(), options.keep)
    streets = [render_street(FIRST_HELD_OUT_SEED + number, *SIZE_WH_PX) for number in range(options.pictures)]
    report(segmenter.eval(), streets)


def untrained() -> mpm.Segmenter:
    """The bundled encoder with a random head of queries."""
    known = mpm.load_segmenter("streets-vit-tiny")
    torch.manual_seed(0)
    decoder = QueryDecoderConfig("queries", QUERIES, BLOCKS)
    segmenter = mpm.Segmenter(
        replace(known.config, name="queries", decoder=decoder, resolution=SIZE_WH_PX[1])
    )
    segmenter.encoder.load_state_dict(known.encoder.state_dict())
    return segmenter


def train(segmenter: mpm.Segmenter, steps: int) -> None:
    """Cross-entropy of the classes' shares of each cell's scores."""
    segmenter.train()
    groups = [
        {"params": list(segmenter.encoder.parameters()), "lr": RATE},
        {"params": list(segmenter.decoder.parameters()), "lr": HEAD_RATE},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [group["lr"] for group in groups], total_steps=steps, pct_start=0.1
    )
    for step in range(steps):
        pixels, labels = batch(segmenter, step)
        scores = segmenter(pixels)
        shares = (scores / scores.sum(1, keepdim=True).clamp(min=1e-6)).clamp(min=1e-6)
        loss = F.nll_loss(shares.log(), labels, ignore_index=segmenter.config.labels.ignore_index)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(segmenter.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)


def batch(segmenter: mpm.Segmenter, step: int) -> tuple[Tensor, Tensor]:
    """Crops (B, 3, side, side) and the labels of their cells (B, side / 4, side / 4)."""
    rng = np.random.default_rng(step)
    pixels, labels = [], []
    for place in range(BATCH):
        street = render_street(FIRST_TRAINING_SEED + step * BATCH + place, *SIZE_WH_PX)
        left = int(rng.integers(SIZE_WH_PX[0] - CROP_PX + 1))
        crop = np.s_[:CROP_PX, left : left + CROP_PX]
        pixels.append(segmenter.preprocess(np.ascontiguousarray(street.image[crop]), CROP_PX)[0])
        labels.append(torch.from_numpy(street.labels[crop][CELL_PX // 2 :: CELL_PX, CELL_PX // 2 :: CELL_PX]))
    return torch.cat(pixels), torch.stack(labels).long()


Way = Callable[[mpm.Segmenter, str], tuple[QueryEncoder, mpm.Recipe]]


def nobody(segmenter: mpm.Segmenter, text: str) -> tuple[QueryEncoder, mpm.Recipe]:
    return segmenter.runner, segmenter.read_recipe(text)


def everybody(segmenter: mpm.Segmenter, text: str) -> tuple[QueryEncoder, mpm.Recipe]:
    return segmenter.runner, segmenter.read_recipe(f"{text}|sizes")


def queries_alone(segmenter: mpm.Segmenter, text: str) -> tuple[QueryEncoder, mpm.Recipe]:
    plain = segmenter.runner
    told = ToldQueries(plain.module, plain.resizing, plain.queries, plain.first)
    return told, replace(segmenter.read_recipe(text), sizes=True)


WAYS: dict[str, Way] = {"nobody told": nobody, "all told": everybody, "queries told": queries_alone}


@torch.inference_mode()
def report(segmenter: mpm.Segmenter, streets: list[Street]) -> None:
    plain = [labels(segmenter, nobody, "none", street) for street in streets]
    print(f"unmerged mIoU {miou(segmenter, plain, streets):.2%} on {len(streets)} held-out streets")
    for text in RECIPES:
        agreed = {}
        for name, way in WAYS.items():
            masks = [labels(segmenter, way, text, street) for street in streets]
            agreed[name] = np.array([(a == b).mean() for a, b in zip(masks, plain, strict=True)])
            quality = miou(segmenter, masks, streets)
            print(f"{text:34} {name:13} agree {agreed[name].mean():.3%}  mIoU {quality:.2%}")
        for name in ("all told", "queries told"):
            low, high = interval(agreed[name] - agreed["nobody told"])
            print(f"{'':34} {name} less nobody told: {low:+.3%} to {high:+.3%} of the pixels")


def labels(segmenter: mpm.Segmenter, way: Way, text: str, street: Street) -> np.ndarray:
    encoder, recipe = way(segmenter, text)
    pixels, geometry = segmenter.preprocess(street.image)
    return run(encoder, segmenter.decoder, pixels, recipe, grid=geometry.grid).scores.mask(geometry).labels


def miou(segmenter: mpm.Segmenter, masks: list[np.ndarray], streets: list[Street]) -> float:
    matrix = ConfusionMatrix(len(segmenter.class_names), segmenter.config.labels.ignore_index)
    for mask, street in zip(masks, streets, strict=True):
        matrix.add(mask, street.labels)
    return matrix.mean_iou


def interval(differences: np.ndarray) -> tuple[float, float]:
    """95 % percentile bootstrap of the mean over pictures."""
    rng = np.random.default_rng(0)
    means = rng.choice(differences, (DRAWS, len(differences))).mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    main()
