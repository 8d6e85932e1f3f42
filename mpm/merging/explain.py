"""From a stage to the sentence of one of its tokens, in the words of the rule that made it (NumPy only)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from mpm.merging.reasons import Reasons, plain_reasons
from mpm.merging.rule import rule_reasons
from mpm.merging.stage import MergeStage

PLACES = re.compile(r"\{(partner|nearest|rival)\}")
LEFT_APART = "not merged: left apart to round the number of tokens"


def reasons_of(stage: MergeStage) -> Reasons:
    """Why each token of a stage merged or stayed, in its rule's words."""
    say = rule_reasons(stage.rule.partition("(")[0])
    said = plain_reasons(stage) if say is None else say(stage)
    return said if stage.apart is None else said.where(stage.apart, LEFT_APART)


def sentence_of(stage: MergeStage, token: int, reasons: Reasons, place: Callable[[int], str]) -> str:
    """The token's sentence with its places filled in. place: the words for a token of the stage."""
    named = {
        "partner": stage.partner[token],
        "nearest": stage.nearest[token],
        "rival": _follow(stage.nearest, stage.nearest[token]),
    }
    return PLACES.sub(lambda found: place(int(named[found[1]])), reasons.sentences[int(reasons.code[token])])


def _follow(nearest: Sequence[int] | np.ndarray, token: int) -> int:
    return int(nearest[token]) if token >= 0 else -1
