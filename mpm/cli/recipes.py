"""What several commands share: options that name recipes, and files that bring rules."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from mpm.merging.named import ModelShape
from mpm.merging.recipe import Recipe
from mpm.merging.rule import find_rule, load_rules
from mpm.merging.rule_call import RuleCall

RECIPE_HELP = 'such as "2,5", "random@2,5" or "2,5|sizes" (see `mpm rules`); "none" merges nothing'
ANY_MODEL = ModelShape(depth=12, changed=((0.95, 0.0),))  # whether it is calibrated is left for later, too
"""Spells names out before the model is known: their arguments and options are the same for all."""


def add_rules_option(parser: argparse.ArgumentParser) -> None:
    """`--rules FILE`, which `use_rules` reads."""
    parser.add_argument(
        "--rules",
        type=Path,
        action="append",
        metavar="FILE",
        help="a Python file of your own that registers rules; it is run; may be given again",
    )


def use_rules(args: argparse.Namespace) -> None:
    """Register the rules of all `--rules` files. Raises InputError for a file that cannot be used."""
    for path in args.rules or ():
        load_rules(path)


def check_recipes(texts: Iterable[str]) -> None:
    """Refuse bad texts before a model is loaded. Whether it has the blocks is left for later."""
    for text in texts:
        Recipe.parse(text, ANY_MODEL)


def with_rule(recipes: Iterable[Recipe], name: str, flag: str, **arguments: object) -> list[Recipe]:
    """The recipes with another rule where the paper's stood, as for an old flag.

    flag: what to say became what; empty: nothing is said.
    """
    call = RuleCall.of(find_rule(name), arguments)
    changed = [recipe.in_place_of_paper(call) for recipe in recipes]
    if flag:
        _tell(flag, changed)
    return changed


def _tell(flag: str, changed: Iterable[Recipe]) -> None:
    became = " ".join(f'"{recipe}"' for recipe in changed if len(recipe))
    print(f"mpm: {flag} is a recipe now: {became or 'none'}", file=sys.stderr)
