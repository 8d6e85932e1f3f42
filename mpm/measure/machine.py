"""What can be said about the machine that runs the model."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpm.measure.health import Conditions
from mpm.runtimes import RuntimeChoice

if TYPE_CHECKING:
    import torch

    from mpm.segmenters.segmenter import Segmenter

UNKNOWN = "unknown"
ZERO_GPU = "ZeroGPU: shares of a GPU vary from call to call, and its clock cannot be read here"


def device_name() -> str:
    """Processor or board, cores that this process may use, and memory: one line."""
    cores = core_count()
    return f"{processor_name()}, {cores} core{'s' if cores > 1 else ''}, {memory_text()}"


def device_line(segmenter: Segmenter) -> str:
    """What runs the model, in one line: "AMD EPYC, 2 threads, ONNX Runtime float32"."""
    choice = RuntimeChoice.parse(segmenter.runtime)
    runtime = f"{RuntimeChoice(choice.name).title} {choice.number_format}"
    if segmenter.device.type == "cuda":
        import torch

        return f"{torch.cuda.get_device_name(segmenter.device)}, {runtime}"
    threads = compute_threads()
    return f"{processor_name()}, {threads} thread{'s' if threads > 1 else ''}, {runtime}"


def core_count() -> int:
    """Logical cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compute_threads() -> int:
    """Threads that torch computes with on the CPU."""
    import torch

    return torch.get_num_threads()


def memory_text() -> str:
    import psutil

    return f"{psutil.virtual_memory().total / 2**30:.0f} GiB"


def processor_name(root: Path = Path("/")) -> str:
    """The board's name where the system tells it (a Raspberry Pi), else the processor's."""
    return _board(root) or _cpuinfo(root) or platform.processor() or f"{UNKNOWN} CPU"


def device_facts(segmenter: Segmenter, conditions: Conditions | None = None) -> list[tuple[str, str]]:
    """Names and values for the page, "unknown" where the system does not tell."""
    import torch

    now = conditions or Conditions()
    facts = [
        ("Processor", processor_name()),
        ("Cores", f"{core_count()}, of which {compute_threads()} compute"),
        ("Memory", memory_text()),
        *_gpu_facts(segmenter.device),
        *_runtime_facts(segmenter),
        ("PyTorch", torch.__version__),
        ("Temperature", UNKNOWN if now.temperature_c is None else f"{now.temperature_c:.0f} °C"),
        ("Clock", UNKNOWN if now.clock_mhz is None else f"{now.clock_mhz:.0f} MHz"),
        ("Throttling", UNKNOWN if now.throttled is None else now.throttled or "none"),
    ]
    return facts + ([("Shared", ZERO_GPU)] if os.environ.get("SPACES_ZERO_GPU") else [])


def machine_record(device: torch.device) -> dict[str, Any]:
    """What a file of results says of the machine: system, processor, cores, device, torch, python."""
    import torch

    processor = processor_name()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor,
        "cores": core_count(),
        "device": f"{device.type}: {name}",
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def attention_name(segmenter: Segmenter) -> str:
    """How the encoder's blocks compute attention."""
    attention = getattr(segmenter.encoder.blocks[0], "attn", None)
    if not getattr(attention, "fused_attn", False):
        return "plain matrix products"
    return f"PyTorch’s fused SDPA{_kernels(segmenter)}"


def _kernels(segmenter: Segmenter) -> str:
    """Which fused kernels CUDA may choose from; on a CPU there is no choice to tell."""
    if segmenter.device.type != "cuda":
        return ""
    from torch.backends import cuda

    allowed = {"flash": cuda.flash_sdp_enabled(), "memory-efficient": cuda.mem_efficient_sdp_enabled()}
    half = str(segmenter.dtype) in ("torch.float16", "torch.bfloat16")
    names = [name for name, on in allowed.items() if on and (half or name != "flash")]
    return f" ({' or '.join(names) or 'math'})"


def _gpu_facts(device: torch.device) -> list[tuple[str, str]]:
    if device.type != "cuda":
        return []
    import torch

    properties = torch.cuda.get_device_properties(device)
    return [("GPU", f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB")]


def _runtime_facts(segmenter: Segmenter) -> list[tuple[str, str]]:
    """Another runtime has attention of its own, of which it tells nothing."""
    runtime = RuntimeChoice.parse(segmenter.runtime)
    numbers = ("Number format", runtime.number_format)
    if runtime.name == "torch":
        return [numbers, ("Attention", attention_name(segmenter))]
    return [("Runtime", RuntimeChoice(runtime.name).title), numbers]


def _board(root: Path) -> str:
    try:
        text = (root / "proc/device-tree/model").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.strip("\0 \n")


def _cpuinfo(root: Path) -> str:
    try:
        lines = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return " ".join(names[0].split()) if names else ""
