"""Choosing a runtime by its name."""

from __future__ import annotations

from importlib import import_module

from mpm.errors import InputError, shortened
from mpm.runtimes.onnx_runtime import OnnxRuntime
from mpm.runtimes.open_vino import OpenVino
from mpm.runtimes.runtime import Runtime

KINDS: dict[str, type[Runtime]] = {kind.name: kind for kind in (OnnxRuntime, OpenVino)}
"""Besides torch. None imports its packages before it is opened."""
RUNTIMES = ("torch", *KINDS)
NUMBER_FORMATS = ("float32", "bfloat16", "float16", "int8")
TORCH_FORMATS = ("float32", "bfloat16", "float16")


def open_runtime(name: str, number_format: str = "float32", threads: int = 1) -> Runtime:
    """A runtime other than torch, ready to compile.

    Raises InputError for an unknown one, one that is not installed, a number format that it has not, or one
    that this machine has not.
    """
    check_names(name, number_format)
    kind = KINDS[name]
    _check_installed(kind)
    if number_format not in kind.formats:
        raise InputError(f"{name} runs {_either(kind.formats)} here, but got {number_format}")
    runtime = kind(number_format, threads)
    runtime.check()
    return runtime


def check_runtime(name: str, number_format: str | None = None) -> None:
    """Before a model is loaded for it. Raises InputError as `open_runtime`."""
    check_names(name, number_format or "float32")
    if name != "torch":
        open_runtime(name, number_format or "float32")


def check_names(name: str, number_format: str) -> None:
    """Raises InputError for a runtime or a number format that nobody knows, and for one that torch lacks."""
    if name not in RUNTIMES:
        raise InputError(f"A runtime is {_either(RUNTIMES)}, but got {shortened(name)}")
    if number_format not in NUMBER_FORMATS:
        raise InputError(f"A number format is {_either(NUMBER_FORMATS)}, but got {shortened(number_format)}")
    if name == "torch" and number_format not in TORCH_FORMATS:
        raise InputError(f"torch runs {_either(TORCH_FORMATS)} here, but got {number_format}")


def _check_installed(kind: type[Runtime]) -> None:
    for package in kind.packages:
        try:
            import_module(package)
        except ImportError as error:
            missing = f"{kind.name} needs {package}, which" if package != kind.name else kind.name
            command = f"pip install 'mpm-explorer[{kind.extra}]'"
            raise InputError(f"{missing} is not installed: install it with {command}") from error


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
