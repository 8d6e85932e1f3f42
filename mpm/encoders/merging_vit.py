"""`mpm.apply`: merging for any timm ViT, as a module of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mpm.encoders.base import TokenState
from mpm.encoders.pick import is_supported, pick_encoder, why_unsupported
from mpm.encoders.run import encode, traces
from mpm.encoders.vit import PlainViT
from mpm.errors import InputError
from mpm.merging.recipe import Merger, Recipe
from mpm.merging.trace import TraceBatch


class MergingViT(nn.Module):
    """A timm ViT that merges tokens: `forward` and `forward_features` as timm's, with any recipe.

    It shares the weights of the ViT it was made from, which is not changed in any way.
    """

    def __init__(self, vit: PlainViT, recipe: Recipe) -> None:
        super().__init__()
        self.vit = vit
        self.recipe = recipe.check(len(vit.blocks))
        self.encoder = pick_encoder(vit)
        self.training = vit.training

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> what the plain ViT returns."""
        return self.vit.forward_head(self.forward_features(x))

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, P + N, C), the full grid restored, after the final norm."""
        return self._finish(encode(self.encoder, x, self.recipe))

    def forward_with_trace(self, x: Tensor) -> tuple[Tensor, TraceBatch]:
        """As forward_features, with the record of every merge: one MergeTrace an image."""
        states = encode(self.encoder, x, self.recipe)
        return self._finish(states), traces(states)

    def _finish(self, states: list[TokenState]) -> Tensor:
        restored = [self.encoder.restore(state) for state in states]
        return self.encoder.norm(torch.cat(restored) if len(restored) > 1 else restored[0])


def apply(timm_vit: nn.Module, schedule: Any, merger: Merger | None = None) -> MergingViT:
    """Merging for a timm ViT. The result shares its weights; the argument is untouched.

    schedule: a recipe, a schedule, or anything that `Recipe.parse` reads, without an input size. Raises
    TypeError for models that no encoder of `mpm.encoders` runs, ValueError where tokens are dropped in
    training, InputError for a bad recipe.
    """
    if not is_supported(timm_vit):
        raise TypeError(
            "mpm.apply needs a plain timm VisionTransformer (one token grid through all blocks), but got "
            f"{why_unsupported(timm_vit)}"
        )
    if getattr(timm_vit.patch_drop, "prob", 0):
        raise ValueError(
            "mpm.apply needs a ViT without patch dropout: a dropped patch has no place in the grid"
        )
    recipe = Recipe.parse(schedule).with_merger(merger)
    if recipe.decode_merged or recipe.resolution_px is not None:
        raise InputError(f"recipe {str(recipe)!r} cannot be applied to a ViT alone: no decoder, no picture")
    return MergingViT(timm_vit, recipe)
