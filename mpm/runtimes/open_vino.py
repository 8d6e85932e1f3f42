"""OpenVINO on the CPU."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any, ClassVar

import numpy as np

from mpm.errors import InputError
from mpm.runtimes.runtime import Call, Runtime

HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
CAPABILITIES = {"float32": "FP32", "bfloat16": "BF16", "float16": "FP16", "int8": "INT8"}


class OpenVino(Runtime):
    """Intel's runtime: half precision where the processor has it; each new number of tokens costs it once."""

    name = "openvino"
    formats = ("float32", "bfloat16", "float16", "int8")
    packages: ClassVar[tuple[str, ...]] = ("onnx", "openvino")
    extra = "openvino"
    calibrated = ("int8",)

    def __init__(self, number_format: str, threads: int) -> None:
        super().__init__(number_format, threads)
        self._core = _core()
        self._able = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")

    def check(self) -> None:
        if CAPABILITIES[self.number_format] not in self._able:
            usable = [name for name in self.formats if CAPABILITIES[name] in self._able]
            raise InputError(
                f"This machine's processor does not compute in {self.number_format} with openvino: "
                f"give {' or '.join(usable)}"
            )

    def _besides_int8(self) -> str:
        """What is not int8 is computed in bfloat16 where the processor has that, too."""
        if self.number_format != "int8":
            return self.number_format
        return "bfloat16" if CAPABILITIES["bfloat16"] in self._able else "float32"

    def compile(self, model: bytes) -> Call:
        settings = {
            "INFERENCE_PRECISION_HINT": HINTS[self._besides_int8()],
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": "1",
        }
        compiled = self._core.compile_model(self._core.read_model(model, b""), "CPU", settings)
        request, turn = compiled.create_infer_request(), threading.Lock()

        def call(*inputs: np.ndarray) -> np.ndarray:
            with turn:  # a request has one place for its results, which are copied out
                return request.infer(list(inputs))[0]

        return call


@cache
def _core() -> Any:
    """One for the process: with the last of them OpenVINO unloads its code while the process still needs it.

    A SIGTERM after that ended Python with a segmentation fault.
    """
    import openvino

    return openvino.Core()
