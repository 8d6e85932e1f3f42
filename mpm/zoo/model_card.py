"""A model's card for the Hugging Face hub: what its configuration and the registry say of it, no more."""

from __future__ import annotations

import os
import re
from pathlib import Path

from huggingface_hub import ModelCardData

from mpm.errors import InputError, shortened
from mpm.segmenters.config import SegmenterConfig
from mpm.segmenters.segmenter import Segmenter
from mpm.zoo import hub, registry
from mpm.zoo.checkpoints import load_segmenter
from mpm.zoo.entry import ModelEntry
from mpm.zoo.random_models import is_random

CARD_FILE = "README.md"
LICENCE_IDS = {"CC BY-NC 4.0": "cc-by-nc-4.0", "MIT": "mit", "Apache-2.0": "apache-2.0"}
"""Our words for a licence, and the hub's."""
TAGS = ["token-merging", "mutual-pair-merging", "vision-transformer"]
PAPER = "https://arxiv.org/abs/2604.05718"


def model_card(model: Segmenter | str | Path, repo: str | None = None, licence: str | None = None) -> str:
    """The card as Markdown with the hub's metadata in front.

    model    a segmenter, or a name or path as `load_segmenter` takes; only a name from the registry tells
             where the weights come from and under which licence
    repo     "user/model", where it is to be at the hub; None: not known yet
    licence  of the weights, in the hub's spelling such as "cc-by-4.0"; None: the registry's, if it has one

    Raises InputError where the model cannot be loaded, and for a licence that cannot be one.

    >>> import mpm
    >>> card = mpm.model_card("streets-vit-tiny", "somebody/streets")
    >>> 'mpm.load_segmenter("somebody/streets")' in card
    True
    """
    entry = None if isinstance(model, Segmenter) else entry_of(str(model))
    segmenter = model if isinstance(model, Segmenter) else load_segmenter(model)
    spelled = _licence_id(licence, entry)
    address = repo or (str(model) if entry or _is_id(model) or _is_random(model) else "USER/MODEL")
    data = ModelCardData(
        license=spelled,
        library_name="mpm",
        pipeline_tag="image-segmentation",
        tags=TAGS,
        base_model=entry.hub.repo if entry and entry.hub else None,
    )
    parts = [
        f"---\n{data.to_yaml()}\n---",
        f"# {(repo or segmenter.config.name).rpartition('/')[2]}",
        _what_it_is(segmenter),
        segmenter.config.remark,
        _how_to_load(segmenter, address),
        _recipes(segmenter.config),
        _confidence(segmenter.config),
        _origin(entry, licence),
        _classes(segmenter.config),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def entry_of(name: str) -> ModelEntry | None:
    """What the registry knows of a name, or of an id at the hub."""
    source = hub.parse(name)
    return registry.find(name) or (registry.at_hub(source.repo) if source else None)


def _is_random(model: Segmenter | str | Path) -> bool:
    return isinstance(model, str) and is_random(model)


def _is_id(model: Segmenter | str | Path) -> bool:
    """Whether a model was named by its id at the hub, which a path of that name is not."""
    return isinstance(model, str) and hub.parse(model) is not None and not os.path.exists(model)


def _licence_id(licence: str | None, entry: ModelEntry | None) -> str | None:
    if licence is None:
        return LICENCE_IDS.get(entry.licence) if entry else None
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", licence):
        raise InputError(f"A licence is spelled as at the hub, cc-by-4.0 say, but got {shortened(licence)}")
    return licence


def _what_it_is(segmenter: Segmenter) -> str:
    config = segmenter.config
    millions = sum(value.numel() for value in segmenter.parameters()) / 1e6
    return (
        f"A Vision Transformer for image segmentation: {segmenter.depth} blocks, patches of "
        f"{segmenter.patch_px} x {segmenter.patch_px} pixels, {millions:.1f} million parameters, "
        f"{len(config.labels.class_names)} classes ({config.labels.name}). {_input(config)}\n\n"
        f"It runs in the library `mpm`, with or without [Mutual Pair Merging]({PAPER}) and other ways to "
        "merge tokens."
    )


def _input(config: SegmenterConfig) -> str:
    if config.padding == "square":
        return f"Pictures are fitted into a square of {config.resolution} pixels."
    return f"The short side of a picture is scaled to {config.resolution} pixels."


def _how_to_load(segmenter: Segmenter, address: str) -> str:
    recipe = "fast" if "fast" in segmenter.config.recipes else "2,5" if segmenter.depth > 5 else "2"
    return (
        "## Use\n\n```python\nimport mpm\n\n"
        f'segmenter = mpm.load_segmenter("{address}")\n'
        f'run = segmenter.segment(picture, "{recipe}")  # a PIL image, or (H, W, 3) uint8 RGB\n'
        "run.labels  # (H, W): the class of each pixel\n```\n\n"
        '`"none"` merges nothing.'
    )


def _recipes(config: SegmenterConfig) -> str:
    parts = []
    if config.recipes:
        rows = [(name, f"`{_in_a_cell(text)}`") for name, text in config.recipes.items()]
        parts += ["## Recipes chosen for this model", _table(("name", "recipe"), rows)]
    if config.changed:
        rows = [(f"{threshold:g}", f"{changed:g} %") for threshold, changed in config.changed]
        parts.append(
            "`adaptive(loss=...)` goes by the pixels whose class changed on the pictures that it was "
            "calibrated with:"
        )
        parts.append(_table(("threshold", "changed"), rows))
    return "\n\n".join(parts)


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    return "\n".join(f"| {left} | {right} |" for left, right in (head, ("---", "---"), *rows))


def _in_a_cell(text: str) -> str:
    return text.replace("|", r"\|")


def _confidence(config: SegmenterConfig) -> str:
    reference = config.confidence
    if reference is None:
        return ""
    return (
        "## How sure it is\n\nThe mean over the patches of the highest class probability, without merging "
        f"and on pictures of its kind, has the median {reference.median:g} and the 5 % quantile "
        f"{reference.low:g}. Far below that, a mask may mean nothing."
    )


def _origin(entry: ModelEntry | None, licence: str | None) -> str:
    """licence: the one that was asked for, not the registry's."""
    lines = []
    if entry:
        lines.append("Shipped with mpm." if entry.bundled else f"{entry.title}, from {entry.source}.")
        for score, name in ((entry.mean_iou, "% mIoU"), (entry.panoptic_quality, "PQ")):
            lines += [f"Its publisher reports {score:g} {name} ({entry.data_set})."] if score else []
    stated = licence or (entry.licence if entry else None)
    lines.append(f"Licence: {stated}." if stated else "Their licence is not stated.")
    return "## Weights\n\n" + " ".join(lines)


def _classes(config: SegmenterConfig) -> str:
    return "## Classes\n\n" + ", ".join(config.labels.class_names) + "."
