"""What runs whole blocks in place of PyTorch, where it is installed: ONNX Runtime and OpenVINO, on the CPU.

The loop over the blocks, the rules and the restore stay ours, in float32: a runtime is given one block at a
time as a graph with one free axis, the tokens, so any recipe runs on the same few graphs, and a block's
output does not hang on what else was asked for.
"""

from mpm.runtimes.choice import NUMBER_FORMATS, RUNTIMES, check_runtime, open_runtime
from mpm.runtimes.runtime import Runtime
from mpm.runtimes.usable import RuntimeChoice, usable_runtimes

__all__ = [
    "NUMBER_FORMATS",
    "RUNTIMES",
    "Runtime",
    "RuntimeChoice",
    "check_runtime",
    "open_runtime",
    "usable_runtimes",
]
