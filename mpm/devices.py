"""Which device a command runs on, and what it is good at."""

from __future__ import annotations

import torch

from mpm.errors import InputError


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" takes CUDA where there is one. InputError where it cannot be used."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(f"The device {name!r} cannot be used here: try auto or cpu") from error


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 outrun float32 there: CUDA, and CPUs with instructions for them."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # PyTorch has no public question for it. Without the instructions it emulates them, at a loss.
    instructions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, name, lambda: False)() for name in instructions)
