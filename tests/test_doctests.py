"""Examples in docstrings: each runs from nothing, as a person would paste it, and every public name has one.

Docstrings are read from the source, not from what Python has made of it: rules are values of a class, not
functions, and constants have no docstring but the text behind them.
"""

from __future__ import annotations

import ast
import doctest
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import mpm

ROOT = Path(__file__).parent.parent
FLAGS = doctest.ELLIPSIS


def docstrings(path: Path) -> Iterator[tuple[str, str, int]]:
    """Name, text and line of every docstring of a file: "", "Grid", "Grid.box", "PAPER"."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if text := ast.get_docstring(tree, clean=False):
        yield "", text, 0
    yield from _inside(tree, "")


def _inside(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, str, int]]:
    for one, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(one, (ast.ClassDef, ast.FunctionDef)):
            if text := ast.get_docstring(one, clean=False):
                yield prefix + one.name, text, one.body[0].lineno - 1
            if isinstance(one, ast.ClassDef):
                yield from _inside(one, f"{prefix}{one.name}.")
        elif isinstance(one, (ast.Assign, ast.AnnAssign)):
            target = one.targets[0] if isinstance(one, ast.Assign) else one.target
            text = following.value if isinstance(following, ast.Expr) else None
            is_text = isinstance(text, ast.Constant) and isinstance(text.value, str)
            if isinstance(target, ast.Name) and is_text:
                yield prefix + target.id, text.value, text.lineno - 1


def examples() -> dict[str, doctest.DocTest]:
    """All docstrings of the library that hold an example, by module and name: "mpm.merging.grid.Grid.box"."""
    found = {}
    for path in sorted((ROOT / "mpm").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for name, text, line in docstrings(path):
            whole = f"{module}.{name}".rstrip(".")
            # Nothing of the module is at hand: whoever pastes an example has nothing, either.
            test = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, whole, str(path), line)
            if test.examples:
                found[whole] = test
    return found


EXAMPLES = examples()


@pytest.mark.parametrize("name", mpm.__all__)
def test_every_public_name_has_an_example(name):
    # In the module that the front door takes it from, or a module of that package.
    inside = f"mpm.{mpm._HOME_OF[name]}."
    assert any(one.startswith(inside) and one.endswith(f".{name}") for one in EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs(name, no_rule_stays):
    said: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(EXAMPLES[name], out=said.append, clear_globs=False)
    assert not said, "".join(said)


@pytest.mark.parametrize("name", mpm.__all__)
def test_public_methods_and_properties_say_what_they_are(name):
    value = getattr(mpm, name)
    members = vars(value) if isinstance(value, type) else {}
    silent = {member for member, what in members.items() if not member.startswith("_") and _is_silent(what)}
    assert not silent


def _is_silent(member: object) -> bool:
    """Whether a method or property lacks a docstring; the class's own tells of its fields."""
    function = getattr(member, "fget", None) or getattr(member, "__func__", member)
    return isinstance(function, types.FunctionType) and not function.__doc__
