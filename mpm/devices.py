"""Which device a command runs on."""

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
        raise InputError(f"the device {name!r} cannot be used here: try auto or cpu") from error
