"""Graph: neighbours that are alike are linked, and all that hang together become one.

Source: "G2TM", VISAPP 2026; written from the paper. Shapes: N tokens, K edges.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from mpm.merging.by_image import Choice, choose_by_image, nothing_merges
from mpm.merging.cells import grid_of, token_of_patch, touching_tokens
from mpm.merging.components import components, components_after
from mpm.merging.context import Context
from mpm.merging.merge_map import MergeMap
from mpm.merging.parameters import Range
from mpm.merging.reasons import Reasons
from mpm.merging.removals import asked_removals, most_alike
from mpm.merging.rule import rule
from mpm.merging.stage import MergeStage


@rule("graph", title="Graph of neighbours (G2TM)", source="G2TM, VISAPP 2026")
def graph(tokens: Tensor, context: Context, threshold: Annotated[float, Range(-1, 1)] = 0.88) -> MergeMap:
    """Neighbours that are alike are linked, and all that hang together become one: a chain may swallow a sky.

    threshold: a link needs at least so much similarity. Neighbours are tokens that hold patches side by side
    or one above the other.
    """
    grid, asked = grid_of(context, "graph"), asked_removals(context)
    owner = token_of_patch(context, grid)

    def choose(units: Tensor, image: int) -> Choice:
        edges = touching_tokens(owner[image], grid)
        return _choose(units, edges, threshold, None if asked is None else asked[image])

    return choose_by_image(tokens, context.counts, choose)


def _choose(units: Tensor, edges: Tensor, threshold: float, wanted: int | None) -> Choice:
    """One image (N, C), its neighbours (K, 2). wanted: so many tokens go, whatever the threshold says."""
    cosines = (units.index_select(0, edges[:, 0]) * units.index_select(0, edges[:, 1])).sum(1)
    if wanted is None:
        root = components(edges[cosines >= threshold].cpu().numpy(), len(units))
    else:
        ordered = edges[most_alike(cosines, len(edges))]
        root = components_after(ordered.cpu().numpy(), len(units), wanted)
    nearest, similarity = _nearest_neighbours(units, edges, cosines)
    return Choice(torch.from_numpy(root).to(units.device), nearest, similarity)


def _nearest_neighbours(units: Tensor, edges: Tensor, cosines: Tensor) -> tuple[Tensor, Tensor]:
    """The most similar neighbour of each token, of equal ones the first, and how similar: both (N,)."""
    _, order, similarity, _ = nothing_merges(units)
    own, other, both = edges.flatten(), edges.flip(1).flatten(), cosines.repeat_interleave(2)
    similarity = similarity.scatter_reduce(0, own, both, "amax")
    best = both == similarity[own]
    # A token without neighbours stays its own nearest.
    return order.scatter_reduce(0, own[best], other[best], "amin", include_self=False), similarity


@graph.why
def why(stage: MergeStage) -> Reasons:
    """Whether a link leads anywhere."""
    order = np.arange(len(stage.index))
    return Reasons.choose(
        len(order),
        ("merged with {partner}: links between alike neighbours lead there", stage.partner >= 0),
        ("merged: links between alike neighbours lead to others", stage.is_shared),
        ("not merged: it has no neighbour", stage.nearest == order),
        ("not merged: even its most similar neighbour, {nearest}, is not alike enough", True),
    )
