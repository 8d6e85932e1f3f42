"""One insertion of one image, as it is remembered (NumPy only)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class MergeStage:
    """One insertion. All arrays are over this stage's input tokens, in raster order.

    block       encoder block on whose input the merge happened
    index       int64: input token -> merged token
    nearest     int64: the most similar other token (mutual pairs: b(i)); -1 where the rule does not say
    partner     int64: the token that it merged with, -1 for none. Pairs name each other; where many join one,
                each names the one that it joined
    similarity  float32: cosine similarity to `nearest`, NaN where the rule does not say
    position    int64: patch index of the token's representative (the smallest patch of its group)
    rule        the rule with its arguments, e.g. "mutual"
    apart       bool: tokens that the rule merged and rounding left apart; None: nobody

    >>> import mpm
    >>> from mpm.streets import render_street
    >>> segmenter = mpm.load_segmenter("streets-vit-tiny")
    >>> run = segmenter.segment(render_street(7).image, "2,5", resolution=96)
    >>> first = run.trace.stages[0]
    >>> first.block, first.rule
    (2, 'mutual')
    >>> len(first.index) - len(first.pairs()) == run.trace.token_counts[1]  # every pair is a token less
    True
    """

    block: int
    index: np.ndarray
    nearest: np.ndarray
    partner: np.ndarray
    similarity: np.ndarray
    position: np.ndarray
    rule: str
    apart: np.ndarray | None = None

    @property
    def is_shared(self) -> np.ndarray:
        """Which input tokens share their merged token with others: (N,) bool."""
        return np.bincount(self.index, minlength=1)[self.index] > 1

    def pairs(self) -> np.ndarray:
        """(P, 2) int64: every two tokens of which one names the other, once, smaller index first."""
        order = np.arange(len(self.partner))
        mate = self.partner
        # Of two that name each other the first counts; who joins another counts wherever it lies.
        own = np.flatnonzero((mate >= 0) & ((mate > order) | (mate[mate] != order)))
        return np.sort(np.stack([own, mate[own]], axis=1), axis=1)

    def next_positions(self) -> np.ndarray:
        """Patch index of each merged token's representative."""
        merged = np.full(int(self.index.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(merged, self.index, self.position)
        return merged
