"""ONNX Runtime on the CPU."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

import numpy as np

from mpm.runtimes.runtime import Call, Runtime


class OnnxRuntime(Runtime):
    """Microsoft's runtime: any number of tokens at no cost, and it is there for the Raspberry Pi."""

    name = "onnxruntime"
    formats = ("float32", "int8")
    packages: ClassVar[tuple[str, ...]] = ("onnx", "onnxruntime")
    extra = "onnx"

    def __init__(self, number_format: str, threads: int) -> None:
        super().__init__(number_format, threads)
        _share_memory()

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
        options.add_session_config_entry("session.use_env_allocators", "1")
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_inputs()]

        def call(*inputs: np.ndarray) -> np.ndarray:
            return session.run(None, dict(zip(names, inputs, strict=True)))[0]

        return call


def _share_memory() -> None:
    """One store of memory for the graphs of all blocks: each with its own, they hold ten times as much."""
    import onnxruntime as ort

    place = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    # It is the process': in some releases who comes second is refused. Without it there is only more memory.
    with suppress(Exception):
        ort.create_and_register_allocator(place, None)
