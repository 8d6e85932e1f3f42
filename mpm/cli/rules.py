"""`python -m mpm rules`: the rules that a recipe may name, recipes with names, and what cannot run here."""

from __future__ import annotations

import argparse
import json

from mpm.cli.recipes import add_rules_option, use_rules
from mpm.cli.types import Subparsers
from mpm.merging.elsewhere import ELSEWHERE
from mpm.merging.named import ModelShape, NamedRecipe, named_recipes
from mpm.merging.recipe import Recipe
from mpm.merging.rule import Rule, rules

GRAMMAR = """A recipe is a rule and the blocks before which it merges, "random@2,5". Blocks alone mean mutual
pairs; "+" joins several; options stand behind a bar: "2,5|sizes", "0,2,4|decode-merged", "2,5|round32",
"none|432px"."""
SHAPE = ModelShape(depth=12, width=192)
"""ViT-Tiny's: names are spelled out for it where no model is loaded."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds `rules` to the program's commands."""
    parser = subparsers.add_parser("rules", help="the rules that a recipe may name, and their parameters")
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    add_rules_option(parser)
    parser.set_defaults(func=run, keeps_files=lambda _: False)


def run(args: argparse.Namespace) -> int:
    """The command. Raises InputError for a rules file that cannot be used."""
    use_rules(args)
    if args.json:
        print(json.dumps([one.describe() for one in rules()], indent=2))
        return 0
    print("\n\n".join([*map(_card, rules()), GRAMMAR, _named(), _elsewhere()]))
    return 0


def _card(rule: Rule) -> str:
    lines = [f"{rule.name}  {rule.title}", f"    {rule.about}", f"    source: {rule.source}"]
    for one in rule.parameters:
        lines.append(f"    {one.name}: {one.allowed}; left out: {one.write(one.default)}")
    return "\n".join(lines)


def _named() -> str:
    head = f"Recipes with names, spelled out for {SHAPE.depth} blocks of {SHAPE.width} channels:"
    return "\n".join([head, *map(_named_card, named_recipes())])


def _named_card(one: NamedRecipe) -> str:
    return f"    {one.name}  {Recipe.parse(one.name, SHAPE)}\n        {one.title}: {one.source}"


def _elsewhere() -> str:
    lines = [f"    {one.name} ({one.paper}): {one.why}" for one in ELSEWHERE]
    return "\n".join(["Methods that cannot run on a frozen segmenter:", *lines])
