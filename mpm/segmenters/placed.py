"""Where a segmenter's blocks run: in PyTorch, or as graphs in another runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from mpm.encoders.base import TokenState
from mpm.runtimes.blocks import misfit
from mpm.runtimes.int8 import Ranges
from mpm.runtimes.runtime import Runtime
from mpm.runtimes.stacks import Stack
from mpm.segmenters.heads import MaskTransformer


@dataclass(frozen=True, eq=False)
class Placed:
    """What runs in place of PyTorch; nothing, unless somebody asks.

    name    the runtime with its number format; empty for PyTorch
    blocks  a graph for each block of the encoder
    head    the decoder with its blocks in the runtime; None for one that stays as it is
    note    why PyTorch goes on although a runtime was asked for
    """

    name: str = ""
    blocks: tuple[Stack, ...] = ()
    head: nn.Module | None = None
    note: str = ""

    def run_block(self, state: TokenState) -> Tensor:
        """The next block, images of one length: (B, P + M, C)."""
        return self.blocks[state.block](state.tokens, state.log_sizes)

    def __deepcopy__(self, memo: dict[int, Any]) -> Placed:
        return self  # graphs never change, and a runtime's cannot be copied


def place(
    runtime: Runtime,
    blocks: nn.ModuleList | nn.Sequential,
    decoder: nn.Module,
    ranges: Ranges | None = None,
) -> Placed:
    """The blocks of an encoder and of a mask transformer in a runtime; where that fails, a note says why.

    ranges: of what comes into each layer, where the runtime needs them.
    """
    reason = misfit(list(blocks))
    if reason:
        return Placed(note=f"{runtime.name} does not run the {reason} of this model, so torch does")
    try:
        graphs = tuple(Stack(runtime, [block], ranges=ranges) for block in blocks)
        head = GraphMaskTransformer(decoder, runtime, ranges) if _is_plain(decoder) else None
    except Exception as error:  # whatever a runtime raises, the model still runs
        said = next(iter(str(error).splitlines()), "") or type(error).__name__
        return Placed(note=f"{runtime.name} cannot build this model's graphs, so torch runs it: {said}")
    return Placed(runtime.title, graphs, head)


def _is_plain(decoder: nn.Module) -> bool:
    return isinstance(decoder, MaskTransformer) and not misfit(list(decoder.blocks))


class GraphMaskTransformer(MaskTransformer):
    """Another's weights, with its blocks in a runtime. For inference only."""

    run_stack: Callable[[Tensor, Tensor | None], Tensor]

    def __init__(self, own: nn.Module, runtime: Runtime, ranges: Ranges | None = None) -> None:
        nn.Module.__init__(self)
        assert isinstance(own, MaskTransformer)
        self.__dict__.update(own.__dict__)
        self.run_stack = Stack(runtime, list(own.blocks), own.cls_emb, ranges)

    def _decoded(self, x: Tensor, log_sizes: Tensor | None) -> Tensor:
        return self.run_stack(x, log_sizes)
