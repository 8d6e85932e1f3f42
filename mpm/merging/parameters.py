"""Parameters of a rule: read from its signature, checked against their ranges, written as text."""

from __future__ import annotations

import inspect
import math
import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from mpm.errors import InputError, shortened

Value = int | float | bool | str | None
"""What a parameter may be."""

KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}
WORD = re.compile(r"[a-z0-9][a-z0-9_.-]*")


@dataclass(frozen=True)
class Range:
    """Smallest and largest value allowed, in a rule's signature.

    `share: Annotated[float, mpm.Range(0, 0.5)] = 0.2` is a parameter that takes 0 to 0.5.

    >>> import mpm
    >>> 0.2 in mpm.Range(0, 0.5)
    True
    >>> str(mpm.Range(low=1))
    '1 or more'
    """

    low: float = -math.inf
    high: float = math.inf

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        if math.isinf(self.high):
            return f"{self.low:g} or more"
        return f"{self.high:g} or less" if math.isinf(self.low) else f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a rule.

    kind         int, float, bool or str
    is_optional  whether None is allowed, written "none"
    is_named     always written with its name, like a keyword-only argument
    """

    name: str
    kind: type
    default: Value
    is_optional: bool = False
    is_named: bool = False
    range: Range | None = None

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        words = KINDS[self.kind]
        if self.range is not None:
            words += f", {self.range}"
        return f"{words}, or none" if self.is_optional else words

    def check(self, value: object) -> Value:
        """The value in the parameter's own type. Raises InputError for what is not allowed."""
        if value is None and self.is_optional:
            return None
        if self.kind is float and type(value) is int:
            value = float(value)
        if type(value) is not self.kind or not self._in_range(value):
            raise InputError(f"{self.name} must be {self.allowed}, but got {shortened(value)}")
        return value  # type: ignore[return-value]

    def read(self, text: str) -> Value:
        """The value of a text such as "0.2". Raises InputError."""
        return self.check(self._parsed(text.strip()))

    def write(self, value: Value) -> str:
        """The shortest text that reads back as the value."""
        if value is None or isinstance(value, bool):
            return str(value).lower()
        return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)

    def _parsed(self, text: str) -> object:
        if text.lower() == "none" and self.is_optional:
            return None
        if self.kind is bool:
            return {"true": True, "false": False}.get(text.lower(), text)
        try:
            return self.kind(text)
        except ValueError:
            return text

    def _in_range(self, value: object) -> bool:
        if isinstance(value, str):
            return WORD.fullmatch(value) is not None
        # Only a float may not be finite; a whole number may be too large to ask.
        is_finite = isinstance(value, int) or math.isfinite(value)  # type: ignore[arg-type]
        return is_finite and (self.range is None or value in self.range)  # type: ignore[operator]


def parameters_of(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """Those behind tokens and context. Raises TypeError for a signature that no recipe could call."""
    first, second, *rest = inspect.signature(function).parameters.values()
    hints = get_type_hints(function, include_extras=True)
    return tuple(_parameter(one, hints.get(one.name)) for one in rest)


def _parameter(one: inspect.Parameter, hint: Any) -> Parameter:
    if one.default is one.empty or one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL):
        raise TypeError(f"Parameter {one.name!r} of a rule needs a default.")
    hint = type(one.default) if hint is None else hint
    limits = None
    if get_origin(hint) is Annotated:
        hint, *notes = get_args(hint)
        limits = next((note for note in notes if isinstance(note, Range)), None)
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    own = [kind for kind in kinds if kind is not type(None)]
    if len(own) != 1 or own[0] not in KINDS:
        raise TypeError(f"Parameter {one.name!r} of a rule must be int, float, bool or str.")
    is_named = one.kind is one.KEYWORD_ONLY
    made = Parameter(one.name, own[0], one.default, len(kinds) > 1, is_named, limits)
    made.check(one.default)
    return made
