"""A plain ViT whose last blocks also see queries: EoMT's encoder.

Kerssies et al., "Your ViT is Secretly an Image Segmentation Model", CVPR 2025, arXiv 2503.19108. Before one
of the last blocks the queries are put in front of all tokens; from there on they are prefix tokens like any
other: they attend and are attended to, never merge, and count once where attention is told of sizes.

Should the queries alone be told of sizes, by log(size) on their rows? On a small EoMT trained on synthetic
streets (tests/checks/measure_queries.py, 40 held-out streets, share of the pixels that keep the unmerged
class, 95 % paired intervals) that gains nothing or little: -0.9 to +0.2 points for 2,5, -0.4 to +0.7 for
0,2,4,6,8, +0.2 to +1.3 for regions@0,1. Telling all rows, the recipe's option `sizes`, gains -0.6 to +0.3,
+0.1 to +1.1 and +1.0 to +2.3. So there is no option of its own.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mpm.encoders.base import TokenState
from mpm.encoders.vit import PositionResizing, VitEncoder


class QueryEncoder(VitEncoder):
    """A timm ViT and queries (1, Q, C), the head's own, in front of its tokens from block `first` on."""

    kind = "ViT with queries"

    def __init__(
        self, module: nn.Module, resizing: PositionResizing | None, queries: Tensor, first: int
    ) -> None:
        super().__init__(module, resizing)
        self.queries, self.first = queries, first

    def enter(self, state: TokenState) -> TokenState:
        """With the queries in front, P + Q prefix tokens, where they join."""
        if state.block < self.first or state.prefix > self.module.num_prefix_tokens:
            return state
        count = self.queries.shape[1]
        queries = self.queries.to(state.tokens.dtype).expand(state.tokens.shape[0], -1, -1)
        sizes = state.log_sizes
        return replace(
            state,
            tokens=torch.cat([queries, state.tokens], dim=1),
            prefix=state.prefix + count,
            log_sizes=None if sizes is None else F.pad(sizes, (count, 0)),
            packing=None,
        )
