"""One call of a rule, its answer checked."""

from __future__ import annotations

import torch
from torch import Tensor

from mpm.errors import InputError
from mpm.merging.context import Context
from mpm.merging.merge_map import MergeMap
from mpm.merging.rule import Rule, find_rule
from mpm.merging.rule_call import RuleCall


@torch.no_grad()
def apply_rule(call: RuleCall, context: Context) -> MergeMap:
    """Who of the context's tokens become one.

    Raises InputError, naming the rule, where it fails or returns anything but a map of these tokens; what a
    rule of the box raises passes unchanged.
    """
    if call.merger is not None:
        return _checked(call, call.merger(context.tokens, context.counts, context.grid), context)
    rule = find_rule(call.name)
    if rule.is_boxed:
        return rule.function(context.tokens, context, **dict(call.arguments))
    return _checked(call, _call(rule, call, context), context)


def _call(rule: Rule, call: RuleCall, context: Context) -> object:
    try:
        return rule.function(context.tokens, context, **dict(call.arguments))
    except (InputError, MemoryError, torch.OutOfMemoryError):
        raise
    # Somebody's own code: whatever it raises, the page must say which rule it was.
    except Exception as error:
        said = " ".join(str(error).split()) or "no reason given"
        raise InputError(f"Rule {call} failed: {type(error).__name__}: {said}") from error


def _checked(call: RuleCall, found: object, context: Context) -> MergeMap:
    if not isinstance(found, MergeMap):
        raise InputError(f"Rule {call} must return a MergeMap, but got {type(found).__name__}")
    problem = _problem(found, context)
    if problem:
        raise InputError(f"Rule {call} must return a map of its tokens, but {problem}")
    return found


def _problem(found: MergeMap, context: Context) -> str:
    """What is wrong with a rule's answer, empty where nothing is."""
    tokens = context.tokens
    if found.index.shape != tokens.shape[:2]:
        return f"its index is {tuple(found.index.shape)} for tokens {tuple(tokens.shape)}"
    if found.composed:
        return "got a composed map, which cannot merge"
    if found.index.device != tokens.device:
        return f"it lies on {found.index.device}, the tokens on {tokens.device}"
    counts = [tokens.shape[1]] * len(tokens) if context.counts is None else context.counts.tolist()
    for index, count, kept in zip(found.index, counts, found.counts.tolist(), strict=True):
        problem = _problem_of_image(index, count, kept)
        if problem:
            return problem
    return ""


def _problem_of_image(index: Tensor, count: int, kept: int) -> str:
    if bool((index[count:] != -1).any()):
        return "rows of padding take part (their index must be -1)"
    own = index[:count]
    if bool((own < 0).any()):
        return "a token is lost (an index is -1)"
    # Raster order: a number that was not there before is the next one, so there is no gap either.
    highest = own.cummax(0).values
    steps = torch.cat([highest[:1], highest[1:] - highest[:-1]]) if count else own
    if count and (int(steps[0]) != 0 or int(steps.max()) > 1 or int(highest[-1]) + 1 != kept):
        return f"its numbers must be 0 to {max(kept - 1, 0)}, by their first tokens and without a gap"
    return ""
