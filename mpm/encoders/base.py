"""The seam between the loop and a Vision Transformer: an `Encoder` runs one block, a `TokenState` is data.

Shapes: B images, P prefix tokens (class, distillation, registers), N patches, M patch tokens left after
merging, C channels, H W pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mpm.encoders.varlen import Packing, by_length
from mpm.errors import InputError
from mpm.merging.costs import Costs
from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap


@dataclass(frozen=True, eq=False)
class TokenState:
    """Tokens between two blocks: what has merged so far, and what is left.

    tokens     (B, P + M, C), zeros past an image's own count
    prefix     P, of the tokens before the patches
    counts     patch tokens of each image, on the host
    grid       the patch grid that all began with
    block      the block that runs next
    blocks     where insertions happened so far, `maps` what each of them did, `rules` by which rule
    positions  (B, M) int64, patch index of each token's representative; None while token t is patch t
    log_sizes  (B, P + M), log of the patches behind each token, where attention is to know; else None
    rotary     the grid's rotary table, in the encoder's own layout; None without one
    packing    where the images' own tokens lie, once a block needed to know
    differences  of each insertion what every token had apart from its group's mean, (B, its tokens, C);
               None where restoring is a copy, or nobody merged
    taps       full-grid tokens (B, P + N, C) behind the blocks so far that the encoder's `taps` name
    entered    between a block's attention and its MLP, the state on the block's input; else None
    """

    tokens: Tensor
    prefix: int
    counts: tuple[int, ...]
    grid: Grid
    block: int = 0
    blocks: tuple[int, ...] = ()
    maps: tuple[MergeMap, ...] = ()
    rules: tuple[str, ...] = ()
    positions: Tensor | None = None
    log_sizes: Tensor | None = None
    rotary: Tensor | None = None
    packing: Packing | None = None
    differences: tuple[Tensor | None, ...] = ()
    taps: tuple[Tensor, ...] = ()
    entered: TokenState | None = None

    @property
    def patches(self) -> Tensor:
        """(B, M, C)."""
        return self.tokens[:, self.prefix :]

    @property
    def lengths(self) -> list[int]:
        """Tokens of each image, prefix included."""
        return [self.prefix + count for count in self.counts]

    @property
    def is_ragged(self) -> bool:
        """Whether the images have different numbers of tokens."""
        return len(set(self.counts)) > 1

    @property
    def has_differences(self) -> bool:
        """Whether each patch gets back what it had of its own."""
        return any(one is not None for one in self.differences)

    def whole_map(self) -> MergeMap:
        """From patches to the tokens left after all insertions so far, of which there is at least one."""
        return reduce(MergeMap.compose, self.maps)

    def select(self, members: Sequence[int], length: int) -> TokenState:
        """Some images of one length, prefix included: what a block needs of them."""
        chosen = list(members)
        positions, sizes = self.positions, self.log_sizes
        return replace(
            self,
            tokens=self.tokens[chosen, :length],
            counts=tuple(self.counts[image] for image in chosen),
            positions=None if positions is None else positions[chosen, : length - self.prefix],
            log_sizes=None if sizes is None else sizes[chosen, :length],
            packing=None,
        )


class Encoder(ABC):
    """How one kind of Vision Transformer is run block by block. It holds no weights: they are the module's.

    module          the network itself
    kind            what it is, in words
    timm_arguments  what timm must be told so that such a model takes any grid
    takes_turns     whether images of a batch run apart on CPU even without merges: each as it is alone
    taps            blocks whose output, on the full grid, the head wants as well
    costs           what the model's parts take on its device, where somebody measures: for rules that plan
    elsewhere       runs the blocks in place of PyTorch, one call a block as `call`, where a runtime does
    """

    kind: ClassVar[str]
    timm_arguments: ClassVar[dict[str, Any]] = {}

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.takes_turns = False
        self.taps: tuple[int, ...] = ()
        self.costs: Callable[[], Costs] | None = None
        self.elsewhere: Callable[[TokenState], Tensor] | None = None

    @staticmethod
    @abstractmethod
    def fits(module: nn.Module) -> bool:
        """Whether this kind runs that module."""

    @property
    @abstractmethod
    def depth(self) -> int:
        """Number of blocks."""

    @abstractmethod
    def embed(self, pixels: Tensor, grid: Grid | None = None) -> TokenState:
        """(B, 3, H, W), H and W whole patches -> tokens on the input of block 0. grid: None builds one."""

    def enter(self, state: TokenState) -> TokenState:
        """The state as the next block takes it: with queries where they join. Twice is as good as once."""
        return state

    @abstractmethod
    def call(self, state: TokenState) -> Tensor:
        """The next block over images of one length: its output (B, P + M, C)."""

    def call_attention(self, state: TokenState) -> Tensor:
        """The first half of the next block, attention added to the stream: its output (B, P + M, C).

        Raises InputError for a kind whose blocks have no such halves.
        """
        raise self._uncut()

    def call_mlp(self, state: TokenState) -> Tensor:
        """The second half, the MLP added to the stream: (B, P + M, C). Raises as `call_attention`."""
        raise self._uncut()

    def _uncut(self) -> InputError:
        return InputError(f"The blocks of this encoder, a {self.kind}, do not run attention and MLP in turn")

    @abstractmethod
    def norm(self, tokens: Tensor) -> Tensor:
        """The norm between the last block and the head: (B, P + M, C) -> the same shape."""

    def keys(self, state: TokenState) -> Tensor:
        """Keys of the patch tokens in the next block's attention: (B, heads, M, D), before any rotation.

        Raises InputError for a kind that does not give them.
        """
        raise InputError(f"This encoder, a {self.kind}, does not give its keys to a rule")

    def step(self, state: TokenState) -> TokenState:
        """One block. Images of unequal length run apart, so attention needs no mask and none sees padding."""
        if state.is_ragged and self.elsewhere is None:
            return self.step_ragged(state)
        return replace(state, tokens=_apart(state, self.elsewhere or self.call), block=state.block + 1)

    def step_ragged(self, state: TokenState) -> TokenState:
        """One block over images of unequal length: those of equal length together."""
        return replace(state, tokens=_apart(state, self.call), block=state.block + 1)

    def attend(self, state: TokenState) -> TokenState:
        """The first half of a block: what merges after attention merges in the state that it gives."""
        return replace(state, tokens=_apart(state, self.call_attention), entered=state)

    def feed_forward(self, state: TokenState) -> TokenState:
        """The second half of a block."""
        return replace(state, tokens=_apart(state, self.call_mlp), block=state.block + 1, entered=None)

    def restore(self, state: TokenState) -> Tensor:
        """Back to the full grid: (B, P + M, C) -> (B, P + N, C).

        One gather; or, where the state kept differences, one an insertion, from the last to the first: each
        token gets its group's token plus what it had apart from its group's mean when it merged. A block adds
        to a residual stream, so a group shares its updates and every patch keeps its own stream.
        """
        if not state.maps:
            return state.tokens
        return torch.cat([state.tokens[:, : state.prefix], _restored(state)], dim=1)


def _apart(state: TokenState, call: Callable[[TokenState], Tensor]) -> Tensor:
    """A call over images of equal length together, others apart: (B, P + M, C)."""
    if not state.is_ragged:
        return call(state)
    width = state.tokens.shape[1]
    return by_length(state.lengths, width, lambda members, length: call(state.select(members, length)))


def _restored(state: TokenState) -> Tensor:
    """(B, M, C) -> (B, N, C)."""
    if not state.has_differences:
        return state.whole_map().reconstruct(state.patches)
    patches = state.patches
    for merge_map, difference in zip(reversed(state.maps), reversed(state.differences), strict=True):
        if difference is not None:
            patches = merge_map.reconstruct(patches) + difference
    return patches
