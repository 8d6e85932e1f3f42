"""Rules: who becomes one token. Each is a function with a name, registered once, known everywhere.

    @mpm.rule("stripes", title="Stripes", source="an example")
    def stripes(tokens, context, width: int = 2):
        order = torch.arange(tokens.shape[1], device=tokens.device).expand(tokens.shape[:2])
        return mpm.MergeMap.from_groups(order // width)

A recipe then names it: "stripes(3)@2,5". The rules in the box are the modules of `mpm.merging.rules`.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpm.errors import InputError, shortened
from mpm.merging.arguments import check_arguments
from mpm.merging.parameters import Parameter, Value, parameters_of

if TYPE_CHECKING:
    from torch import Tensor

    from mpm.merging.context import Context
    from mpm.merging.merge_map import MergeMap
    from mpm.merging.reasons import Reasons
    from mpm.merging.stage import MergeStage

BOX = "mpm.merging.rules"
"""The package whose modules are the rules in the box."""
PAPER_RULE = "mutual"
NAME = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*")


@dataclass(eq=False)
class Rule:
    """A way to choose who becomes one token. Calling it calls its function, with arguments checked.

    title    for menus, e.g. "Mutual pairs"
    source   who published it, and where
    about    the first sentence of its docstring
    looks_ahead  whether what it does depends on the insertions still to come, and on what the device takes;
                 or the parameters of which one must be given for that
    reasons  what it says of each token (see `why`); None: only whether the token merged

    >>> import mpm
    >>> rule = next(one for one in mpm.rules() if one.name == "bipartite")
    >>> rule.source
    'Bolya et al.: ToMe, ICLR 2023'
    >>> rule.check({"share": "much"})
    Traceback (most recent call last):
    ...
    mpm.errors.InputError: ...
    """

    name: str
    title: str
    source: str
    function: Callable[..., MergeMap]
    parameters: tuple[Parameter, ...]
    about: str = ""
    reasons: Callable[[MergeStage], Reasons] | None = None
    looks_ahead: bool | Collection[str] = False

    def __call__(self, tokens: Tensor, context: Context, **arguments: Value) -> MergeMap:
        """(B, N, C) patch tokens -> MergeMap. Raises InputError for bad arguments, or as the rule does."""
        return self.function(tokens, context, **self.check(arguments))

    def why(self, function: Callable[[MergeStage], Reasons]) -> Callable[[MergeStage], Reasons]:
        """Decorator of the function that tells, of one insertion, why each token merged or stayed."""
        self.reasons = function
        return function

    @property
    def is_boxed(self) -> bool:
        """Whether it is one of `mpm.merging.rules`."""
        return self.function.__module__.startswith(BOX)

    def check(self, arguments: Mapping[str, object]) -> dict[str, Value]:
        """The arguments in their own types. Raises InputError naming the rule and what is allowed."""
        return check_arguments(f"Rule {self.name}", self.parameters, arguments)

    def describe(self) -> dict[str, Any]:
        """Name, title, source and parameters as plain values, for menus and programs."""
        return {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "about": self.about,
            "parameters": [_described(one) for one in self.parameters],
        }


def _described(one: Parameter) -> dict[str, Any]:
    limits = one.range
    finite = {} if limits is None else {"low": limits.low, "high": limits.high}
    return {
        "name": one.name,
        "kind": one.kind.__name__,
        "default": one.default,
        "is_optional": one.is_optional,
        "is_named": one.is_named,
        **{name: value for name, value in finite.items() if abs(value) != float("inf")},
    }


_REGISTERED: dict[str, Rule] = {}


def rule(
    name: str, *, title: str, source: str, looks_ahead: bool | Collection[str] = False
) -> Callable[[Callable[..., MergeMap]], Rule]:
    """Decorator that registers a function (tokens, context, **parameters) -> MergeMap as a rule.

    tokens: (B, N, C), the patch tokens on the input of a block. context: what else is known, see
    `mpm.merging.context.Context`. Every parameter has a default; `Annotated[float, mpm.Range(0, 0.5)]` says
    what is allowed. Keyword-only ones are always written with their names. looks_ahead: as `Rule` has it.

    Raises InputError for a name that is taken or is no name, TypeError for a signature that does not fit.

    >>> import torch
    >>> import mpm
    >>> @mpm.rule("stripes", title="Stripes", source="an example")
    ... def stripes(tokens, context, width: int = 2):
    ...     order = torch.arange(tokens.shape[1], device=tokens.device).expand(tokens.shape[:2])
    ...     return mpm.MergeMap.from_groups(order // width)
    >>> str(mpm.Recipe.parse("stripes(3)@2,5"))
    'stripes(3)@2,5'
    >>> tokens = torch.rand(1, 9, 4)
    >>> stripes(tokens, mpm.Context(tokens), width=3).index
    tensor([[0, 0, 0, 1, 1, 1, 2, 2, 2]])
    """
    if not NAME.fullmatch(name) or name == "none":
        raise InputError(
            f"A rule's name is lower-case letters and digits, with - or _ between, but got {shortened(name)}"
        )

    def register(function: Callable[..., MergeMap]) -> Rule:
        about = (function.__doc__ or "").strip().partition("\n\n")[0]
        parameters = parameters_of(function)
        made = Rule(
            name, title, source, function, parameters, " ".join(about.split()), looks_ahead=looks_ahead
        )
        if not function.__module__.startswith(BOX):
            importlib.import_module(BOX)  # the box's names are taken, whoever comes first
        known = _REGISTERED.get(name)
        # A cell of a notebook may be run again; two different rules of one name would be a silent mix-up.
        if known is not None and _home(known) != _home(made):
            raise InputError(f"There is a rule {name} already: {known.title}")
        _REGISTERED[name] = made
        return made

    return register


def _home(one: Rule) -> tuple[str, str]:
    return one.function.__module__, one.function.__qualname__


def rules() -> tuple[Rule, ...]:
    """All rules: those in the box by name, then others in their order.

    >>> import mpm
    >>> mpm.rules()[0].name
    'mutual'
    >>> {"bipartite", "random"} <= {one.name for one in mpm.rules()}
    True
    """
    importlib.import_module(BOX)
    boxed = sorted((one for one in _REGISTERED.values() if one.is_boxed), key=_menu_order)
    return (*boxed, *(one for one in _REGISTERED.values() if not one.is_boxed))


def _menu_order(one: Rule) -> tuple[bool, str]:
    return one.name != PAPER_RULE, one.name


def has_own_rules() -> bool:
    """Whether somebody registered rules besides those in the box. Imports nothing."""
    return any(not one.is_boxed for one in _REGISTERED.values())


def rule_reasons(name: str) -> Callable[[MergeStage], Reasons] | None:
    """How the rule of that name tells its reasons; None where it does not, or where there is no such rule."""
    return next((one.reasons for one in rules() if one.name == name), None)


def find_rule(name: str) -> Rule:
    """The rule of that name. Raises InputError naming those that exist."""
    if name not in _REGISTERED:
        importlib.import_module(BOX)
    if name not in _REGISTERED:
        raise InputError(
            f"There is no rule {shortened(name)}: choose one of {', '.join(one.name for one in rules())}"
        )
    return _REGISTERED[name]


def load_rules(path: str | Path) -> None:
    """Run a Python file that registers rules: code of whoever starts the program, never of a visitor.

    Raises InputError, with the file's own error, where it cannot be run or registers nothing.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import mpm
    >>> text = '''
    ... import mpm
    ... @mpm.rule("own", title="Own pairs", source="an example")
    ... def own(tokens, context):
    ...     return mpm.mutual_pairs(tokens, context.counts)
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "own.py"
    ...     _ = path.write_text(text)
    ...     mpm.load_rules(path)
    >>> mpm.rules()[-1].title
    'Own pairs'
    """
    path = Path(path)
    before = dict(_REGISTERED)
    try:
        spec = importlib.util.spec_from_file_location(f"mpm_rules_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise InputError("It is no Python file")
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    # It is somebody's program: it may raise anything, even ask to leave.
    except (Exception, SystemExit) as error:
        _REGISTERED.clear()
        _REGISTERED.update(before)
        raise InputError(f"The rules in {str(path)!r} cannot be used: {_said(error)}") from error
    if all(before.get(name) is one for name, one in _REGISTERED.items()):
        raise InputError(f"The file {str(path)!r} registers no rule: it needs @mpm.rule(...)")


def _said(error: BaseException) -> str:
    if isinstance(error, InputError):
        return str(error)
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
