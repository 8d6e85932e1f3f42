"""`python -m mpm train`: trains streets-vit-tiny, from random or given weights, in as many runs as one likes.

    python -m mpm train --camvid DIR --output DIR --minutes 10 --total-minutes 100 --resume

Whatever run comes next goes on where the last one stopped, ended or was killed. Where the state was lost,
`--init-from streets-vit-tiny` begins with the weights that are in the box. Classes of one's own:

    python -m mpm train --dataset folder --root DIR --output DIR --init-from streets-vit-tiny
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from mpm.cli.types import Subparsers
from mpm.data.datasets import (
    FIRST_TRAINING_SEED,
    CamVid,
    Dataset,
    FirstOf,
    Folder,
    InMemory,
    LabelledFiles,
    Sample,
    SyntheticStreets,
    held_out_streets,
)
from mpm.data.labels import LabelSet
from mpm.devices import pick_device
from mpm.errors import InputError
from mpm.measure.evaluate import evaluate
from mpm.segmenters.config import SegmenterConfig, streets_config
from mpm.segmenters.segmenter import Segmenter
from mpm.training.batches import BatchMaker, BatchRecipe, Prefetcher, ScenePool
from mpm.training.initialise import initialise
from mpm.training.keep import check_classes, load_state, prepare_output
from mpm.training.log import TrainingLog
from mpm.training.loop import Learner, RunPlan, TrainingLoop, Validation
from mpm.training.optimise import StreetLoss, class_weights
from mpm.training.progress import Progress
from mpm.zoo.checkpoints import load_segmenter

TOKENS_PER_STEP = {"cpu": 4096, "cuda": 32768}
VALIDATION_PHOTOS, VALIDATION_SCENES = 24, 16
FEW_SCENES, IMAGES_FOR_PATCHES = 16, 64
WEIGHTS_OF_CLASSES = ("decoder.cls_emb", "decoder.mask_norm.")


def add_parser(subparsers: Subparsers) -> None:
    """Adds `train` to the program's commands."""
    parser = subparsers.add_parser(
        "train", help="train streets-vit-tiny, on CPU or GPU, in runs of any length"
    )
    parser.add_argument(
        "--camvid", type=Path, metavar="DIR", help="folder with train/ and val/ (images, labels)"
    )
    parser.add_argument(
        "--synthetic-only", action="store_true", help="no photographs: synthetic streets alone"
    )
    parser.add_argument(
        "--dataset", choices=("folder",), help="train on one's own images and classes, those of --root"
    )
    parser.add_argument(
        "--root", type=Path, metavar="DIR", help="folder with classes.json and train/ (images, labels)"
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="model, state and log go here"
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="length of this run (default: 10)")
    parser.add_argument(
        "--total-minutes",
        type=float,
        metavar="T",
        help="planned length of all runs together; the learning rate falls to zero towards it "
        "(default: no plan, it stays constant)",
    )
    parser.add_argument(
        "--peak-rate",
        type=float,
        default=1.0,
        metavar="F",
        help="factor on the learning rates; below 1 for weights that are good already (default: 1)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the state in the output folder, if any"
    )
    parser.add_argument(
        "--init-from",
        metavar="MODEL",
        help="begin with the weights of this model, a name or folder (default: random weights)",
    )
    parser.add_argument(
        "--synthetic-share", type=float, default=0.5, help="of every batch, 0 to 1 (default: 0.5)"
    )
    parser.add_argument(
        "--tokens-per-step", type=int, help="batch size in patches (default: 4096, on CUDA 32768)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    parser.add_argument("--threads", type=int, help="CPU threads (default: PyTorch's own choice)")
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(func=run, keeps_files=lambda _: True)


def run(args: argparse.Namespace) -> int:
    """The command. Raises InputError for bad input."""
    _check(args)
    device = _prepare_torch(args)
    photos = _open_photos(args) if args.dataset else None
    config = streets_config() if photos is None else _own_config(photos.label_set)
    start = _open_start(args, config)
    photos, validation = photos or _open_photos(args), _open_validation(args)
    check_classes(args.output, config.labels.class_names)
    prepare_output(args.output, args.resume)
    learner = _make_learner(args, config, start, photos, device)
    if learner.finished:
        print(
            f"already trained for {learner.minutes:.1f} of {learner.total_minutes:g} minutes: nothing to do"
        )
        return 0
    scenes = ScenePool() if _uses_scenes(args) else None
    make = BatchMaker(_recipe(args, config, learner.model.patch_px, device), photos, scenes, args.seed)
    try:
        _train(args, learner, make, validation)
    except OSError as error:
        raise InputError(f"Cannot write to {str(args.output)!r}: {error.strerror or error}") from error
    print(
        f"step {learner.step}, {learner.minutes:.1f} minutes in all; the model is in {args.output / 'model'}"
    )
    return 0


def _train(args: argparse.Namespace, learner: Learner, make: BatchMaker, validation: Validation) -> None:
    plan, log = RunPlan(args.minutes, args.output), TrainingLog(args.output, learner.step)
    shown = Progress(args.minutes, learner.minutes, _photos_name(args))
    with shown as progress, Prefetcher(make, learner.step) as batches:
        TrainingLoop(learner, plan, log, validation, progress.report, progress.tick).run(batches)


def _check(args: argparse.Namespace) -> None:
    if (args.dataset is None) != (args.root is None):
        raise InputError("--dataset folder and --root DIR belong together")
    if args.dataset and (args.camvid or args.synthetic_only):
        raise InputError("--dataset folder has its own classes: give neither --camvid nor --synthetic-only")
    if not args.dataset and (args.camvid is None) != args.synthetic_only:
        raise InputError("Give --camvid DIR or --synthetic-only, one of the two, or --dataset folder")
    if not 0 <= args.synthetic_share <= 1:
        raise InputError(f"--synthetic-share must be 0 to 1, but got {args.synthetic_share:g}")
    for name in ("minutes", "total_minutes", "peak_rate", "tokens_per_step", "threads"):
        value = getattr(args, name)
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InputError(f"--{name.replace('_', '-')} must be above 0, but got {value:g}")


def _uses_scenes(args: argparse.Namespace) -> bool:
    return args.synthetic_only or (args.synthetic_share > 0 and not args.dataset)


def _prepare_torch(args: argparse.Namespace) -> torch.device:
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    return pick_device(args.device)


def _open_photos(args: argparse.Namespace) -> Dataset | None:
    return None if args.synthetic_only else InMemory(_photos(args, "train"))


def _photos(args: argparse.Namespace, split: str) -> LabelledFiles:
    return Folder(args.root, split) if args.dataset else CamVid(args.camvid, split)


def _photos_name(args: argparse.Namespace) -> str:
    return "val" if args.dataset else "CamVid val"


def _own_config(labels: LabelSet) -> SegmenterConfig:
    """The same model for other classes."""
    return replace(streets_config(), name="own-vit-tiny", labels=labels)


def _open_validation(args: argparse.Namespace) -> Validation:
    """Small fixed subsets: the photographs' val where the folder has it, and held-out scenes."""
    photos: Dataset | None = None
    scenes: Dataset | None = None
    if not args.synthetic_only and ((args.root or args.camvid) / "val").is_dir():
        photos = FirstOf(_photos(args, "val"), VALIDATION_PHOTOS)
    if _uses_scenes(args):
        scenes = InMemory(held_out_streets(VALIDATION_SCENES))
    return Validation(lambda model: (_mean_iou(model, photos), _mean_iou(model, scenes)))


def _mean_iou(model: Segmenter, dataset: Dataset | None) -> float | None:
    return None if dataset is None else evaluate(model, dataset).results[0].mean_iou


def _open_start(args: argparse.Namespace, config: SegmenterConfig) -> Segmenter | None:
    """The model whose weights a new training begins with, None for random ones."""
    if args.init_from is None:
        return None
    start = load_segmenter(args.init_from)
    if _meaning_of_weights(start.config, args) != _meaning_of_weights(config, args):
        raise InputError(
            f"--init-from needs a model that is built as {streets_config().name} and has its classes, but "
            f"got {args.init_from} ({start.config.encoder.timm_model}, {len(start.class_names)} classes)"
        )
    return start


def _meaning_of_weights(config: SegmenterConfig, args: argparse.Namespace) -> tuple[object, ...]:
    """Two models with the same may exchange their weights; for own classes all but those of the classes."""
    classes = () if args.dataset else config.labels.class_names
    return config.encoder, config.decoder, classes, config.mean, config.std


def _begin_with(model: Segmenter, start: Segmenter) -> None:
    """Take another model's weights; what belongs to its classes only if they are the same."""
    weights, same = start.state_dict(), model.class_names == start.class_names
    if not same:
        initialise(model)
        weights = {name: one for name, one in weights.items() if not name.startswith(WEIGHTS_OF_CLASSES)}
    model.load_state_dict(weights, strict=same)


def _ignored(labels: LabelSet) -> int:
    assert labels.ignore_index is not None, "all that is trained on has pixels that count for nothing"
    return labels.ignore_index


def _make_learner(
    args: argparse.Namespace,
    config: SegmenterConfig,
    start: Segmenter | None,
    photos: Dataset | None,
    device: torch.device,
) -> Learner:
    state = load_state(args.output)
    model = Segmenter(config)
    if state is None:
        if start is None:
            initialise(model, _sample_images(args, photos))
        else:
            _begin_with(model, start)
    loss = StreetLoss(class_weights(_pixel_counts(photos, config.labels)), _ignored(config.labels))
    learner = Learner(model, loss, device, args.total_minutes, args.peak_rate)
    if state is not None:
        learner.load_state_dict(state)
    return learner


def _sample_images(args: argparse.Namespace, photos: Dataset | None) -> list[np.ndarray]:
    """Images of the training set, both sources, from which a new model learns what patches look like."""
    sources: list[Iterable[Sample]] = []
    if photos is not None:
        sources.append(FirstOf(photos, IMAGES_FOR_PATCHES))
    if _uses_scenes(args):
        sources.append(_few_scenes())
    return [image for source in sources for image, _ in source]


def _few_scenes() -> SyntheticStreets:
    return SyntheticStreets(range(FIRST_TRAINING_SEED, FIRST_TRAINING_SEED + FEW_SCENES))


def _pixel_counts(photos: Dataset | None, labels: LabelSet) -> torch.Tensor:
    """(classes,) pixels of each class in the photos; without photos, in some training scenes."""
    samples: Dataset = photos if photos is not None else _few_scenes()
    classes = len(labels.class_names)
    counts = sum(np.bincount(labels.ravel(), minlength=classes + 1)[:classes] for _, labels in samples)
    return torch.from_numpy(counts)


def _recipe(
    args: argparse.Namespace, config: SegmenterConfig, patch_px: int, device: torch.device
) -> BatchRecipe:
    return BatchRecipe(
        patch_px=patch_px,
        mean=config.mean,
        std=config.std,
        ignore_index=_ignored(config.labels),
        tokens_per_step=args.tokens_per_step or TOKENS_PER_STEP.get(device.type, TOKENS_PER_STEP["cpu"]),
        synthetic_share=args.synthetic_share,
    )
