"""The head of a Dense Prediction Transformer: four taps become maps of four sizes, fused from coarse to fine.

    tap -> readout -> on the grid -> resized ("reassembled") -> narrowed --+
    what is fused so far ------------------------------------------------ + -> refined -> twice as fine -> ...
    the finest -> classes, two pixels a cell for patches of 16 pixels

Ranftl, Bochkovskiy, Koltun, "Vision Transformers for Dense Prediction", ICCV 2021, arXiv 2103.13413.
Shapes: B images, P prefix tokens, N patches, C channels of the encoder, F of the fusion, h w cells of a map.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from mpm.encoders.base import Encoder
from mpm.errors import InputError
from mpm.merging.grid import Grid
from mpm.segmenters.heads.dpt_config import DptDecoderConfig
from mpm.segmenters.heads.dpt_scores import DptScores, twice_as_fine
from mpm.segmenters.heads.grid_head import GridHead, Restored


class DptHead(GridHead):
    """Reads the outputs of some blocks, before any norm. It is never trained here, so it has no dropout."""

    def __init__(self, encoder_width: int, classes: int, config: DptDecoderConfig) -> None:
        super().__init__()
        width = config.fusion_width
        self.taps = config.taps
        self.reassemble = nn.ModuleList(
            Reassemble(encoder_width, neck_width, width, factor, config.readout)
            for neck_width, factor in zip(config.neck_widths, config.factors, strict=True)
        )
        self.fusion = nn.ModuleList(
            Fusion(width, config.batch_norm, config.residual_bias, first=number == 0)
            for number in range(len(config.taps))
        )
        self.classify = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, classes, 1),
        )

    def joining(self, encoder: Encoder) -> Encoder:
        """The encoder itself. Raises InputError for one that has fewer blocks than this head names."""
        if self.taps[-1] >= encoder.depth:
            raise InputError(
                f"The DPT head reads block {self.taps[-1]}, but the encoder has {encoder.depth} blocks"
            )
        return encoder

    def read(self, restored: Restored) -> DptScores:
        """Scores at half the model's input. Raises InputError where the taps are missing."""
        if len(restored.taps) != len(self.taps):
            raise InputError(
                f"A DPT head needs the outputs of blocks {', '.join(map(str, self.taps))}: those of the last "
                "block alone are not enough"
            )
        return DptScores(self.decode(restored.taps, restored.grid))

    def decode(self, taps: Sequence[Tensor], grid: Grid) -> Tensor:
        """(B, P + N, C) of each tap -> (B, classes, h, w), eight cells a patch along each side."""
        fused = None
        # From the last tap, the coarsest. Each map is made when it is needed: the finest take most memory.
        backwards = zip(reversed(taps), reversed(self.reassemble), self.fusion, strict=True)
        for tap, reassemble, fuse in backwards:
            fused = fuse(reassemble(tap, grid), fused)
        return self.classify(fused)


class Reassemble(nn.Module):
    """One tap as a map of its own size."""

    def __init__(
        self, encoder_width: int, neck_width: int, fusion_width: int, factor: float, readout: str
    ) -> None:
        super().__init__()
        self.mode = readout
        self.readout = nn.Linear(2 * encoder_width, encoder_width) if readout == "project" else None
        self.project = nn.Conv2d(encoder_width, neck_width, 1)
        self.resize = _resizing(neck_width, factor)
        self.narrow = nn.Conv2d(neck_width, fusion_width, 3, padding=1, bias=False)

    def forward(self, tap: Tensor, grid: Grid) -> Tensor:
        """(B, P + N, C) -> (B, F, h, w); h = rows * factor, rounded up where the factor is below 1."""
        patches = self.read_out(tap[:, :1], tap[:, -grid.size :])
        on_grid = patches.transpose(1, 2).unflatten(2, (grid.rows, grid.cols))
        return self.narrow(self.resize(self.project(on_grid)))

    def read_out(self, first: Tensor, patches: Tensor) -> Tensor:
        """What the class token (B, 1, C) tells the patches (B, N, C): the same shape."""
        if self.readout is not None:
            # One layer over the two side by side; the class token's half of it is the same for all patches.
            of_patches, of_first = self.readout.weight.chunk(2, dim=1)
            return F.gelu(F.linear(patches, of_patches) + F.linear(first, of_first, self.readout.bias))
        return patches + first if self.mode == "add" else patches


class Fusion(nn.Module):
    """What is fused so far meets the next finer map, and becomes twice as fine. The first meets nothing."""

    def __init__(self, width: int, batch_norm: bool, bias: bool, first: bool) -> None:
        super().__init__()
        self.enter = None if first else ResidualUnit(width, batch_norm, bias)
        self.refine = ResidualUnit(width, batch_norm, bias)
        self.project = nn.Conv2d(width, width, 1)

    def forward(self, finer: Tensor, fused: Tensor | None = None) -> Tensor:
        """(B, F, h, w), and the same of what is fused so far -> (B, F, 2 h, 2 w)."""
        if self.enter is not None and fused is not None:
            finer = fused + self.enter(_fitted(finer, fused))
        # Projected before it grows: both orders give the same but for rounding, and this one costs a quarter.
        return twice_as_fine(self.project(self.refine(finer)))


class ResidualUnit(nn.Module):
    """Two convolutions on what is positive, added to the whole: (B, F, h, w) -> the same shape."""

    def __init__(self, width: int, batch_norm: bool, bias: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=bias)
        self.norm1 = nn.BatchNorm2d(width) if batch_norm else nn.Identity()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=bias)
        self.norm2 = nn.BatchNorm2d(width) if batch_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm1(self.conv1(F.relu(x)))
        return x + self.norm2(self.conv2(F.relu(inner)))


def _resizing(width: int, factor: float) -> nn.Module:
    """A map made `factor` times as fine by a learned layer."""
    if factor == 1:
        return nn.Identity()
    if factor > 1:
        return nn.ConvTranspose2d(width, width, int(factor), stride=int(factor))
    return nn.Conv2d(width, width, 3, stride=round(1 / factor), padding=1)


def _fitted(finer: Tensor, fused: Tensor) -> Tensor:
    """The finer map on the cells of the fused one: odd grids round up where they are halved."""
    size = fused.shape[2:]
    return (
        finer if finer.shape[2:] == size else F.interpolate(finer, size, mode="bilinear", align_corners=False)
    )
