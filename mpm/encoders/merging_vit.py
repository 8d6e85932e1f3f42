"""`mpm.apply`: merging for any timm ViT, as a module of its own."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import torch
from timm.models._features import feature_take_indices
from torch import Tensor, nn

from mpm.encoders.base import TokenState
from mpm.encoders.pick import is_supported, pick_encoder, why_unsupported
from mpm.encoders.run import encode, runs_alone, traces
from mpm.encoders.vit import PlainViT
from mpm.errors import InputError
from mpm.merging.named import ModelShape, name_in
from mpm.merging.recipe import Recipe
from mpm.merging.rule_call import Merger
from mpm.merging.trace import TraceBatch


class MergingViT(nn.Module):
    """A timm ViT that merges tokens: `forward` and its kin as timm's, with any recipe.

    It shares the weights of the ViT it was made from, and nothing else: its mode (train, eval), its recipe
    and gradient checkpointing are its own. `recipe`, or `schedule`, may be set to anything that reads as one.

    >>> import timm
    >>> import torch
    >>> import mpm
    >>> vit = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=3, num_classes=10).eval()
    >>> merging = mpm.apply(vit, "1")
    >>> pixels = torch.rand(2, 3, 64, 64)
    >>> tokens, traces = merging.forward_with_trace(pixels)
    >>> tokens.shape  # the class token and the full grid of 4 x 4 patches
    torch.Size([2, 17, 192])
    >>> [trace.token_counts[0] for trace in traces]
    [16, 16]
    >>> merging.recipe = "none"
    >>> torch.equal(merging(pixels), vit(pixels))
    True
    """

    def __init__(self, vit: PlainViT, recipe: Any) -> None:
        super().__init__()
        self.vit = _sharing_weights(vit)
        self.recipe = recipe
        self.encoder = pick_encoder(self.vit)
        self.training = vit.training

    @property
    def recipe(self) -> Recipe:
        """What merges, where and how. Setting it raises InputError for one that does not fit."""
        return self._recipe

    @recipe.setter
    def recipe(self, value: Any) -> None:
        recipe = _read(value, self.vit).check(len(self.vit.blocks))
        if recipe.decode_merged or recipe.resolution_px is not None:
            raise InputError(
                f"Recipe {recipe} cannot be applied to a ViT alone: it has no decoder, no picture"
            )
        self._recipe = recipe

    schedule = recipe

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> what the plain ViT returns."""
        features = self.forward_features(x)
        # timm's head rounds otherwise over more rows: an image's answer is that of the image alone.
        parts = features.split(1) if runs_alone(x, self.recipe) else (features,)
        answers = [self.vit.forward_head(part) for part in parts]
        return torch.cat(answers) if len(answers) > 1 else answers[0]

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, P + N, C), the full grid restored, after the final norm."""
        return self._finish(self._encode(x))

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """timm's own head."""
        return self.vit.forward_head(x, pre_logits=pre_logits)

    def forward_with_trace(self, x: Tensor) -> tuple[Tensor, TraceBatch]:
        """As forward_features, with the record of every merge: one MergeTrace an image."""
        states = self._encode(x)
        return self._finish(states), traces(states)

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | list[int] | None = None,
        return_prefix_tokens: bool = False,
        norm: bool = False,
        output_fmt: str = "NCHW",
        intermediates_only: bool = False,
    ) -> Any:
        """The full grid after several blocks, as timm gives it: (B, C, rows, cols) each, or (B, N, C).

        indices: the last so many blocks, the blocks of a list, or None for all. Returns the final features,
        as `forward_features`, and the list; of each entry also its prefix tokens where asked for. Raises
        ValueError for another output format, and as timm does for indices.
        """
        if output_fmt not in ("NCHW", "NLC"):
            raise ValueError(f"output_fmt must be NCHW or NLC, but got {output_fmt!r}.")
        wanted, _ = feature_take_indices(len(self.vit.blocks), indices)
        kept: dict[int, list[TokenState]] = {}

        def keep(state: TokenState) -> None:
            kept.setdefault(state.block - 1, []).append(state)

        final = self._encode(x, keep)
        kept[len(self.vit.blocks) - 1] = final
        found = [self._intermediate(kept[block], norm, output_fmt, return_prefix_tokens) for block in wanted]
        return found if intermediates_only else (self._finish(final), found)

    @property
    def pretrained_cfg(self) -> Any:
        """timm's: data settings are those of the ViT."""
        return self.vit.pretrained_cfg

    default_cfg = pretrained_cfg

    def no_weight_decay(self) -> set[str]:
        """timm's: parameters that optimisers must not shrink, by their names here."""
        return {f"vit.{name}" for name in self.vit.no_weight_decay()}

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """timm's: which parameters belong to which layer, by their names here."""
        return {name: _prefixed(rule) for name, rule in self.vit.group_matcher(coarse=coarse).items()}

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """timm's: keep no activations of the blocks, compute them again for the gradients."""
        self.vit.set_grad_checkpointing(enable)

    def _encode(self, x: Tensor, seen: Any = None) -> list[TokenState]:
        if self.training and getattr(self.vit.patch_drop, "prob", False):
            raise ValueError("Mpm cannot train with patch dropout: a dropped patch has no place in the grid.")
        return encode(self.encoder, x, self.recipe, seen=seen)

    def _restored(self, states: list[TokenState]) -> Tensor:
        restored = [self.encoder.restore(state) for state in states]
        return torch.cat(restored) if len(restored) > 1 else restored[0]

    def _finish(self, states: list[TokenState]) -> Tensor:
        return self.encoder.norm(self._restored(states))

    def _intermediate(self, states: list[TokenState], norm: bool, output_fmt: str, prefix: bool) -> Any:
        tokens = self._finish(states) if norm else self._restored(states)
        state = states[0]
        head, patches = tokens[:, : state.prefix], tokens[:, state.prefix :]
        if output_fmt == "NCHW":
            patches = patches.mT.unflatten(2, (state.grid.rows, state.grid.cols)).contiguous()
        return (patches, head) if prefix and state.prefix else patches


def _read(value: Any, vit: PlainViT) -> Recipe:
    recipe = Recipe.parse(value, ModelShape(len(vit.blocks), vit.embed_dim))
    # A name's text may be about a decoder, too: here is none.
    return replace(recipe, decode_merged=False) if isinstance(value, str) and name_in(value) else recipe


def _sharing_weights(vit: PlainViT) -> PlainViT:
    """The same modules anew around the very same parameters and buffers."""
    shared = {id(tensor): tensor for tensor in (*vit.parameters(), *vit.buffers())}
    return copy.deepcopy(vit, shared)


def _prefixed(rule: Any) -> Any:
    """timm's patterns for names that begin with "vit.": a pattern, a list of (pattern, group), or None."""
    if isinstance(rule, str):
        # timm matches from the beginning of a name, whether a pattern says so or not.
        return rf"^vit\.(?:{rule.replace('^', '')})"
    if isinstance(rule, (list, tuple)):
        return type(rule)((_prefixed(pattern), *rest) for pattern, *rest in rule)
    return rule


def apply(timm_vit: nn.Module, schedule: Any, merger: Merger | None = None) -> MergingViT:
    """Merging for a timm ViT. The result shares its weights; the argument is untouched.

    schedule  a recipe, a schedule, or anything that `Recipe.parse` reads, without an input size
    merger    a function of your own in place of the paper's rule, see `mpm.Merger`

    Raises TypeError for models that no encoder of `mpm.encoders` runs or that are no longer as timm made
    them, InputError for a bad recipe.

    >>> import timm
    >>> import torch
    >>> import mpm
    >>> vit = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=3, num_classes=10).eval()
    >>> merging = mpm.apply(vit, "1,2")
    >>> merging(torch.rand(2, 3, 64, 64)).shape
    torch.Size([2, 10])
    >>> merging.vit.blocks[0].mlp.fc1.weight is vit.blocks[0].mlp.fc1.weight
    True
    """
    if not is_supported(timm_vit):
        raise TypeError(
            "mpm.apply needs a plain timm VisionTransformer (one token grid through all blocks), but got "
            f"{why_unsupported(timm_vit)}."
        )
    return MergingViT(timm_vit, _read(schedule, timm_vit).with_merger(merger))
