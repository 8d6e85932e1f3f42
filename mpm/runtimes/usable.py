"""Which runtimes, in which number formats, can be used on this machine."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mpm.runtimes.choice import KINDS, NUMBER_FORMATS, RUNTIMES, check_names, check_runtime
from mpm.runtimes.runtime import runtime_text

TITLES = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
"""As their makers write them."""
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"}
"""What Linux calls the instructions, on x86 and on Arm."""


@dataclass(frozen=True)
class RuntimeChoice:
    """A runtime in a number format."""

    name: str
    number_format: str = "float32"

    @classmethod
    def parse(cls, text: str) -> RuntimeChoice:
        """From its `text`. Raises InputError for what nobody knows, installed or not."""
        name, _, number_format = text.partition(" ")
        check_names(name, number_format or "float32")
        return cls(name, number_format or "float32")

    @property
    def text(self) -> str:
        """As `Segmenter.runtime` says it: "openvino bfloat16"."""
        return runtime_text(self.name, self.number_format)

    @property
    def calibrates(self) -> bool:
        """Whether a model is shown pictures before it can run in it, which takes its time."""
        return self.name in KINDS and self.number_format in KINDS[self.name].calibrated

    @property
    def title(self) -> str:
        """For people: "OpenVINO bfloat16"."""
        return runtime_text(TITLES[self.name], self.number_format)


@cache
def usable_runtimes() -> tuple[RuntimeChoice, ...]:
    """PyTorch in float32, and all else that is installed and whose numbers this processor computes with.

    Imports what is installed. PyTorch computes in half precision anywhere; it is listed where the processor
    says that it has instructions for it, as it is slower than float32 elsewhere.
    """
    found = [RuntimeChoice("torch")]
    if computes_bfloat16():
        found.append(RuntimeChoice("torch", "bfloat16"))
    for name in RUNTIMES[1:]:
        for number_format in NUMBER_FORMATS:
            with suppress(Exception):  # a broken package is as good as none
                check_runtime(name, number_format)
                found.append(RuntimeChoice(name, number_format))
    return tuple(found)


def computes_bfloat16(root: Path = Path("/")) -> bool:
    """Whether the processor says that it has instructions for bfloat16; only Linux tells."""
    try:
        text = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    lines = (line.partition(":") for line in text.splitlines())
    return any(BFLOAT16_FLAGS & set(words.split()) for name, _, words in lines if _names_flags(name))


def _names_flags(name: str) -> bool:
    return name.strip() in ("flags", "Features")
