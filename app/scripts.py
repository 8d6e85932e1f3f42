"""Joins the browser's modules into one string, as gr.HTML wants it: no bundler, nothing from the network.

The files are ES modules, so that editors, linters and node understand them. gr.HTML runs its `js_on_load` as
the body of one function, where neither `import` nor `export` may stand. So each module is written once, after
all that it imports, without the two words. All share one scope then: no two may declare the same name, and
nothing is renamed on its way. `element`, `props`, `trigger` and `watch` are gr.HTML's and the entry's alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_IMPORT = re.compile(r"^import \{\s*([\w$]+(?:,\s*[\w$]+)*),?\s*\} from '(\.[^'\n]*\.js)';\n", re.M)
_EXPORT = re.compile(r"^export (?=(?:async function|function|const|let|class) [\w$])", re.M)
_DECLARED = re.compile(r"^(export )?(?:async function|function|const|let|class) ([\w$]+)", re.M)
_DOC = re.compile(r"^[ \t]*/\*\*(?:(?!\*/).)*\*/[ \t]*\n", re.M | re.S)
"""A comment with types, on lines of its own."""
_INLINE_TYPE = re.compile(r"/\*\* @(?:type|param) (?:(?!\*/).)*\*/ ")
"""A type within a line of code."""
_REMARK = re.compile(r"(?<=[;,({[\])}]) // [^'\"`\n]*$", re.M)
"""A remark after code. None within a text: the text's end would follow it."""
_OTHER = re.compile(r"^(?:import|export)\b.*", re.M)


@dataclass(frozen=True)
class Module:
    """One file. body: its text without imports; imports: the names it takes, by the file they come from."""

    path: Path
    body: str
    imports: dict[Path, list[str]]
    declared: list[str]
    exported: set[str]


@cache
def joined(entry: Path) -> str:
    """All that `entry` needs and then itself, as one script."""
    return "'use strict';\n" + "\n".join(_bare(module.body) for module in modules(entry))


def _bare(body: str) -> str:
    """Without indentation, lines of comment and types, which every visitor would have to fetch.

    Text that spans lines is left as it is: a module with such a text keeps its form.
    """
    if "`" in body and any(line.count("`") % 2 for line in body.splitlines()):
        return body
    for comment in (_DOC, _INLINE_TYPE, _REMARK):
        body = comment.sub("", body)
    lines = (line.strip() for line in body.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


@cache
def modules(entry: Path) -> tuple[Module, ...]:
    """`entry` and what it imports, each after its own imports."""
    found: dict[Path, Module] = {}
    _visit(entry.resolve(), (), found)
    _refuse_clashes(found.values())
    return tuple(found.values())


def _visit(path: Path, way: tuple[Path, ...], found: dict[Path, Module]) -> None:
    if path in found:
        return
    if path in way:
        circle = " -> ".join(one.name for one in (*way[way.index(path) :], path))
        raise ValueError(f"Modules must not import each other in a circle: {circle}.")
    if not path.is_file():
        raise FileNotFoundError(
            f"{way[-1].name if way else 'the page'} needs {path}, but there is no such file"
        )
    module = _read(path)
    for needed, names in module.imports.items():
        _visit(needed, (*way, path), found)
        for name in names:
            if name not in found[needed].exported:
                raise ValueError(f"{path.name} imports {name}, but {needed.name} does not export it.")
    found[path] = module


def _read(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    body = _IMPORT.sub("", text)
    plain = _EXPORT.sub("", body)
    if other := _OTHER.search(plain):
        raise ValueError(
            f"{path.name}: only import {{ a, b }} from './x.js'; and export before a function, const, let or "
            f"class can be joined, but it says: {other.group()}."
        )
    declared = _DECLARED.findall(body)
    imports: dict[Path, list[str]] = {}
    for taken, file in _IMPORT.findall(text):
        imports.setdefault((path.parent / file).resolve(), []).extend(re.findall(r"[\w$]+", taken))
    names = [name for _, name in declared]
    return Module(path, plain, imports, names, {name for word, name in declared if word})


def _refuse_clashes(found: Iterable[Module]) -> None:
    owners: dict[str, Path] = {}
    for module in found:
        for name in module.declared:
            if name in owners:
                raise ValueError(f"{owners[name].name} and {module.path.name} both declare {name}.")
            owners[name] = module.path
