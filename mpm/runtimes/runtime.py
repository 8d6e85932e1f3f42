"""The seam to what runs a graph: a `Runtime` makes functions of ONNX models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np

Call = Callable[..., np.ndarray]
"""The inputs in the graph's order -> its one output; all float32. May be called from several threads."""


class Runtime(ABC):
    """An installed runtime in one number format. What comes in and goes out is float32 in any.

    formats   what it computes in, on some machine or other
    calibrated  formats for which the ranges of what comes into each layer must have been seen on pictures
    packages  what it imports
    extra     of this package, which brings them
    """

    name: ClassVar[str]
    formats: ClassVar[tuple[str, ...]]
    packages: ClassVar[tuple[str, ...]]
    extra: ClassVar[str]
    calibrated: ClassVar[tuple[str, ...]] = ()

    def __init__(self, number_format: str, threads: int) -> None:
        self.number_format, self.threads = number_format, threads

    @property
    def title(self) -> str:
        return runtime_text(self.name, self.number_format)

    @property
    def needs_ranges(self) -> bool:
        return self.number_format in self.calibrated

    @abstractmethod
    def compile(self, model: bytes) -> Call:
        """A function that runs an ONNX model with one output. Raises whatever the runtime raises."""

    @abstractmethod
    def check(self) -> None:
        """Raises InputError where this machine does not have the number format."""


def runtime_text(name: str, number_format: str) -> str:
    """A runtime's name, and its number format where that is not float32: "openvino bfloat16"."""
    return name if number_format == "float32" else f"{name} {number_format}"
