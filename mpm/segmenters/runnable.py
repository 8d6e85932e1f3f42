"""The named recipes that a model can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mpm.encoders.run import encode
from mpm.errors import InputError
from mpm.merging.named import NamedRecipe, named_recipes
from mpm.merging.recipe import Recipe

if TYPE_CHECKING:
    from mpm.segmenters.segmenter import Segmenter

SIDE_PATCHES = 4


def runnable_recipes(segmenter: Segmenter) -> list[tuple[NamedRecipe, Recipe]]:
    """The names with their recipes, spelled out for this model; those that it refuses are left out."""
    found = []
    for one in named_recipes():
        try:
            recipe = segmenter.parse_recipe(one.name)
            # A rule that plans would measure the device first, and so small a picture meets no wish.
            if not recipe.looks_ahead:
                _try_first_merge(segmenter, recipe)
        except InputError:
            continue
        found.append((one, recipe))
    return found


@torch.inference_mode()
def _try_first_merge(segmenter: Segmenter, recipe: Recipe) -> None:
    """Run a blank picture through the first block that merges. Raises InputError as any run does."""
    if not recipe.blocks:
        return
    side_px = SIDE_PATCHES * segmenter.patch_px
    pixels = torch.zeros(1, 3, side_px, side_px, device=segmenter.device, dtype=segmenter.dtype)
    encode(segmenter.runner, pixels, recipe, stop=recipe.blocks[0] + 1)
