"""The one run of a segmenter: embed -> [merge?] block ... -> reconstruct -> decode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mpm.clock import Clock
from mpm.encoders.base import Encoder, TokenState
from mpm.encoders.run import Insert, encode, merge_tokens
from mpm.encoders.varlen import by_length
from mpm.errors import InputError
from mpm.merging.grid import Grid
from mpm.merging.merge_map import MergeMap
from mpm.merging.recipe import Recipe
from mpm.segmenters.heads.grid_head import GridHead, Restored
from mpm.segmenters.scores import GridScores, Scores


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run leaves: the head's scores, and the states after the last block.

    The states are of all images together, or of each alone.
    """

    scores: Scores
    states: tuple[TokenState, ...]

    @property
    def logits(self) -> Tensor:
        """(B, classes, h, w) on the head's own grid: one cell a patch, or several."""
        return self.scores.logits


def run(
    encoder: Encoder,
    head: nn.Module,
    start: Tensor | TokenState,
    recipe: Recipe,
    clock: Clock | None = None,
    *,
    grid: Grid | None = None,
    seen: Callable[[TokenState], None] | None = None,
    insert: Insert = merge_tokens,
) -> Outcome:
    """From pixels (B, 3, H, W), H and W whole patches, or from a state of an earlier run, to scores.

    head: a `GridHead`; or any module that takes patch tokens (B, N, C), and the logarithms of their sizes or
    None, and gives scores (B, N, classes). Other arguments and errors as `mpm.encoders.run.encode`.
    """
    clock = clock or Clock(start.tokens.device if isinstance(start, TokenState) else start.device)
    states = encode(encoder, start, recipe, clock, grid=grid, seen=seen, insert=insert)
    # In training a head sees the whole batch: normalisation over batches takes its statistics there.
    together = head.training and not recipe.decode_merged
    parts = [states] if together else [[state] for state in states]
    first, *others = [finish(encoder, head, part, recipe, clock) for part in parts]
    return Outcome(first.joined(others) if others else first, tuple(states))


def finish(
    encoder: Encoder, head: nn.Module, states: list[TokenState], recipe: Recipe, clock: Clock
) -> Scores:
    """From the last block to scores: the full grid restored, final norm, decoder.

    Raises InputError for a recipe that decodes merged tokens with a head that needs the grid.
    """
    first = states[0]
    if recipe.decode_merged and isinstance(head, GridHead):
        raise InputError(f"Recipe {recipe} decodes merged tokens, but this model's head needs the full grid")
    if recipe.decode_merged and first.maps:
        return GridScores(_finish_merged(encoder, head, first, clock))
    with clock.part("reconstruct"):
        tokens = _cat([encoder.restore(state) for state in states])
        blocks = zip(*(state.taps for state in states), strict=True)
        taps = tuple(_cat(list(of_a_block)) for of_a_block in blocks)
    with clock.part("decode"):
        return read(head, encoder.norm(tokens), first.grid, taps)


def read(head: nn.Module, tokens: Tensor, grid: Grid, taps: tuple[Tensor, ...] = ()) -> Scores:
    """What a head makes of full-grid tokens (B, P + N, C) after the final norm."""
    prefix = tokens.shape[1] - grid.size
    if isinstance(head, GridHead):
        return head.read(Restored(tokens[:, :prefix], tokens[:, prefix:], grid, taps))
    return GridScores(on_grid(head(tokens[:, prefix:]), grid))


def _cat(parts: list[Tensor]) -> Tensor:
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def _finish_merged(encoder: Encoder, head: nn.Module, state: TokenState, clock: Clock) -> Tensor:
    """The same in the other order: final norm, decoder over merged tokens, the grid restored last."""
    with clock.part("decode"):
        merged = encoder.norm(state.tokens)[:, state.prefix :]
        sizes = None if state.log_sizes is None else state.log_sizes[:, state.prefix :]
    if state.has_differences:
        return _finish_residual(encoder, head, state, merged, sizes, clock)
    with clock.part("decode"):
        scores = _by_length(head, merged, sizes, state.counts)
    with clock.part("reconstruct"):
        return on_grid(state.whole_map().reconstruct(scores), state.grid)


def _finish_residual(
    encoder: Encoder, head: nn.Module, state: TokenState, merged: Tensor, sizes: Tensor | None, clock: Clock
) -> Tensor:
    """Merged tokens decoded, what each patch has of its own carried on through the decoder."""
    decode = getattr(head, "forward_merged", None)
    if decode is None:
        raise InputError(
            f"The decoder {type(head).__name__} cannot decode merged tokens with residual: it has no "
            "forward_merged"
        )
    with clock.part("reconstruct"):
        restored = encoder.restore(state)
    with clock.part("decode"):
        patches = encoder.norm(restored)[:, state.prefix :]
        whole = state.whole_map()
        scores = []
        # Images of equal length could go together; on CPU they come alone anyway.
        for image, count in enumerate(state.counts):
            one = slice(image, image + 1)
            spread = MergeMap(whole.index[one], whole.counts[one], composed=True).reconstruct
            own = None if sizes is None else sizes[one, :count]
            scores.append(decode(merged[one, :count], patches[one], spread, own))
        return on_grid(torch.cat(scores) if len(scores) > 1 else scores[0], state.grid)


def _by_length(head: nn.Module, patches: Tensor, log_sizes: Tensor | None, counts: tuple[int, ...]) -> Tensor:
    """(B, M, C) -> (B, M, classes), padding kept away from the head."""
    if set(counts) == {patches.shape[1]}:
        return head(patches, log_sizes)

    def decode(members: list[int], length: int) -> Tensor:
        sizes = None if log_sizes is None else log_sizes[members, :length]
        return head(patches[members, :length], sizes)

    return by_length(counts, patches.shape[1], decode)


def on_grid(scores: Tensor, grid: Grid) -> Tensor:
    """(B, N, classes) -> (B, classes, rows, cols)."""
    return scores.transpose(1, 2).unflatten(2, (grid.rows, grid.cols))
