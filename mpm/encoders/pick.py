"""Which kind of encoder runs a module."""

from __future__ import annotations

from torch import nn

from mpm.encoders.base import Encoder
from mpm.encoders.vit import PositionResizing, VitEncoder

KINDS: tuple[type[VitEncoder], ...] = (VitEncoder,)
"""In the order in which they are asked."""


def pick_encoder(module: nn.Module, resizing: PositionResizing | None = None) -> Encoder:
    """The encoder that runs a module. Raises TypeError, saying what the module is, where none does."""
    for kind in KINDS:
        if kind.fits(module):
            return kind(module, resizing)
    raise TypeError(f"expected a plain timm VisionTransformer, but got {why_unsupported(module)}")


def why_unsupported(module: nn.Module) -> str:
    """Why no encoder runs a module, in words for "..., but got "; empty where one does."""
    if any(kind.fits(module) for kind in KINDS):
        return ""
    name = type(module).__name__
    if getattr(module, "rope", None) is not None:
        return f"{name} with rotary position embeddings, of which a merged token would need two"
    return name
