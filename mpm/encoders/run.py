"""The one loop over the blocks, with merges between them.

`segment`, sweeps, profiles, features, sliding windows, `MergingViT` and all of the benchmark go through
`encode`: they differ in what watches (a clock, a keeper of states), where it starts and where it stops.
No class is patched, no hook set, no state kept between calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mpm.clock import Clock
from mpm.encoders.base import Encoder, TokenState
from mpm.errors import InputError
from mpm.merging.context import Context
from mpm.merging.grid import Grid
from mpm.merging.insertion import apply_rule
from mpm.merging.recipe import Recipe
from mpm.merging.rounding import rounded_up
from mpm.merging.rule_call import RuleCall
from mpm.merging.trace import TraceBatch, trace_image

Insert = Callable[[Encoder, TokenState, RuleCall, Recipe, Clock], TokenState]
"""What happens on the input of a block that a recipe names."""


def merge_tokens(
    encoder: Encoder,
    state: TokenState,
    call: RuleCall,
    recipe: Recipe,
    clock: Clock,
    removals: Sequence[int] | None = None,
) -> TokenState:
    """One insertion: patch tokens merge, prefix tokens pass.

    removals: how many tokens each image is to lose, for comparing rules at equal counts.
    """
    head, patches = state.tokens[:, : state.prefix], state.patches
    with clock.part("match"):
        context = _context(encoder, state, call, recipe, removals)
        merge_map = rounded_up(apply_rule(call, context), recipe.round_to)
    with clock.part("merge"):
        counts = tuple(merge_map.counts.tolist())  # the one moment at which the host waits for the device
        done = replace(
            state,
            counts=counts,
            blocks=(*state.blocks, state.block),
            maps=(*state.maps, merge_map),
            rules=(*state.rules, str(call)),
        )
        if counts == state.counts:
            return replace(done, differences=(*state.differences, None))
        width = max(counts)
        sizes = context.sizes if recipe.weighted else None
        merged_patches = merge_map.merge(patches, width, sizes)
        positions = merge_map.representatives(width)
        if state.positions is not None:
            positions = state.positions.gather(1, positions)
        own = patches - merge_map.reconstruct(merged_patches) if recipe.residual else None
        merged = replace(
            done,
            tokens=torch.cat([head, merged_patches], dim=1),
            positions=positions,
            packing=None,
            differences=(*state.differences, own),
        )
        return replace(merged, log_sizes=_log_sizes(merged)) if recipe.sizes else merged


def encode(
    encoder: Encoder,
    start: Tensor | TokenState,
    recipe: Recipe,
    clock: Clock | None = None,
    *,
    grid: Grid | None = None,
    seen: Callable[[TokenState], None] | None = None,
    stop: int | None = None,
    insert: Insert = merge_tokens,
) -> list[TokenState]:
    """Run the blocks: the states after the last one, of all images together or of each alone.

    start   pixels (B, 3, H, W), H and W whole patches; or a state of an earlier run, which goes on from there
    clock   times the parts; None: nothing is timed
    grid    the patch grid of the pixels, where somebody knows more of it than its rows and columns
    seen    called with the state on the input of every block, before anything merges there
    stop    the block on whose input to stop; None: after the last
    insert  what an insertion does

    Raises InputError for a recipe that does not fit the encoder, and for a rule that fails.
    """
    recipe.check(encoder.depth)
    if len(recipe) and torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        raise InputError("A run with merges cannot be traced: its lengths are those of one picture")
    clock = clock or Clock(start.tokens.device if isinstance(start, TokenState) else start.device)
    if isinstance(start, TokenState):
        return [_run_blocks(encoder, start, recipe, clock, seen, stop, insert)]
    states = []
    for pixels in start.split(1) if runs_alone(start, recipe, encoder.takes_turns) else (start,):
        with clock.part("embed"):
            state = encoder.embed(pixels, grid)
        states.append(_run_blocks(encoder, state, recipe, clock, seen, stop, insert))
    return states


def _run_blocks(
    encoder: Encoder,
    state: TokenState,
    recipe: Recipe,
    clock: Clock,
    seen: Callable[[TokenState], None] | None,
    stop: int | None,
    insert: Insert,
) -> TokenState:
    for block in range(state.block, encoder.depth if stop is None else stop):
        state = encoder.enter(state)
        if seen is not None:
            seen(state)
        call = recipe.at(block) if state.counts else None  # an empty batch has nothing to merge
        state = _tap(encoder, _run_block(encoder, state, call, recipe, clock, insert), clock)
    return state


def _run_block(
    encoder: Encoder, state: TokenState, call: RuleCall | None, recipe: Recipe, clock: Clock, insert: Insert
) -> TokenState:
    """A block, and what merges on its input or in its middle."""
    if call is None or not recipe.after_attention:
        if call is not None:
            state = insert(encoder, state, call, recipe, clock)
        with clock.part("blocks"):
            return encoder.step(state)
    with clock.part("blocks"):
        state = encoder.attend(state)
    state = insert(encoder, state, call, recipe, clock)
    with clock.part("blocks"):
        return encoder.feed_forward(state)


def _tap(encoder: Encoder, state: TokenState, clock: Clock) -> TokenState:
    """The state, with the output of the block that just ran kept for the head where it wants that."""
    if state.block - 1 not in encoder.taps:
        return state
    with clock.part("reconstruct"):
        return replace(state, taps=(*state.taps, encoder.restore(state)))


def as_finished(encoder: Encoder, state: TokenState) -> TokenState:
    """An embedded state as it would be behind the last block, for who times or tries a head alone."""
    entered = encoder.enter(replace(state, block=encoder.depth - 1))
    return replace(entered, block=encoder.depth, taps=(state.tokens,) * len(encoder.taps))


def runs_alone(pixels: Tensor, recipe: Recipe, takes_turns: bool = False) -> bool:
    """Whether the images of a batch take turns. takes_turns: even without merges, see `Encoder`.

    On CPU a matrix product over more rows may round differently, and a changed bit may change a match: only
    apart is an image's result the same alone and in any batch. Nothing is lost, as there is no launch cost
    to share there. Without merges nothing depends on rounding, and the batch stays whole, as timm's does.
    """
    wanted = len(recipe) > 0 or takes_turns
    return wanted and pixels.shape[0] > 1 and pixels.device.type == "cpu"


def traces(states: Iterable[TokenState], grid: Grid | None = None) -> TraceBatch:
    """The record of each image. grid: another than the states' own."""
    return TraceBatch(
        trace_image(grid or state.grid, state.blocks, state.maps, image, state.rules)
        for state in states
        for image in range(len(state.counts))
    )


def _context(
    encoder: Encoder, state: TokenState, call: RuleCall, recipe: Recipe, removals: Sequence[int] | None
) -> Context:
    patches = state.patches
    ragged = any(count != patches.shape[1] for count in state.counts)
    return Context(
        patches.detach(),
        block=state.block,
        depth=encoder.depth,
        grid=replace(state.grid, positions=state.positions),
        counts=torch.tensor(state.counts, device=patches.device) if ragged else None,
        maps=state.maps,
        plan=recipe.blocks,
        own_blocks=tuple(block for block, own in recipe.insertions if own == call),
        after_attention=recipe.after_attention,
        decodes_all=not recipe.decode_merged,
        costs=encoder.costs,
        removals=None if removals is None else tuple(removals),
        find_keys=lambda: encoder.keys(state.entered or state),
    )


def _log_sizes(state: TokenState) -> Tensor:
    """(B, P + M): 0 for prefix tokens and for padding."""
    sizes = state.whole_map().group_sizes(state.patches.shape[1]).clamp(min=1)
    prefix = sizes.new_ones(sizes.shape[0], state.prefix)
    return torch.cat([prefix, sizes], dim=1).float().log().to(state.tokens.dtype)
