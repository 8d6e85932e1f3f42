"""ONNX Runtime on the CPU."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mpm.runtimes.runtime import Call, Runtime


class OnnxRuntime(Runtime):
    """Microsoft's runtime: any number of tokens at no cost, and it is there for the Raspberry Pi."""

    name = "onnxruntime"
    formats = ("float32", "int8")
    packages: ClassVar[tuple[str, ...]] = ("onnx", "onnxruntime")
    extra = "onnx"

    def check(self) -> None:
        """Both formats run everywhere; a processor without instructions for int8 is only slow at it."""

    def compile(self, model: bytes) -> Call:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Each session has threads of its own: those of one block must not spin while the next block runs.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_inputs()]

        def call(*inputs: np.ndarray) -> np.ndarray:
            return session.run(None, dict(zip(names, inputs, strict=True)))[0]

        return call
