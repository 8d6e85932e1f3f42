"""Writing an exported model: graphs, `model.json`, and the runner as `run.py`.

model.json, schema 1:

    schema, name, recipe     1, the model's name, the recipe's text
    embed, decode            files of the graphs at both ends
    steps                    in order: {"merge": whether mutual pairs merge first, "graph": its file}
    prefix                   tokens before the patches, which never merge
    residual, decode_merged  how the grid comes back: see `mpm.merging.recipe`
    resolution, max_patches, patch_px, padding, mean, std   how a picture is fitted
    classes, palette         names, and (K, 3) colours
    number_format            of the blocks: "float32" or "int8"
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from mpm.encoders.vit import VitEncoder
from mpm.errors import InputError
from mpm.export.graphs import decode_graph, embed_graph
from mpm.files import write_json
from mpm.merging.recipe import Recipe
from mpm.merging.rule_call import RuleCall
from mpm.runtimes.blocks import misfit, stack_graph
from mpm.runtimes.graph import Product
from mpm.runtimes.int8 import dynamic
from mpm.segmenters.heads import LinearDecoder, MaskTransformer
from mpm.segmenters.segmenter import MAX_PATCHES, Segmenter

FORMATS = ("float32", "int8")
RUNNER, PLAN = "run.py", "model.json"


def export(
    segmenter: Segmenter, recipe: Any, folder: str | os.PathLike[str], number_format: str = "float32"
) -> list[Path]:
    """Write a model with a recipe to a folder, which is made; the files, the runner last.

    Raises InputError for a recipe, a model or a number format that cannot be exported, and where the package
    onnx is missing.
    """
    plan = segmenter.read_recipe(recipe)
    reason = why_not(segmenter, plan)
    if reason:
        raise InputError(reason)
    if number_format not in FORMATS:
        raise InputError(f"An export is {' or '.join(FORMATS)}, but got {number_format}")
    try:
        graphs = _graphs(segmenter, plan, dynamic if number_format == "int8" else None)
    except ImportError as error:
        raise InputError(
            "An export needs the package onnx: install it with pip install 'mpm-explorer[onnx]'"
        ) from error
    return _written(Path(folder), graphs, _plan(segmenter, plan, number_format))


def why_not(segmenter: Segmenter, recipe: Recipe) -> str:
    """Why a model with a recipe cannot be exported, as a sentence; empty where it can."""
    return _why_not_recipe(recipe) or _why_not_model(segmenter)


def _why_not_recipe(recipe: Recipe) -> str:
    other = next((call for _, call in recipe.insertions if call != RuleCall()), None)
    if other is not None:
        return f"Recipe {recipe} cannot be exported: the runner knows mutual pairs, but not {other}"
    for option in ("sizes", "weighted", "after_attention"):
        if getattr(recipe, option):
            name = option.replace("_", "-")
            return f"Recipe {recipe} cannot be exported: the runner does not know the option {name}"
    if recipe.residual and recipe.decode_merged:
        return f"Recipe {recipe} cannot be exported: residual and decode-merged do not go together there"
    return ""


def _why_not_model(segmenter: Segmenter) -> str:
    name, config, runner = segmenter.config.name, segmenter.config, segmenter.runner
    if type(runner) is not VitEncoder or not isinstance(segmenter.decoder, LinearDecoder | MaskTransformer):
        decoder = type(segmenter.decoder).__name__
        return (
            f"{name} cannot be exported: not a {runner.kind} with a {decoder}, only plain ViTs with a mask "
            "transformer or a linear decoder"
        )
    blocks = [*segmenter.encoder.blocks, *getattr(segmenter.decoder, "blocks", ())]
    reason = misfit(blocks)
    if reason:
        return f"{name} cannot be exported: graphs do not know the {reason}"
    if config.encoder.position_offset:
        return f"{name} cannot be exported: its positions are resized with an offset"
    if config.resampling != "opencv":
        return f"{name} cannot be exported: its pictures are resized as PIL does, which the runner cannot"
    if config.padding == "square":
        return f"{name} cannot be exported: its pictures are padded to a square, which the runner cannot"
    return ""


def _graphs(segmenter: Segmenter, recipe: Recipe, by_weights: Product | None) -> dict[str, bytes]:
    """Models by their files' names, in the order in which they run."""
    runner = segmenter.runner
    assert isinstance(runner, VitEncoder) and runner.resizing is not None, "asked before: see why_not"
    blocks, vit = list(segmenter.encoder.blocks), segmenter.encoder
    graphs = {"embed.onnx": embed_graph(vit, runner.resizing)}
    for first, last in _stretches(recipe, len(blocks)):
        graphs[_file_of(first, last)] = stack_graph(blocks[first:last], by_weights=by_weights)
    norm, decoder = vit.norm, segmenter.decoder
    graphs["decode.onnx"] = decode_graph(norm, decoder, vit.num_prefix_tokens, vit.embed_dim, by_weights)
    return graphs


def _stretches(recipe: Recipe, depth: int) -> list[tuple[int, int]]:
    """Blocks between which nothing merges: the first, and the one behind the last."""
    starts = sorted({0, *recipe.blocks})
    return list(zip(starts, [*starts[1:], depth], strict=True))


def _file_of(first: int, last: int) -> str:
    return f"blocks-{first}-{last - 1}.onnx"


def _plan(segmenter: Segmenter, recipe: Recipe, number_format: str) -> dict[str, Any]:
    config = segmenter.config
    return {
        "schema": 1,
        "name": config.name,
        "recipe": str(recipe),
        "number_format": number_format,
        "embed": "embed.onnx",
        "steps": [
            {"merge": first in recipe.blocks, "graph": _file_of(first, last)}
            for first, last in _stretches(recipe, segmenter.depth)
        ],
        "decode": "decode.onnx",
        "prefix": segmenter.encoder.num_prefix_tokens,
        "residual": recipe.residual,
        "decode_merged": recipe.decode_merged,
        "resolution": recipe.resolution_px or config.resolution,
        "max_patches": MAX_PATCHES,
        "patch_px": segmenter.patch_px,
        "padding": config.padding,
        "mean": list(config.mean),
        "std": list(config.std),
        "classes": segmenter.class_names,
        "palette": segmenter.palette.tolist(),
    }


def _written(folder: Path, graphs: dict[str, bytes], plan: dict[str, Any]) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, model in graphs.items():
            (folder / name).write_bytes(model)
        write_json(folder / PLAN, plan)
        runner = files("mpm.export").joinpath("runner.py").read_text(encoding="utf-8")
        (folder / RUNNER).write_text(runner, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}") from error
    return [folder / name for name in (*graphs, PLAN, RUNNER)]
