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
    calibrates  whether its int8 needs ranges of what comes into each layer, seen on some pictures before
    packages  what it imports
    extra     of this package, which brings them
    """

    name: ClassVar[str]
    formats: ClassVar[tuple[str, ...]]
    packages: ClassVar[tuple[str, ...]]
    extra: ClassVar[str]
    calibrates: ClassVar[bool] = False

    def __init__(self, number_format: str, threads: int) -> None:
        self.number_format, self.threads = number_format, threads

    @property
    def title(self) -> str:
        """Its name, and its number format where that is not float32."""
        return self.name if self.number_format == "float32" else f"{self.name} {self.number_format}"

    @property
    def needs_ranges(self) -> bool:
        return self.calibrates and self.number_format == "int8"

    @abstractmethod
    def compile(self, model: bytes) -> Call:
        """A function that runs an ONNX model with one output. Raises whatever the runtime raises."""

    @abstractmethod
    def check(self) -> None:
        """Raises InputError where this machine does not have the number format."""
