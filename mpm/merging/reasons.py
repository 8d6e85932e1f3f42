"""Why tokens merged or stayed, in a rule's own words (NumPy only).

A sentence may name tokens: {partner} is the one it merged with, {nearest} the most similar other one,
{rival} whom that one looked at. Viewers put places of the picture there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpm.merging.stage import MergeStage


@dataclass(frozen=True, eq=False)
class Reasons:
    """One sentence a token: `sentences[code[token]]`. code: (N,) uint8.

    Raises ValueError where a code has no sentence.

    >>> import numpy as np
    >>> import mpm
    >>> merged = np.array([True, False])
    >>> reasons = mpm.Reasons.choose(2, ("merged with {partner}", merged), ("not merged", True))
    >>> [reasons.sentences[code] for code in reasons.code]
    ['merged with {partner}', 'not merged']
    """

    sentences: tuple[str, ...]
    code: np.ndarray

    def __post_init__(self) -> None:
        if self.code.dtype != np.uint8 or self.code.ndim != 1:
            raise ValueError(f"Code must be (N,) uint8, but got {self.code.shape} {self.code.dtype}.")
        if self.code.size and int(self.code.max()) >= len(self.sentences):
            raise ValueError(f"Code must be below {len(self.sentences)}, but got {int(self.code.max())}.")

    @classmethod
    def choose(cls, rows: int, *cases: tuple[str, np.ndarray | bool]) -> Reasons:
        """The first case that holds for a token, of (sentence, (N,) bool or True); the last one must."""
        sentences, holds = zip(*cases, strict=True)
        code = np.argmax([np.broadcast_to(one, rows) for one in holds], axis=0)
        return cls(tuple(sentences), code.astype(np.uint8))

    def where(self, holds: np.ndarray, sentence: str) -> Reasons:
        """The same with another sentence for some tokens. holds: (N,) bool."""
        if not holds.any():
            return self
        code = np.where(holds, len(self.sentences), self.code)
        return Reasons((*self.sentences, sentence), code.astype(np.uint8))


def plain_reasons(stage: MergeStage) -> Reasons:
    """For rules that say nothing of their own."""
    rows = len(stage.index)
    return Reasons.choose(
        rows,
        ("merged with {partner}", stage.partner >= 0),
        ("merged: others joined it", stage.is_shared),
        ("not merged; its nearest is {nearest}", (stage.nearest >= 0) & (stage.nearest != np.arange(rows))),
        ("not merged", True),
    )
