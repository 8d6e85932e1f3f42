"""EoMT's head: each query names a class and draws a mask.

Kerssies et al., "Your ViT is Secretly an Image Segmentation Model", CVPR 2025, arXiv 2503.19108. Shapes: Q
queries, K classes, C channels; a cell is a patch's share after the upscale layers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mpm.encoders.base import Encoder
from mpm.encoders.queries import QueryEncoder
from mpm.encoders.vit import VitEncoder
from mpm.errors import InputError
from mpm.segmenters.heads.grid_head import GridHead, Restored
from mpm.segmenters.heads.query_config import QueryDecoderConfig
from mpm.segmenters.panoptic import PanopticScores
from mpm.segmenters.query_scores import QueryScores

INITIAL_STD = 0.02


class QueryHead(GridHead):
    """Masks as scalar products of queries with the upscaled grid, and a class, or none, of each query."""

    def __init__(self, config: QueryDecoderConfig, width: int, classes: int) -> None:
        """classes: those that a query may name; "no object" comes on top."""
        super().__init__()
        self.config = config
        self.query = nn.Parameter(torch.empty(1, config.queries, width))
        self.upscale = nn.Sequential(*(UpscaleLayer(width) for _ in range(config.upscale_layers)))
        self.mask_head = nn.Sequential(
            nn.Linear(width, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)
        )
        self.class_head = nn.Linear(width, classes + 1)
        nn.init.trunc_normal_(self.query, std=INITIAL_STD)

    def joining(self, encoder: Encoder) -> Encoder:
        if type(encoder) is not VitEncoder:
            raise InputError(f"Queries join a plain ViT, but this encoder is a {encoder.kind}")
        return QueryEncoder(encoder.module, encoder.resizing, self.query, encoder.depth - self.config.blocks)

    def read(self, restored: Restored) -> QueryScores:
        """The queries are the first tokens of the prefix."""
        queries = restored.prefix[:, : self.config.queries]
        plane = restored.patches.mT.unflatten(2, (restored.grid.rows, restored.grid.cols))
        cells = self.upscale(plane)
        masks = torch.einsum("bqc,bchw->bqhw", self.mask_head(queries), cells)
        if self.config.task == "panoptic":
            return PanopticScores(masks, self.class_head(queries), self.config.things)
        return QueryScores(masks, self.class_head(queries))


class UpscaleLayer(nn.Module):
    """Half the stride: (B, C, h, w) -> (B, C, 2h, 2w)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.grow = nn.ConvTranspose2d(width, width, kernel_size=2, stride=2)
        self.mix = nn.Conv2d(width, width, kernel_size=3, padding=1, groups=width, bias=False)
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mix(F.gelu(self.grow(x)))
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
