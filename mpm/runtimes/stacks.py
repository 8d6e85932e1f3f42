"""Blocks that a runtime runs: tensors in, tensors out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mpm.runtimes.blocks import stack_graph
from mpm.runtimes.runtime import Call, Runtime


class Stack:
    """Blocks in a row as a graph, compiled when made; where attention is told sizes, when first asked to.

    A copy of the weights: what changes in them later is not seen. behind: see `stack_graph`.
    """

    def __init__(self, runtime: Runtime, blocks: Sequence[nn.Module], behind: Tensor | None = None) -> None:
        self._runtime, self._blocks, self._behind = runtime, blocks, behind
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
        int8 = self._runtime.number_format == "int8"
        return self._runtime.compile(stack_graph(self._blocks, sized, int8, self._behind))
