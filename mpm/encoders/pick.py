"""Which kind of encoder runs a module."""

from __future__ import annotations

from typing import Any, TypeGuard

from torch import nn

from mpm.encoders.base import Encoder
from mpm.encoders.rope import RopeEncoder
from mpm.encoders.vit import PlainViT, PositionResizing, VitEncoder

KINDS: tuple[type[VitEncoder], ...] = (VitEncoder, RopeEncoder)
"""In the order in which they are asked."""


def pick_encoder(module: nn.Module, resizing: PositionResizing | None = None) -> Encoder:
    """The encoder that runs a module. Raises TypeError, saying what the module is, where none does."""
    for kind in KINDS:
        if kind.fits(module):
            return kind(module, resizing)
    raise TypeError(f"expected a plain timm VisionTransformer, but got {why_unsupported(module)}")


def timm_arguments(module: nn.Module) -> dict[str, Any]:
    """What timm must be told so that it makes a module of this kind for any grid."""
    return next((dict(kind.timm_arguments) for kind in KINDS if kind.fits(module)), {})


def is_supported(module: nn.Module) -> TypeGuard[PlainViT]:
    """Whether an encoder runs a module."""
    return any(kind.fits(module) for kind in KINDS)


def why_unsupported(module: nn.Module) -> str:
    """Why no encoder runs a module, in words for "..., but got "; empty where one does."""
    if is_supported(module):
        return ""
    return type(module).__name__ + (" with rotary embeddings" if getattr(module, "rope", None) else "")
