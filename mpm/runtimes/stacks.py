"""Blocks that a runtime runs: tensors in, tensors out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mpm.runtimes.blocks import stack_graph
from mpm.runtimes.int8 import Ranges, dynamic, static
from mpm.runtimes.runtime import Call, Runtime


class Stack:
    """Blocks in a row as a graph, compiled when made; where attention is told sizes, when first asked to.

    A copy of the weights: what changes in them later is not seen. behind: see `stack_graph`. ranges: of what
    comes into layers, where the runtime needs them.
    """

    def __init__(
        self,
        runtime: Runtime,
        blocks: Sequence[nn.Module],
        behind: Tensor | None = None,
        ranges: Ranges | None = None,
    ) -> None:
        self._runtime, self._blocks, self._behind, self._ranges = runtime, blocks, behind, ranges
        self._plain = self._compiled(sized=False)
        self._sized: Call | None = None

    def __call__(self, tokens: Tensor, log_sizes: Tensor | None = None) -> Tensor:
        """(B, N, C), and (B, N) or None -> (B, N, C), each image alone: none tells in another's result."""
        run, inputs = self._plain, [tokens]
        if log_sizes is not None:
            self._sized = run = self._sized or self._compiled(sized=True)
            inputs.append(log_sizes)
        images = list(zip(*(one.split(1) for one in inputs), strict=True))
        if not images:
            return tokens
        made = [torch.from_numpy(run(*(part.contiguous().numpy() for part in image))) for image in images]
        return made[0] if len(made) == 1 else torch.cat(made)

    def _compiled(self, sized: bool) -> Call:
        by_weights = None
        if self._runtime.number_format == "int8":
            by_weights = static(self._ranges or {}) if self._runtime.needs_ranges else dynamic
        return self._runtime.compile(stack_graph(self._blocks, sized, by_weights, self._behind))
