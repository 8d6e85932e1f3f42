"""What a rule may know besides the tokens. Shapes: B images, N tokens, C channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, reduce

import torch
from torch import Tensor

from mpm.merging.costs import Costs
from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap


@dataclass(frozen=True, eq=False)
class Context:
    """One insertion, as the rule sees it. What costs something is made when it is asked for.

    tokens        (B, N, C), those that the rule gets
    block, depth  the encoder block on whose input they merge, and the number of blocks
    grid          the patch grid; None outside of a run
    counts        (B,) int64, tokens of each image: later rows are padding; None where there is none
    maps          the insertions before this one
    plan          all blocks at which the recipe merges
    own_blocks    of those, where this very rule merges, with the same arguments
    after_attention  whether all of them merge inside of their blocks, between attention and MLP
    decodes_all   whether the decoder runs on the full grid, whatever merged
    costs         what the model's parts take on its device, measured when first asked for; None where nobody
                  measures
    removals      how many tokens each image is to lose, for comparing rules at equal counts: who can
                  merges exactly so many, the most alike first; None: as many as the rule likes
    find_keys     see `keys`; None outside of a run

    A rule can be tried on a context made by hand:

    >>> import torch
    >>> import mpm
    >>> tokens = torch.eye(6)[None]
    >>> context = mpm.Context(tokens, grid=mpm.Grid(rows=2, cols=3, patch_px=16))
    >>> context.sizes.tolist()
    [[1, 1, 1, 1, 1, 1]]
    >>> rule = next(one for one in mpm.rules() if one.name == "mutual")
    >>> rule(tokens, context).counts.tolist()
    [5]
    """

    tokens: Tensor
    block: int = 0
    depth: int = 1
    grid: Grid | None = None
    counts: Tensor | None = None
    maps: tuple[MergeMap, ...] = ()
    plan: tuple[int, ...] = ()
    own_blocks: tuple[int, ...] = ()
    after_attention: bool = False
    decodes_all: bool = True
    costs: Callable[[], Costs] | None = None
    removals: tuple[int, ...] | None = None
    find_keys: Callable[[], Tensor] | None = None

    @cached_property
    def positions(self) -> Tensor:
        """Patch index of each token's representative: (B, N) int64."""
        if self.grid is not None and self.grid.positions is not None:
            return self.grid.positions
        rows = self.tokens.shape[1]
        return torch.arange(rows, device=self.tokens.device).expand(self.tokens.shape[0], rows)

    @cached_property
    def sizes(self) -> Tensor:
        """Patches that each token stands for: (B, N) int64, 0 for padding after a merge."""
        if not self.maps:
            return torch.ones(self.tokens.shape[:2], dtype=torch.int64, device=self.tokens.device)
        return reduce(MergeMap.compose, self.maps).group_sizes(self.tokens.shape[1])

    def keys(self) -> Tensor:
        """Keys of the tokens in this block's attention: (B, heads, N, D), before any rotation.

        Raises InputError for an encoder that does not give them, ValueError outside of a run.
        """
        if self.find_keys is None:
            raise ValueError("Keys are there in a run only: this context knows no block.")
        return self.find_keys()
