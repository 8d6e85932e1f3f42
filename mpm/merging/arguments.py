"""Arguments in brackets, checked against the parameters of what is called: "(0.2)", "(window=4)"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mpm.errors import InputError, shortened
from mpm.merging.parameters import Parameter, Value


def check_arguments(
    what: str, parameters: Sequence[Parameter], arguments: Mapping[str, object]
) -> dict[str, Value]:
    """The arguments in their own types. Raises InputError naming what is called and what is allowed."""
    known = {one.name: one for one in parameters}
    for name in arguments:
        if name not in known:
            raise InputError(f"{what} has no parameter {shortened(name)}: {_listed(parameters)}")
    try:
        return {name: known[name].check(value) for name, value in arguments.items()}
    except InputError as error:
        raise InputError(f"{what}: {error}") from error


def read_arguments(what: str, parameters: Sequence[Parameter], text: str) -> dict[str, Value]:
    """What stands between the brackets, bare values in the parameters' order. Raises as `check_arguments`."""
    known = {one.name: one for one in parameters}
    bare = [one.name for one in parameters if not one.is_named]
    found: dict[str, Value] = {}
    for place, word in enumerate(text.split(",") if text.strip() else ()):
        name, has_name, value = (part.strip() for part in word.partition("="))
        if not has_name:
            name, value = (bare[place] if place < len(bare) else name), name
        if name not in known:
            check_arguments(what, parameters, {name: value})
        if name in found:
            raise InputError(f"{what} has {name} twice")
        try:
            found[name] = known[name].read(value)
        except InputError as error:
            raise InputError(f"{what}: {error}") from error
    return found


def split_call(text: str) -> tuple[str, str | None]:
    """From "tome(16)" to its name and what its brackets hold: nothing without any, None if they stay open."""
    name, bracket, inside = text.strip().partition("(")
    name = name.strip().lower()
    if not bracket:
        return name, ""
    return name, inside.removesuffix(")") if inside.endswith(")") else None


def _listed(parameters: Sequence[Parameter]) -> str:
    names = ", ".join(f"{one.name} ({one.allowed})" for one in parameters)
    return f"it takes {names}" if names else "it takes none"
